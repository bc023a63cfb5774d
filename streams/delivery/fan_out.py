"""Makes one delivery of a webhook event for each subscription that wants it.

A legacy subscription gets two deliveries if the original platform sent two webhooks for one event.
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
class _FormattedBody:
    """A body in one format, with the `type` of its envelope if that is not the event's own."""

    data: str
    legacy_type: str | None = None


def fan_out(event: WebhookEvent, subscriptions: Iterable[Subscription]) -> Iterator[Delivery]:
    """The deliveries for those of the subscriptions that want this event; the caller has matched its name. A
    body is made once per format."""
    formats: dict[bool, list[_FormattedBody]] = {}
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
            formats[legacy] = list(_format_bodies(event, legacy))
        for made in formats[legacy]:
            yield _make_delivery(event, subscription, made)


def body_tree(event: WebhookEvent, legacy: bool) -> object:
    """The tree under `data`, which filters are evaluated on."""
    entry = CATALOGUE[type(event).__name__]
    return entry.legacy_body(event) if legacy else entry.body(event)


def _make_delivery(event: WebhookEvent, subscription: Subscription, made: _FormattedBody) -> Delivery:
    # The id derives from event and subscription; that of a second body from its type as well.
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
        meta=_meta_headers(event),
        legacy_type=made.legacy_type,
    )


def _format_bodies(event: WebhookEvent, legacy: bool) -> Iterator[_FormattedBody]:
    yield _FormattedBody(body_json(event, legacy=legacy))
    second = CATALOGUE[type(event).__name__].second
    told = second.body(event) if legacy and second else None
    if second and told is not None:
        yield _FormattedBody(_JSON.encode(told).decode(), second.legacy_type)


def body_json(event: WebhookEvent, *, legacy: bool) -> str:
    """The JSON text under `data`. Decimals are written exactly, as JSON numbers."""
    return _JSON.encode(body_tree(event, legacy)).decode()


def _meta_headers(event: WebhookEvent) -> dict[str, str]:
    if not isinstance(event, AvailablePointsAmountChanged):
        return {}
    return {
        "Meta-Amount-Before": f"{event.amount_before.normalize():f}",
        "Meta-Sequence": str(event.sequence),
    }
