"""From a webhook event to one delivery per subscription that wants it.

Two for a legacy subscription where the earlier version of the system sent two webhooks of one event.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from streams.delivery.filter import is_passed
from streams.delivery.records import Delivery, Subscription
from streams.domain.ids import derived_id
from streams.webhooks import CATALOGUE
from streams.webhooks.events import AvailablePointsAmountChanged, WebhookEvent

_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class _Format:
    """A body in one format, with the `type` it goes out under where that is not the event's own."""

    data: str
    legacy_type: str | None = None


def fan_out(event: WebhookEvent, subscriptions: Iterable[Subscription]) -> Iterator[Delivery]:
    """The deliveries for each subscription that wants this one of the events that it names; a body is made
    once for each format that is asked for."""
    formats: dict[bool, list[_Format]] = {}
    trees: dict[bool, object] = {}
    for subscription in subscriptions:
        legacy = subscription.legacy
        if subscription.active_from and event.created_at < subscription.active_from:
            continue
        if subscription.filter:
            if legacy not in trees:
                trees[legacy] = body_tree(event, legacy)
            if not is_passed(subscription.filter, trees[legacy]):
                continue
        if legacy not in formats:
            formats[legacy] = list(_formats(event, legacy))
        for made in formats[legacy]:
            yield _delivery(event, subscription, made)


def body_tree(event: WebhookEvent, legacy: bool) -> object:
    """What stands under `data`, and what filters see."""
    entry = CATALOGUE[type(event).__name__]
    return entry.legacy_body(event) if legacy else entry.body(event)


def _delivery(event: WebhookEvent, subscription: Subscription, made: _Format) -> Delivery:
    # The first body's id is of event and subscription alone; a second one's is told apart by its type.
    apart = () if made.legacy_type is None else (made.legacy_type,)
    return Delivery(
        delivery_id=derived_id(event.webhook_event_id, subscription.subscription_id, *apart),
        subscription_id=subscription.subscription_id,
        webhook_event_id=event.webhook_event_id,
        event_name=type(event).__name__,
        store=event.store,
        member_id=event.member_id,
        created_at=event.created_at,
        legacy=subscription.legacy,
        data=made.data,
        meta=_meta(event),
        legacy_type=made.legacy_type,
    )


def _formats(event: WebhookEvent, legacy: bool) -> Iterator[_Format]:
    yield _Format(body_json(event, legacy=legacy))
    second = CATALOGUE[type(event).__name__].second
    told = second.body(event) if legacy and second else None
    if second and told is not None:
        yield _Format(_JSON.encode(told).decode(), second.legacy_type)


def body_json(event: WebhookEvent, *, legacy: bool) -> str:
    """The JSON that stands under `data`. Decimals are written exactly, as JSON numbers."""
    return _JSON.encode(body_tree(event, legacy)).decode()


def _meta(event: WebhookEvent) -> dict[str, str]:
    if not isinstance(event, AvailablePointsAmountChanged):
        return {}
    return {
        "Meta-Amount-Before": f"{event.amount_before.normalize():f}",
        "Meta-Sequence": str(event.sequence),
    }
