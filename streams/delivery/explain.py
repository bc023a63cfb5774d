"""Explains why a webhook arrived or did not: one verdict, with a sentence, for each event and
subscription."""

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
"""missing: a delivery should exist and does not. unknown: the records that would tell have been deleted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`condition` is the filter's condition that did not hold, `found` the JSON value at its path, or
    None."""

    subscription_id: str
    kind: VerdictKind
    sentence: str
    delivery: DeliveryState | None = None
    condition: Condition | None = None
    found: str | None = None


@dataclass(frozen=True, slots=True)
class EventExplanation:
    """What became of one webhook event. None: its record does not exist."""

    webhook_event_id: str
    event_name: str | None
    member_id: str | None
    created_at: datetime | None
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event in its topic. `ahead`: the fan-out has not read it yet. `by`: the recipients of its
    backfill."""

    event: WebhookEvent
    appended_at: datetime
    ahead: bool
    by: BackfillRecipients | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """A subscription as it is now (None if it was removed), with its endpoint's latest status."""

    subscription_id: str
    now: Subscription | None
    endpoint: EndpointStatus | None


def explain_delivery(known: DeliveryState, receiver: Receiver, in_front: DeliveryState | None) -> Verdict:
    """The verdict on an existing delivery. `in_front` is an unfinished delivery that must go out before
    it."""
    kind: VerdictKind
    match known.status:
        case "delivered":
            kind, sentence = "delivered", _delivered_sentence(known)
        case "dead":
            kind, sentence = (
                "dead",
                f"It is a dead letter since {iso_instant(known.ended_at)}: {known.reason}.",
            )
        case _:
            kind, sentence = _explain_waiting(known, receiver, in_front)
    return Verdict(known.subscription_id, kind, sentence, known)


def _delivered_sentence(known: DeliveryState) -> str:
    if known.last is None or known.last.outcome != "delivered":
        return f"It was delivered, the last time at {iso_instant(known.ended_at)}."
    last = known.last
    at = iso_instant(last.started_at)
    return f"It was delivered at {at}, by attempt {last.number}, answered {last.status}."


def _explain_waiting(
    known: DeliveryState, receiver: Receiver, in_front: DeliveryState | None
) -> tuple[VerdictKind, str]:
    now, endpoint = receiver.now, receiver.endpoint
    since = f"It waits since {iso_instant(known.waits_since)}"
    if now is None:
        return "pending", f"{since}: its subscription was removed, so it will be given up."
    if now.state != "active":
        return _explain_held(now, since)
    if endpoint and endpoint.state == "disabled" and not _is_activated_since(now, endpoint):
        at = iso_instant(endpoint.since)
        return "disabled", f"{since}: the endpoint was disabled at {at}, for {endpoint.reason}."
    if in_front and not now.unordered:
        other = f"{in_front.event_name} {in_front.delivery_id}"
        return "pending", f"{since}: {other} of the same member comes first, and is {in_front.status}."
    return "pending", f"{since}: {_next_attempt_sentence(known)}{_failing_sentence(endpoint)}"


def _explain_held(now: Subscription, since: str) -> tuple[VerdictKind, str]:
    of = f", since {iso_instant(now.state_since)}" if now.state_since else ""
    kind: VerdictKind = "paused" if now.state == "paused" else "disabled"
    return kind, f"{since}: its subscription is {kind}{of}. It goes out once that is active again."


def _is_activated_since(now: Subscription, endpoint: EndpointStatus) -> bool:
    return now.state_since is not None and now.state_since > endpoint.since


def _next_attempt_sentence(known: DeliveryState) -> str:
    last = known.last
    if last is None or known.status == "pending":
        return "it has not been tried yet."
    what = f"answered {last.status}" if last.status is not None else last.error or "no answer"
    when = f"is due at {iso_instant(known.retry_at)}" if known.retry_at else "waits for the subscription"
    return f"attempt {last.number} failed at {iso_instant(last.started_at)}, {what}; the next one {when}."


def _failing_sentence(endpoint: EndpointStatus | None) -> str:
    if endpoint is None or endpoint.state != "failing":
        return ""
    since = iso_instant(endpoint.since)
    return f" The endpoint has failed since {since}, the last time: {endpoint.reason}. It gets single tries."
