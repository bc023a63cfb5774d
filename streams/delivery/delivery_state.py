"""The state of one delivery, computed from its records, which may arrive in any order.

A delivery is finished when it has as many ends (delivered or dead) as starts: a redrive or a replay starts it
again. Delivery records are deleted earlier than attempts; a start whose record is gone is recognised by its
time.
"""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from msgspec.structs import replace

from streams.delivery.legacy_batches import batch_lane
from streams.delivery.records import Attempt, DeadLetter, Delivery, ErrorClass, Outcome
from streams.domain.values import Instant, Value

DeliveryStatus = Literal["pending", "retrying", "delivered", "dead"]
"""retrying: an attempt failed, and another one will follow."""
DELIVERY_STATUSES: tuple[DeliveryStatus, ...] = ("pending", "retrying", "delivered", "dead")
CLOCK_SKEW = timedelta(minutes=1)
"""The most by which the clocks of two processes may differ."""


class RecordPosition(NamedTuple):
    """A record's partition and offset."""

    partition: int
    offset: int


class LastAttempt(Value, array_like=True):
    """A summary of the latest attempt."""

    number: int
    started_at: Instant
    duration_ms: int
    outcome: Outcome
    status: int | None
    error: str | None
    error_class: ErrorClass | None


class DeliveryState(Value, array_like=True):
    """The state of one delivery. If its record is gone, fields are taken from its attempts."""

    delivery_id: str
    subscription_id: str
    store: str
    event_name: str
    member_id: str
    webhook_event_id: str
    created_at: Instant
    """The time of the webhook event, or of the first attempt if the delivery's record is gone."""
    heard_at: Instant
    """When its latest record was appended."""
    whole: bool = False
    """Whether it is known from its delivery or its dead letter, and not from attempts alone."""
    legacy: bool = False
    replay: str | None = None
    delivery: RecordPosition | None = None
    letter: RecordPosition | None = None
    made: int = 0
    made_at: Instant | None = None
    """The latest start."""
    delivered: int = 0
    dead: int = 0
    ended_at: Instant | None = None
    """The latest end."""
    reason: str | None = None
    """Why it became a dead letter."""
    attempts: int = 0
    last: LastAttempt | None = None
    retry_at: Instant | None = None

    @property
    def open(self) -> bool:
        if max(self.made, 1) > self.delivered + self.dead:
            return True
        return bool(self.made_at and self.ended_at and self.made_at > self.ended_at + CLOCK_SKEW)

    @property
    def status(self) -> DeliveryStatus:
        if self.open:
            return "retrying" if self.last and self.last.outcome in {"retry", "held"} else "pending"
        return "delivered" if self.delivered else "dead"

    @property
    def next_attempt_at(self) -> datetime | None:
        """When the next attempt is due. None also while another delivery comes first, or its subscription is
        not active."""
        return self.retry_at if self.status == "retrying" else None

    @property
    def of_many(self) -> bool:
        """Whether it is a legacy array with items of several members."""
        return self.member_id == batch_lane(self.subscription_id, self.event_name)

    @property
    def waits_since(self) -> datetime:
        return self.made_at or self.created_at


def apply_delivery(
    known: DeliveryState | None, record: Delivery, spot: RecordPosition, at: datetime
) -> DeliveryState:
    """The state after a record in the topic `deliveries`."""
    before = known or _new_state(record, record.created_at, at)
    latest = at >= (before.made_at or at)
    return replace(
        _apply_record(before, record, at),
        replay=record.replay if latest else before.replay,
        delivery=spot if latest else before.delivery,
        made=before.made + 1,
        made_at=at if latest else before.made_at,
    )


def apply_attempt(known: DeliveryState | None, record: Attempt, at: datetime) -> DeliveryState:
    before = known or _new_state(record, record.started_at, at)
    latest = before.last is None or record.started_at >= before.last.started_at
    delivered = record.outcome == "delivered"
    return replace(
        before,
        created_at=before.created_at if before.whole else min(before.created_at, record.started_at),
        heard_at=max(before.heard_at, at),
        delivered=before.delivered + delivered,
        ended_at=max(before.ended_at or at, at) if delivered else before.ended_at,
        attempts=before.attempts + 1,
        last=_summarize_attempt(record) if latest else before.last,
        retry_at=record.next_attempt_at if latest else before.retry_at,
    )


def apply_dead_letter(
    known: DeliveryState | None, record: DeadLetter, spot: RecordPosition, at: datetime
) -> DeliveryState:
    """The state after a dead letter."""
    before = known or _new_state(record.delivery, record.delivery.created_at, at)
    latest = at >= (before.ended_at or at)
    return replace(
        _apply_record(before, record.delivery, at),
        replay=before.replay if before.made else record.delivery.replay,
        letter=spot if latest or before.letter is None else before.letter,
        dead=before.dead + 1,
        ended_at=at if latest else before.ended_at,
        reason=record.reason if latest or before.reason is None else before.reason,
    )


def _apply_record(before: DeliveryState, record: Delivery, at: datetime) -> DeliveryState:
    return replace(
        before,
        created_at=record.created_at,
        heard_at=max(before.heard_at, at),
        whole=True,
        legacy=record.legacy,
    )


def _new_state(record: Delivery | Attempt, created_at: datetime, at: datetime) -> DeliveryState:
    return DeliveryState(
        delivery_id=record.delivery_id,
        subscription_id=record.subscription_id,
        store=record.store,
        event_name=record.event_name,
        member_id=record.member_id,
        webhook_event_id=record.webhook_event_id,
        created_at=created_at,
        heard_at=at,
    )


def _summarize_attempt(record: Attempt) -> LastAttempt:
    return LastAttempt(
        number=record.number,
        started_at=record.started_at,
        duration_ms=record.duration_ms,
        outcome=record.outcome,
        status=record.status,
        error=record.error,
        error_class=record.error_class,
    )
