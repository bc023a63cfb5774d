"""What an answer means for a delivery. Pure."""

from dataclasses import dataclass
from datetime import datetime

from connectors.http.pending import Pending
from connectors.http.sender import Answer
from streams.delivery.records import Attempt, DeadLetter, Outcome
from streams.delivery.retry import next_attempt_at

DELETED = "the subscription was deleted"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that came to its end. `answer` None: there was nobody to send it to any more."""

    pending: Pending
    request_id: str
    started_at: datetime
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is to be written: of the attempt, and of the delivery's end where it was not delivered."""

    attempt: Attempt | None
    retry_at: datetime | None
    dead_letter: DeadLetter | None


def settle(sent: Sent, now: datetime, jitter: float) -> Settlement:
    """A 2xx delivers; anything else is tried again on schedule, and given up when that is spent."""
    answer, number = sent.answer, sent.pending.attempts + 1
    if answer is None:
        return Settlement(None, None, _dead(sent, number - 1, None, DELETED, now))
    if answer.status is not None and 200 <= answer.status < 300:
        return Settlement(_attempt(sent, answer, "delivered", None), None, None)
    retry_at = next_attempt_at(number, answer.status, now, jitter)
    if retry_at:
        return Settlement(_attempt(sent, answer, "retry", retry_at), retry_at, None)
    last = f"answered {answer.status}" if answer.status is not None else answer.error
    reason = f"given up after {number} attempts, the last one {last}"
    return Settlement(
        _attempt(sent, answer, "dead", None), None, _dead(sent, number, answer.status, reason, now)
    )


def _attempt(sent: Sent, answer: Answer, outcome: Outcome, retry_at: datetime | None) -> Attempt:
    delivery = sent.pending.delivery
    return Attempt(
        request_id=sent.request_id,
        delivery_id=delivery.delivery_id,
        subscription_id=delivery.subscription_id,
        webhook_event_id=delivery.webhook_event_id,
        event_name=delivery.event_name,
        store=delivery.store,
        member_id=delivery.member_id,
        number=sent.pending.attempts + 1,
        started_at=sent.started_at,
        duration_ms=answer.duration_ms,
        outcome=outcome,
        status=answer.status,
        error=f"{answer.phase}: {answer.error}"[:255] if answer.error else None,
        next_attempt_at=retry_at,
        response=None if outcome == "delivered" else answer.response,
    )


def _dead(sent: Sent, attempts: int, status: int | None, reason: str, now: datetime) -> DeadLetter:
    return DeadLetter(
        delivery=sent.pending.delivery,
        reason=reason[:255],
        attempts=attempts,
        status=status,
        given_up_at=now,
    )
