"""One example to an endpoint, on demand: for whoever sets it up."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from connectors.http.attempt_sender import AttemptSender
from connectors.http.envelope import envelope
from connectors.http.sender import Answer
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import ANY_EVENT
from streams.webhooks import CATALOGUE
from streams.webhooks.example import make_example

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
    request_id = str(uuid.uuid4())
    return SampleResult(
        delivery, request_id, await attempt_sender.send(delivery, subscription, request_id, now)
    )


def sample_body(name: str, store: str, at: datetime, *, legacy: bool) -> bytes:
    """What one request about that event may hold."""
    nowhere = Subscription(
        subscription_id=SAMPLE_MEMBER,
        store=store,
        event_name=name,
        url="https://shop.example/",
        created_at=at,
        legacy=legacy,
    )
    return envelope(_delivery(name, nowhere, at), str(uuid.uuid4()))


def _delivery(name: str, subscription: Subscription, now: datetime) -> Delivery:
    data = make_example(CATALOGUE[name], "legacy" if subscription.legacy else "new")
    return Delivery(
        delivery_id=str(uuid.uuid4()),
        subscription_id=subscription.subscription_id,
        webhook_event_id=str(uuid.uuid4()),
        event_name=name,
        store=subscription.store,
        member_id=SAMPLE_MEMBER,
        created_at=now,
        legacy=subscription.legacy,
        data=msgspec.json.encode(data).decode(),
    )
