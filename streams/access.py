"""Who may call the API, and what was changed through it."""

from typing import Annotated, Literal

from msgspec import Meta

from streams.domain.values import Code, Instant, Text, Uuid, Value

Scope = Literal["read", "commands", "subscriptions", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "commands", "subscriptions", "admin")


class Admin(Value):
    """Somebody who logs in. Key of its record: `admin_id`; a tombstone ends it, and every token of it."""

    admin_id: Uuid
    username: Text
    password: Annotated[str, Meta(max_length=512)]
    """What is left of it: see `api.auth.passwords`."""
    created_at: Instant
    tokens_since: Instant
    """Tokens made before are of no use: when the password was set."""
    scopes: tuple[Scope, ...] = SCOPES
    stores: tuple[Code, ...] = ()
    """Empty: all."""


class ApiKey(Value):
    """A permanent key. Key of its record: `api_key_id`; a tombstone revokes it."""

    api_key_id: Uuid
    admin_id: Uuid
    """Whose it is; it ends with that admin."""
    name: Text
    digest: Annotated[str, Meta(max_length=64)]
    """SHA-256 of the key, which has 256 random bits."""
    created_at: Instant
    scopes: tuple[Scope, ...] = SCOPES
    stores: tuple[Code, ...] = ()
    """Empty: all."""
    expires_at: Instant | None = None
    made_by: Uuid | None = None
    """The admin or the API key that made it, with which it ends; None: a key of the deployment's own, or
    it is from before this was kept."""


class SignOut(Value):
    """Somebody has signed out: the session's cookie opens nothing any more. Key of its record: `session_id`.
    A tombstone follows once the session would have ended by itself."""

    session_id: Uuid
    admin_id: Uuid
    ends_at: Instant


class Change(Value):
    """One change that somebody was about to make, never a secret of it. Key: `subject_id`.

    Written before the change itself: none goes unrecorded. One whose caller was answered 503 may not have
    been made.
    """

    change_id: Uuid
    at: Instant
    who: Text
    """The caller's name, never a key."""
    address: Text
    """From which network address; empty: on the machine itself."""
    action: Literal["created", "changed", "deleted"]
    subject: Literal["subscription", "settings", "admin", "API key", "replay", "delivery", "member"]
    subject_id: Text
