"""From a webhook event to one delivery per subscription that wants it."""

from collections.abc import Iterable, Iterator

import msgspec

from streams.delivery.records import Delivery, Subscription
from streams.domain.ids import derived_id
from streams.webhooks import CATALOGUE
from streams.webhooks.events import AvailablePointsAmountChanged, WebhookEvent

_JSON = msgspec.json.Encoder(decimal_format="number")


def fan_out(event: WebhookEvent, subscriptions: Iterable[Subscription]) -> Iterator[Delivery]:
    """A delivery for each subscription; a body is made once for each format that is asked for."""
    bodies: dict[bool, str] = {}
    for subscription in subscriptions:
        if subscription.legacy not in bodies:
            bodies[subscription.legacy] = body(event, legacy=subscription.legacy)
        yield Delivery(
            delivery_id=derived_id(event.webhook_event_id, subscription.subscription_id),
            subscription_id=subscription.subscription_id,
            webhook_event_id=event.webhook_event_id,
            event_name=subscription.event_name,
            store=event.store,
            member_id=event.member_id,
            created_at=event.created_at,
            legacy=subscription.legacy,
            data=bodies[subscription.legacy],
            meta=_meta(event),
        )


def body(event: WebhookEvent, *, legacy: bool) -> str:
    """The JSON that stands under `data`. Decimals are written exactly, as JSON numbers."""
    entry = CATALOGUE[type(event).__name__]
    return _JSON.encode(entry.legacy_body(event) if legacy else entry.body(event)).decode()


def _meta(event: WebhookEvent) -> dict[str, str]:
    if not isinstance(event, AvailablePointsAmountChanged):
        return {}
    return {
        "Meta-Amount-Before": f"{event.amount_before.normalize():f}",
        "Meta-Sequence": str(event.sequence),
    }
