"""One example to an endpoint, on demand: for whoever sets it up."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from connectors.http.attempt_sender import AttemptSender
from connectors.http.envelope import envelope
from connectors.http.sender import Answer
from streams.delivery.fan_out import fan_out
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import ANY_EVENT
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent
from streams.webhooks.example import example_event

FIRST_SAMPLE = "AvailablePointsAmountChanged"
"""What is sent where all events are asked for."""
SAMPLE_MEMBER = str(uuid.UUID(int=0))


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What was sent, and what came back."""

    delivery: Delivery
    request_id: str
    answer: Answer

    @property
    def delivered(self) -> bool:
        return self.answer.status is not None and 200 <= self.answer.status < 300

    @property
    def error(self) -> str | None:
        return f"{self.answer.phase}: {self.answer.error}" if self.answer.error else None

    def tree(self) -> dict[str, Any]:
        """What the endpoint answered, and in how many milliseconds; or why there was no answer."""
        return {
            "messageId": self.delivery.delivery_id,
            "eventName": self.delivery.event_name,
            "status": self.answer.status,
            "delivered": self.delivered,
            "error": self.error,
            "durationMs": self.answer.duration_ms,
            "response": self.answer.response,
        }


async def send_sample(
    subscription: Subscription, attempt_sender: AttemptSender, now: datetime
) -> SampleResult:
    """As the fan-out would make it; of nobody."""
    name = FIRST_SAMPLE if subscription.event_name == ANY_EVENT else subscription.event_name
    delivery = _delivery(name, subscription, now)
    request_id = new_id()
    return SampleResult(
        delivery, request_id, await attempt_sender.send(delivery, subscription, request_id, now)
    )


def sample_body(name: str, store: str, at: datetime, *, legacy: bool) -> bytes:
    """What one request about that event may hold."""
    return envelope(_delivery(name, example_subscription(name, store, at, legacy=legacy), at), new_id())


def example_subscription(name: str, store: str, at: datetime, *, legacy: bool) -> Subscription:
    """A subscription that nobody has, for examples."""
    return Subscription(
        subscription_id=SAMPLE_MEMBER,
        store=store,
        event_name=name,
        url="https://shop.example/webhooks",
        created_at=at,
        legacy=legacy,
    )


def example_deliveries(event: WebhookEvent, subscription: Subscription) -> list[Delivery]:
    """The deliveries of the event to the subscription, whatever its filter says: two where the earlier
    version sent two webhooks."""
    open_to_all = replace(subscription, filter=(), active_from=None)
    return list(fan_out(event, [open_to_all]))


def _delivery(name: str, subscription: Subscription, now: datetime) -> Delivery:
    event = replace(
        example_event(CATALOGUE[name], now),
        webhook_event_id=new_id(),
        store=subscription.store,
        created_at=now,
    )
    # Nobody's delivery: no member has this id.
    return replace(example_deliveries(event, subscription)[0], member_id=SAMPLE_MEMBER)


def new_id() -> str:
    return str(uuid.uuid4())
