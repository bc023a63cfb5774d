"""Why a webhook did not arrive, or did: a verdict for an event and a subscription, in one plain sentence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from streams.delivery.backfill_recipients import BackfillRecipients
from streams.delivery.delivery_state import DeliveryState
from streams.delivery.records import EndpointStatus, Subscription
from streams.delivery.subscription_options import Condition
from streams.webhooks.events import WebhookEvent
from streams.webhooks.parts import iso_instant

VerdictKind = Literal[
    "delivered",
    "pending",
    "dead",
    "paused",
    "disabled",
    "filtered",
    "not subscribed",
    "not active yet",
    "not come to yet",
    "missing",
    "unknown",
]
"""missing: a delivery should have been made and was not. unknown: it cannot be told any more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`condition` is the one of the filter that did not hold, `found` the JSON that stood there, or None."""

    subscription_id: str
    kind: VerdictKind
    sentence: str
    delivery: DeliveryState | None = None
    condition: Condition | None = None
    found: str | None = None


@dataclass(frozen=True, slots=True)
class EventExplanation:
    """What became of one webhook event. None: its record is not there."""

    webhook_event_id: str
    event_name: str | None
    member_id: str | None
    created_at: datetime | None
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event as it stands in its topic. `ahead`: the fan-out has not come to it yet. `by`: its backfill."""

    event: WebhookEvent
    appended_at: datetime
    ahead: bool
    by: BackfillRecipients | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """A subscription as it is now, None where it was removed; and what the sink finds of its endpoint."""

    subscription_id: str
    now: Subscription | None
    endpoint: EndpointStatus | None


def explain_delivery(known: DeliveryState, receiver: Receiver, in_front: DeliveryState | None) -> Verdict:
    """Of one that was made. `in_front`: one of the same lane that is not over."""
    kind: VerdictKind
    match known.status:
        case "delivered":
            kind, sentence = "delivered", _delivered(known)
        case "dead":
            kind, sentence = (
                "dead",
                f"It is a dead letter since {iso_instant(known.ended_at)}: {known.reason}.",
            )
        case _:
            kind, sentence = _waiting(known, receiver, in_front)
    return Verdict(known.subscription_id, kind, sentence, known)


def _delivered(known: DeliveryState) -> str:
    if known.last is None or known.last.outcome != "delivered":
        return f"It was delivered, the last time at {iso_instant(known.ended_at)}."
    last = known.last
    at = iso_instant(last.started_at)
    return f"It was delivered at {at}, by attempt {last.number}, answered {last.status}."


def _waiting(
    known: DeliveryState, receiver: Receiver, in_front: DeliveryState | None
) -> tuple[VerdictKind, str]:
    now, endpoint = receiver.now, receiver.endpoint
    since = f"It waits since {iso_instant(known.waits_since)}"
    if now is None:
        return "pending", f"{since}: its subscription was removed, so it will be given up."
    if now.state != "active":
        return _held(now, since)
    if endpoint and endpoint.state == "disabled" and not _set_active_since(now, endpoint):
        at = iso_instant(endpoint.since)
        return "disabled", f"{since}: the endpoint was disabled at {at}, for {endpoint.reason}."
    if in_front and not now.unordered:
        other = f"{in_front.event_name} {in_front.delivery_id}"
        return "pending", f"{since}: {other} of the same member comes first, and is {in_front.status}."
    return "pending", f"{since}: {_next(known)}{_failing(endpoint)}"


def _held(now: Subscription, since: str) -> tuple[VerdictKind, str]:
    of = f", since {iso_instant(now.state_since)}" if now.state_since else ""
    kind: VerdictKind = "paused" if now.state == "paused" else "disabled"
    return kind, f"{since}: its subscription is {kind}{of}. It goes out once that is active again."


def _set_active_since(now: Subscription, endpoint: EndpointStatus) -> bool:
    return now.state_since is not None and now.state_since > endpoint.since


def _next(known: DeliveryState) -> str:
    last = known.last
    if last is None or known.status == "pending":
        return "it has not been tried yet."
    what = f"answered {last.status}" if last.status is not None else last.error or "no answer"
    when = f"is due at {iso_instant(known.retry_at)}" if known.retry_at else "waits for the subscription"
    return f"attempt {last.number} failed at {iso_instant(last.started_at)}, {what}; the next one {when}."


def _failing(endpoint: EndpointStatus | None) -> str:
    if endpoint is None or endpoint.state != "failing":
        return ""
    since = iso_instant(endpoint.since)
    return f" The endpoint has failed since {since}, the last time: {endpoint.reason}. It gets single tries."
