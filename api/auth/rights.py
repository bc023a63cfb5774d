"""What an API key may do: no more than its admin may, nor than whoever made it may, as they are now.

So a key ends with either of them, and is narrowed with them. What one wants to outlive its maker is made by a
key of the deployment's own, or by whoever stays.
"""

from dataclasses import dataclass
from datetime import datetime

from api.auth.principals import Principals
from streams.access import ApiKey


@dataclass(frozen=True, slots=True)
class Rights:
    """`stores` empty: all."""

    scopes: frozenset[str]
    stores: frozenset[str]

    def within(self, other: "Rights") -> "Rights | None":
        """Returns the rights that both have, or None if they share no store."""
        if self.stores and other.stores and not self.stores & other.stores:
            return None
        stores = self.stores & other.stores if self.stores and other.stores else self.stores | other.stores
        return Rights(self.scopes & other.scopes, stores)


MAX_KEY_CHAIN = 20
"""Keys made by keys: what is made by more than so many in a row is refused."""


def rights_of(key: ApiKey, principals: Principals, now: datetime, left: int = MAX_KEY_CHAIN) -> Rights | None:
    """None: it has ended, or its admin or whoever made it has."""
    if not left or (key.expires_at and key.expires_at <= now):
        return None
    own: Rights | None = Rights(frozenset(key.scopes), frozenset(key.stores))
    bounds = [_of_admin(key.admin_id, principals)]
    if key.made_by is not None:
        made_by = principals.key(key.made_by)
        bounds.append(
            rights_of(made_by, principals, now, left - 1) if made_by else _of_admin(key.made_by, principals)
        )
    for bound in bounds:
        own = own.within(bound) if own and bound else None
    return own


def _of_admin(admin_id: str, principals: Principals) -> Rights | None:
    admin = principals.admin(admin_id)
    return Rights(frozenset(admin.scopes), frozenset(admin.stores)) if admin else None
