"""The books of a deployment, made of its topics alone: see `streams.reconcile.reconciliation`.

Records are read in bounded slices; what they say is sorted on disk, in a folder that is gone afterwards.
Workers may go on meanwhile: the ends of topics are asked for from the last stage back to the first, so that
the beginning of every delivery whose end is read is read too.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Message, TopicPartition

from streams.codec import avro
from streams.delivery.backfill_recipients import read_recipients
from streams.delivery.records import Attempt, DeadLetter, Delivery, Subscription
from streams.delivery.subscription_history import SubscriptionHistory
from streams.errors import Poison
from streams.kafka.clients import Connection
from streams.kafka.consumer_offsets import committed, list_partitions
from streams.kafka.external_sort import sort_on_disk
from streams.kafka.log_reader import (
    ANSWER_TIMEOUT,
    OffsetRange,
    full_range,
    open_reader,
    outage_as_retryable,
    read_batches,
    record_time,
    time_range,
)
from streams.kafka.records import record_of
from streams.kafka.topic_config import topic_retention
from streams.kafka.unfit_records import UnfitError, raw_record, validate_record
from streams.reconcile.reconciliation import Mark, MarkMaker, Reconciliation, RecordPlace, reconcile_marks
from streams.rejections import LetterRedriven
from streams.runtime.restore_progress import TellProgress
from streams.stages.context import Record
from streams.topics import (
    ATTEMPTS,
    DEAD_LETTERS,
    DELIVERIES,
    REDRIVEN,
    SUBSCRIPTIONS,
    WEBHOOK_EVENTS,
    Topic,
)
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent

FAN_OUT_GROUP = "fan-out"
MakeMarks = Callable[[Record, RecordPlace], Iterable[Mark]]


@dataclass(frozen=True, slots=True)
class Period:
    """Of the webhook events that are looked at, by when they were appended; None: without a bound."""

    since: datetime | None = None
    until: datetime | None = None
    store: str | None = None


class TopicRanges(NamedTuple):
    """What is to be read, and how far the fan-out has come."""

    fanned_out: dict[int, int]
    attempts: OffsetRange
    dead_letters: OffsetRange
    deliveries: OffsetRange
    redriven: OffsetRange
    events: OffsetRange
    subscriptions: OffsetRange


def reconcile_topics(
    connection: Connection, period: Period, folder: Path, tell: TellProgress
) -> Reconciliation:
    """Raises Retryable where the cluster does not answer."""
    if period.since is None:
        period = replace(period, since=_kept_since(connection))
    stretches = _stretches(connection, period)
    subscriptions = read_subscription_history(connection, stretches.subscriptions)
    marks = MarkMaker(subscriptions)
    made = _marks(connection, stretches, marks, period.store, tell)
    with sort_on_disk(made, folder) as scan:
        tell("adding up", 0, 0)
        everything = period.since is None and period.until is None
        return reconcile_marks(scan(b""), marks.closed, whole=everything)


def _kept_since(connection: Connection) -> datetime | None:
    """From when on the deliveries are all there; None: none has gone yet."""
    kept = full_range(connection, DELIVERIES)
    gone = any(start for start, _ in kept.bounds.values())
    retention = topic_retention(connection, DELIVERIES) if gone else None
    return datetime.now(UTC) - retention if retention else None


def _stretches(connection: Connection, period: Period) -> TopicRanges:
    # In this order: what ends a delivery is asked for before what began it.
    come_to = fanned_out(connection)
    attempts, letters = (time_range(connection, t, period.since, None) for t in (ATTEMPTS, DEAD_LETTERS))
    deliveries = time_range(connection, DELIVERIES, period.since, None)
    redriven = time_range(connection, REDRIVEN, period.since, None)
    events = time_range(connection, WEBHOOK_EVENTS, period.since, period.until)
    return TopicRanges(
        come_to, attempts, letters, deliveries, redriven, events, full_range(connection, SUBSCRIPTIONS)
    )


def fanned_out(connection: Connection) -> dict[int, int]:
    """By partition, up to where the fan-out has committed; -1: nothing yet."""
    name = connection.topic(WEBHOOK_EVENTS)
    with outage_as_retryable(name), open_reader(connection, FAN_OUT_GROUP) as consumer:
        found = list_partitions(connection.cluster, consumer, name, ANSWER_TIMEOUT)
        places = committed(consumer, [TopicPartition(name, number) for number in found], ANSWER_TIMEOUT)
    return {place.partition: place.offset for place in places}


def read_subscription_history(connection: Connection, stretch: OffsetRange) -> SubscriptionHistory:
    """What subscriptions were, as far as their topic keeps it. Raises Retryable."""
    subscriptions = SubscriptionHistory()
    for message in chain.from_iterable(read_batches(connection, stretch)):
        # What cannot be worked with was set aside by all who follow the topic: the form before it stayed.
        with suppress(UnfitError):
            fit = validate_record(Subscription, raw_record(message))
            subscriptions.add(fit.key, record_time(message), fit.value)
    return subscriptions


def _marks(
    connection: Connection, stretches: TopicRanges, marks: MarkMaker, store: str | None, tell: TellProgress
) -> Iterator[Mark]:
    """Batches of legacy items must be known before the events that are in them: deliveries come first."""

    def delivery(record: Record, place: RecordPlace) -> Iterable[Mark]:
        made = avro.decode(Delivery, record.value, record.schema)
        return marks.delivery(made, place) if store in (None, made.store) else ()

    def event(record: Record, place: RecordPlace) -> Iterable[Mark]:
        read = decode_event(record, store)
        ahead = place.offset >= stretches.fanned_out.get(place.partition, -1)
        return marks.event(read, place, ahead, read_recipients(record.headers)) if read else ()

    def attempt(record: Record, place: RecordPlace) -> Iterable[Mark]:
        return marks.attempt(avro.decode(Attempt, record.value, record.schema), place)

    def dead_letter(record: Record, place: RecordPlace) -> Iterable[Mark]:
        return marks.dead_letter(avro.decode(DeadLetter, record.value, record.schema), place)

    def redriven(record: Record, place: RecordPlace) -> Iterable[Mark]:
        if record.kind != LetterRedriven.__name__:
            return ()
        sent = avro.decode(LetterRedriven, record.value, record.schema)
        return marks.redriven(sent.delivery_id, place)

    steps: tuple[tuple[OffsetRange, MakeMarks], ...] = (
        (stretches.deliveries, delivery),
        (stretches.events, event),
        (stretches.attempts, attempt),
        (stretches.dead_letters, dead_letter),
        (stretches.redriven, redriven),
    )
    for stretch, make in steps:
        yield from _made(connection, stretch, make, tell)


def _made(
    connection: Connection, stretch: OffsetRange, make: MakeMarks, tell: TellProgress
) -> Iterator[Mark]:
    topic, done, size = stretch.topic, 0, stretch.size
    for messages in read_batches(connection, stretch):
        for message in messages:
            yield from _of(topic, message, make)
        done += len(messages)
        tell(f"reading {topic.name}", min(done, size), size)
    tell(f"reading {topic.name}", size, size)


def _of(topic: Topic, message: Message, make: MakeMarks) -> Iterable[Mark]:
    record = record_of(message, topic.name)
    try:
        return make(record, RecordPlace(record.partition, record.offset, record_time(message)))
    except Poison:
        # Its reader has put it aside: it led to nothing.
        return ()


def decode_event(record: Record, store: str | None) -> WebhookEvent | None:
    """None: of another store, or no webhook event. Raises Poison."""
    name = record.kind
    of, _, _ = (record.key or b"").decode(errors="replace").partition("/")
    if name not in CATALOGUE or store not in (None, of):
        return None
    event: WebhookEvent = avro.decode(CATALOGUE[name].event, record.value, record.schema)
    return event
