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


Sentence = tuple[str | datetime, ...]
"""The parts of a text, in order. A reader shows the instants in its own form, such as its time zone's."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`condition` is the filter's condition that did not hold, `found` the JSON value at its path, or
    None."""

    subscription_id: str
    kind: VerdictKind
    parts: Sentence
    delivery: DeliveryState | None = None
    condition: Condition | None = None
    found: str | None = None

    @property
    def sentence(self) -> str:
        """The parts as one text, with instants in ISO 8601."""
        return "".join(part if isinstance(part, str) else iso_instant(part) for part in self.parts)


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
            kind, parts = "delivered", _delivered_sentence(known)
        case "dead":
            kind, parts = "dead", ("It is a dead letter", *_end_parts(known), f": {known.reason}.")
        case _:
            kind, parts = _explain_waiting(known, receiver, in_front)
    return Verdict(known.subscription_id, kind, parts, known)


def _delivered_sentence(known: DeliveryState) -> Sentence:
    last = known.last
    if last is None or last.outcome != "delivered":
        return "It was delivered", *_end_parts(known), "."
    by = f", by attempt {last.number}, answered {last.status}."
    return "It was delivered at ", last.started_at, by


def _end_parts(known: DeliveryState) -> Sentence:
    return (" since ", known.ended_at) if known.ended_at else ()


def _explain_waiting(
    known: DeliveryState, receiver: Receiver, in_front: DeliveryState | None
) -> tuple[VerdictKind, Sentence]:
    kind, reason = _waiting_reason(known, receiver, in_front)
    return kind, ("It waits since ", known.waits_since, ": ", *reason)


def _waiting_reason(
    known: DeliveryState, receiver: Receiver, in_front: DeliveryState | None
) -> tuple[VerdictKind, Sentence]:
    now, endpoint = receiver.now, receiver.endpoint
    if now is None:
        return "pending", ("its subscription was removed, so it will be given up.",)
    if now.state != "active":
        return _explain_held(now)
    if endpoint and endpoint.state == "disabled" and not _is_activated_since(now, endpoint):
        return "disabled", ("the endpoint was disabled at ", endpoint.since, f", for {endpoint.reason}.")
    if in_front and not now.unordered:
        other = f"{in_front.event_name} {in_front.delivery_id}"
        return "pending", (f"{other} of the same member comes first, and is {in_front.status}.",)
    return "pending", (*_next_attempt_sentence(known), *_failing_sentence(endpoint))


def _explain_held(now: Subscription) -> tuple[VerdictKind, Sentence]:
    kind: VerdictKind = "paused" if now.state == "paused" else "disabled"
    since: Sentence = (", since ", now.state_since) if now.state_since else ()
    return kind, (f"its subscription is {kind}", *since, ". It goes out once that is active again.")


def _is_activated_since(now: Subscription, endpoint: EndpointStatus) -> bool:
    return now.state_since is not None and now.state_since > endpoint.since


def _next_attempt_sentence(known: DeliveryState) -> Sentence:
    last = known.last
    if last is None or known.status == "pending":
        return ("it has not been tried yet.",)
    answer = f"answered {last.status}" if last.status is not None else last.error or "no answer"
    due: Sentence = ("is due at ", known.retry_at) if known.retry_at else ("waits for the subscription",)
    failed = (f"attempt {last.number} failed at ", last.started_at, f", {answer}; the next one ")
    return *failed, *due, "."


def _failing_sentence(endpoint: EndpointStatus | None) -> Sentence:
    if endpoint is None or endpoint.state != "failing":
        return ()
    reason = f", the last time: {endpoint.reason}. It gets single tries."
    return " The endpoint has failed since ", endpoint.since, reason
