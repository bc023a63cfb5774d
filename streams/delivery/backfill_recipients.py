"""The recipients of backfilled webhook events, in a record header beside the schema's.

The fan-out, reconciliations and replays skip such an event for every other subscription.
"""

from collections.abc import Mapping, Sequence

import msgspec

from streams.delivery.records import Subscription
from streams.delivery.subscription import ANY_EVENT, event_names, require_active
from streams.domain.values import Value
from streams.errors import Misconfigured, Poison

HEADER = "backfill"


class BackfillRecipients(Value):
    """`name` is the backfill's: its deliveries carry it in `replay`, as a replay's do."""

    name: str
    subscriptions: tuple[str, ...]

    @property
    def header(self) -> bytes:
        return msgspec.json.encode(self)


def read_recipients(headers: Mapping[str, bytes]) -> BackfillRecipients | None:
    """The recipients, or None for an event that was published when it happened, which is for all
    subscriptions. Raises Poison."""
    raw = headers.get(HEADER)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=BackfillRecipients)
    except msgspec.DecodeError as error:
        raise Poison(f"header {HEADER}={raw[:100]!r} does not say whom it is meant for: {error}") from None


def choose_subscriptions(
    there: Mapping[str, Subscription | None], ids: Sequence[str], store: str | None, event_name: str
) -> list[Subscription]:
    """The subscriptions with these ids, or without ids all active ones of the store that ask for the event.
    Raises Misconfigured naming the option that does not fit."""
    if not ids:
        asking = (one for one in there.values() if one and one.store == store and _is_asking(one, event_name))
        found = sorted((one for one in asking if one.state == "active"), key=lambda s: s.subscription_id)
        if not found:
            raise Misconfigured(
                f"--all-subscriptions: no active one of store {store!r} asks for {event_name}"
            )
        return found
    found = [_require_asking(there, id_, event_name) for id_ in dict.fromkeys(ids)]
    for one in found[1:]:
        if one.store != found[0].store:
            raise Misconfigured(f"--subscription {one.subscription_id!r} is not of store {found[0].store!r}")
    return found


def _require_asking(there: Mapping[str, Subscription | None], id_: str, event_name: str) -> Subscription:
    found = require_active(there.get(id_), id_)
    if not _is_asking(found, event_name):
        raise Misconfigured(f"--subscription {id_!r} does not ask for {event_name}")
    return found


def _is_asking(subscription: Subscription, event_name: str) -> bool:
    return not {event_name, ANY_EVENT}.isdisjoint(event_names(subscription))


def is_recipient(subscription_id: str, by: BackfillRecipients | None) -> bool:
    return by is None or subscription_id in by.subscriptions
