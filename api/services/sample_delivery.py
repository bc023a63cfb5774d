"""One example to an endpoint or a listener, on demand: for whoever sets it up. It is in no book."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from api.contract.json_body import read_json, write_json
from api.problems import Complaint, Invalid
from connectors.http.attempt_sender import AttemptSender
from connectors.http.envelope import envelope
from connectors.http.sender import Answer
from streams.delivery.fan_out import fan_out
from streams.delivery.listeners import mark_test
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import ANY_EVENT, event_names
from streams.domain.values import Profile
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent
from streams.webhooks.example import example_event

FIRST_SAMPLE = "AvailablePointsAmountChanged"
"""What is sent where all events are asked for."""
SAMPLE_MEMBER = str(uuid.UUID(int=0))
EXAMPLE_ROOT = "example"


@dataclass(frozen=True, slots=True)
class SampleMember:
    """Whom an example is about."""

    member_id: str
    profile: Profile

    def fields(self) -> dict[str, object]:
        """By the names that bodies have them under."""
        email, phone = self.profile.email, self.profile.phone
        return {
            "customerId": self.member_id,
            "email": email,
            "customerEmail": email,
            "phone": phone,
            "customerPhone": phone,
            "loyaltyCardNumber": self.profile.loyalty_card_number,
            "firstName": self.profile.first_name,
            "lastName": self.profile.last_name,
        }


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
    subscription: Subscription,
    attempt_sender: AttemptSender,
    now: datetime,
    event_name: str | None = None,
    member: SampleMember | None = None,
) -> SampleResult:
    """As the fan-out would make it, with a header that says that it is a test; without a member of nobody."""
    delivery = make_sample(subscription, now, event_name, member)
    request_id = new_id()
    return SampleResult(
        delivery, request_id, await attempt_sender.send(delivery, subscription, request_id, now)
    )


def make_sample(
    subscription: Subscription,
    now: datetime,
    event_name: str | None = None,
    member: SampleMember | None = None,
) -> Delivery:
    """An example of that event, or of the first one that the subscription asks for. Raises Invalid if it does
    not ask for it."""
    asked = event_names(subscription)
    name = event_name or (FIRST_SAMPLE if asked[0] == ANY_EVENT else asked[0])
    if ANY_EVENT not in asked and name not in asked:
        message = f"{name} is not asked for here; asked for: {', '.join(asked)}"
        raise Invalid(Complaint(f"{EXAMPLE_ROOT}.eventName", message, "not_asked_for", name))
    return mark_test(_delivery(name, subscription, now, member))


def sample_body(name: str, store: str, at: datetime, *, legacy: bool) -> bytes:
    """What one request about that event may hold."""
    return envelope(_delivery(name, example_subscription(name, store, at, legacy=legacy), at, None), new_id())


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


def _delivery(name: str, subscription: Subscription, now: datetime, member: SampleMember | None) -> Delivery:
    event = replace(
        example_event(CATALOGUE[name], now),
        webhook_event_id=new_id(),
        store=subscription.store,
        created_at=now,
    )
    delivery = example_deliveries(event, subscription)[0]
    if member is None:
        # Nobody's delivery: no member has this id.
        return replace(delivery, member_id=SAMPLE_MEMBER)
    data = write_json(_about(read_json(delivery.data), member.fields()))
    return replace(delivery, member_id=member.member_id, data=data)


def _about(part: object, fields: dict[str, object]) -> object:
    """The example with these fields, wherever it has them."""
    if isinstance(part, dict):
        return {
            name: fields[name]
            if name in fields and not isinstance(value, dict | list)
            else _about(value, fields)
            for name, value in part.items()
        }
    return [_about(each, fields) for each in part] if isinstance(part, list) else part


def new_id() -> str:
    return str(uuid.uuid4())
