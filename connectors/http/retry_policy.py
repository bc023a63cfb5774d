"""Decides what an answer means for its delivery: delivered, retried, held or dead. Pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.http.endpoint_health import Failure
from connectors.http.pending import Pending
from connectors.http.sender import Answer
from streams.delivery.records import Attempt, DeadLetter, ErrorClass, Outcome
from streams.delivery.retry import HTTP_GONE, next_wait

SUBSCRIPTION_DELETED = "the subscription was deleted"
_LONGEST_RETRY_AFTER = 1000
"""Characters."""
_LONGEST_WAIT = 10**9
_MOST_OF_A_RESPONSE = 4096
HELD_TOO_LONG = "waited for its subscription to be active again for as long as the deployment lets it"


INTERNAL_FAULT = "failed within the sender"
"""The recorded error of an attempt that an unexpected exception ended, followed by the exception's class
only: its message may hold a secret. The log has the traceback."""


def internal_failure(error: BaseException) -> Answer:
    """An answer that stands for an unexpected exception. The endpoint may have got the request."""
    return Answer(None, f"{INTERNAL_FAULT}: {type(error).__name__}", "after sending", "", None, 0)


@dataclass(frozen=True, slots=True)
class SentAttempt:
    """A finished request. `waits`: the subscription's own retry schedule, in seconds."""

    pending: Pending
    request_id: str
    started_at: datetime
    answer: Answer
    waits: tuple[int, ...] = ()

    @property
    def delivered(self) -> bool:
        status = self.answer.status
        return status is not None and 200 <= status < 300

    def failure(self, now: datetime) -> Failure:
        """The failure that this attempt is for its endpoint's health."""
        answer = self.answer
        asked = read_retry_after(answer.retry_after, now)
        return Failure(answer.status, _words(answer), self.started_at, asked)


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """A delivery that cannot be sent: its subscription is gone, or was held for too long."""

    pending: Pending
    reason: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to write after an attempt. `wait`: time until the next one; None: the delivery is finished."""

    attempt: Attempt
    wait: timedelta | None
    dead_letter: DeadLetter | None


def settle(sent: SentAttempt, now: datetime, jitter: float) -> Settlement:
    """A 2xx delivers. After a 410 the delivery waits until its subscription is active again. Anything else is
    retried on schedule and given up once the schedule is spent. `jitter`: 0 to 1."""
    if sent.delivered:
        return Settlement(_attempt(sent, "delivered", None), None, None)
    if sent.answer.status == HTTP_GONE:
        return Settlement(_attempt(sent, "held", None), timedelta(0), None)
    return _settle_failure(sent, read_retry_after(sent.answer.retry_after, now), now, jitter)


def settle_internal_fault(sent: SentAttempt, error: Exception, now: datetime) -> Settlement:
    """The settlement when `settle` itself failed: a failed attempt, retried after the longest wait of the
    schedule."""
    return _settle_failure(replace(sent, answer=internal_failure(error)), None, now, jitter=1.0)


def _settle_failure(sent: SentAttempt, asked: timedelta | None, now: datetime, jitter: float) -> Settlement:
    answer, number = sent.answer, sent.pending.attempts + 1
    tried = sent.pending.delivery.tried + number
    waited = timedelta(seconds=sent.pending.waited)
    wait = next_wait(number, waited, answer.status, asked=asked, jitter=jitter, waits=sent.waits)
    if wait is not None:
        return Settlement(_attempt(sent, "retry", now + wait), wait, None)
    reason = f"given up after {tried} attempts, the last one {_words(answer)}"
    letter = make_dead_letter(sent.pending, reason, now, tried, answer.status)
    return Settlement(_attempt(sent, "dead", None), None, letter)


def make_dead_letter(
    pending: Pending, reason: str, now: datetime, attempts: int | None = None, status: int | None = None
) -> DeadLetter:
    """Makes the dead letter of a delivery that is given up."""
    return DeadLetter(
        delivery=pending.delivery,
        reason=reason[:255],
        attempts=pending.delivery.tried + pending.attempts if attempts is None else attempts,
        status=status,
        given_up_at=now,
    )


def read_retry_after(retry_after: str | None, now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for (RFC 9110, section 10.2.3), in seconds or as an HTTP date.
    None if there is none, if it cannot be read, or if it is over. The caller limits it."""
    text = (retry_after or "").strip()
    if not text.isascii() or len(text) > _LONGEST_RETRY_AFTER:
        return None
    if text.isdigit():
        return timedelta(seconds=min(int(text), _LONGEST_WAIT)) or None
    try:
        moment = parsedate_to_datetime(text)
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError, TypeError, IndexError):
        # `parsedate_to_datetime` raises more than the documented ValueError.
        return None
    return wait if wait > timedelta(0) else None


def _words(answer: Answer) -> str:
    words = f"answered {answer.status}" if answer.status is not None else answer.error or "no answer"
    return _storable(words)


def _storable(text: str) -> str:
    """Lone surrogates cannot be written as UTF-8."""
    return text.encode(errors="replace").decode()


def _error_class(answer: Answer) -> ErrorClass:
    return "their answer" if answer.status is not None else answer.phase or "after sending"


def _attempt(sent: SentAttempt, outcome: Outcome, retry_at: datetime | None) -> Attempt:
    delivery, answer = sent.pending.delivery, sent.answer
    return Attempt(
        request_id=sent.request_id,
        delivery_id=delivery.delivery_id,
        subscription_id=delivery.subscription_id,
        webhook_event_id=delivery.webhook_event_id,
        event_name=delivery.event_name,
        store=delivery.store,
        member_id=delivery.member_id,
        number=sent.pending.delivery.tried + sent.pending.attempts + 1,
        started_at=sent.started_at,
        duration_ms=answer.duration_ms,
        outcome=outcome,
        status=answer.status,
        error=_storable(f"{answer.phase}: {answer.error}")[:255] if answer.error else None,
        next_attempt_at=retry_at,
        response=_storable(answer.response[:_MOST_OF_A_RESPONSE]) or None,
        error_class=None if outcome == "delivered" else _error_class(answer),
    )
