"""One example to an endpoint, on demand: for whoever sets it up."""

import uuid
from datetime import datetime
from typing import Any

import msgspec

from connectors.http.courier import Courier
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import ANY
from streams.webhooks import CATALOGUE
from streams.webhooks.example import example

FIRST = "AvailablePointsAmountChanged"
"""What is sent where all events are asked for."""


async def sent_example(subscription: Subscription, courier: Courier, now: datetime) -> dict[str, Any]:
    """What the endpoint answered, and in how many milliseconds; or why there was no answer."""
    delivery = _delivery(subscription, now)
    answer = await courier.send(delivery, subscription, str(uuid.uuid4()), now)
    return {
        "messageId": delivery.delivery_id,
        "eventName": delivery.event_name,
        "status": answer.status,
        "delivered": answer.status is not None and 200 <= answer.status < 300,
        "error": f"{answer.phase}: {answer.error}" if answer.error else None,
        "durationMs": answer.duration_ms,
        "response": answer.response,
    }


def _delivery(subscription: Subscription, now: datetime) -> Delivery:
    """As the fan-out would make it; of nobody."""
    name = FIRST if subscription.event_name == ANY else subscription.event_name
    data = example(CATALOGUE[name], "legacy" if subscription.legacy else "new")
    return Delivery(
        delivery_id=str(uuid.uuid4()),
        subscription_id=subscription.subscription_id,
        webhook_event_id=str(uuid.uuid4()),
        event_name=name,
        store=subscription.store,
        member_id=str(uuid.UUID(int=0)),
        created_at=now,
        legacy=subscription.legacy,
        data=msgspec.json.encode(data).decode(),
    )
