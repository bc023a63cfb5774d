"""Webhook events derived for the past: whom they are meant for stands in a header beside the schema's.

Whoever else asks for such events passes them over: in the fan-out, in the books and in replays.
"""

from collections.abc import Mapping

import msgspec

from streams.domain.values import Value
from streams.errors import Poison

HEADER = "backfill"


class Backfilled(Value):
    """`name` is the backfill's; its deliveries bear it as a replay's do."""

    name: str
    subscriptions: tuple[str, ...]

    @property
    def header(self) -> bytes:
        return msgspec.json.encode(self)


def backfilled(headers: Mapping[str, bytes]) -> Backfilled | None:
    """None: it was told as it happened, and is meant for all. Raises Poison."""
    raw = headers.get(HEADER)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=Backfilled)
    except msgspec.DecodeError as error:
        raise Poison(f"header {HEADER}={raw[:100]!r} does not say whom it is meant for: {error}") from None


def meant_for(subscription_id: str, by: Backfilled | None) -> bool:
    return by is None or subscription_id in by.subscriptions
