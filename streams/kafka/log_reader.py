"""Reads the committed records between two offsets of each partition, in batches of bounded size."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import READ_TO_END, Connection
from streams.kafka.cluster import Consumer
from streams.kafka.compacted_view import partition_bounds
from streams.kafka.consumer_offsets import first_offset_since, list_partitions
from streams.kafka.partitioner import partition_of
from streams.kafka.records import record_of
from streams.kafka.transient_errors import is_transient
from streams.kafka.unreadable_batches import skip_unreadable
from streams.stages.context import Record
from streams.topics import Topic

ANSWER_TIMEOUT = 30.0
# Larger ones are no faster, and other threads wait while one is handed over.
BATCH_RECORDS = 500
_IDLE = 0.5


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """A range of a topic. `bounds`: the first offset of each partition, and the offset after the last."""

    topic: Topic
    bounds: Mapping[int, tuple[int, int]]

    @property
    def size(self) -> int:
        """The number of offsets, which counts transaction markers too."""
        return sum(end - start for start, end in self.bounds.values())


def record_time(message: Message) -> datetime:
    """The record's timestamp: when it was appended, or made, as its topic is configured."""
    return datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)


def full_range(connection: Connection, topic: Topic, partition: int | None = None) -> OffsetRange:
    """The range of all committed records, of one partition or of all. Raises Retryable."""
    return time_range(connection, topic, None, None, partition)


def decided_range(connection: Connection, topic: Topic, partition: int | None = None) -> OffsetRange:
    """The range of all records, those of open transactions included: its reader waits until these are
    decided. Raises Retryable."""
    # The end for those who read everything.
    return time_range(connection, topic, None, None, partition, isolation="read_uncommitted")


def time_range(
    connection: Connection,
    topic: Topic,
    since: datetime | None,
    until: datetime | None,
    partition: int | None = None,
    *,
    isolation: str = "read_committed",
) -> OffsetRange:
    """The range of the records appended from `since` on and before `until`. Raises Retryable."""
    name = connection.topic(topic)
    with outage_as_retryable(name), open_reader(connection, isolation=isolation) as consumer:
        bounds = {}
        there = list_partitions(connection.cluster, consumer, name, ANSWER_TIMEOUT)
        for number in there if partition is None else [partition]:
            place = TopicPartition(name, number)
            low, end = partition_bounds(consumer, place)
            start = low if since is None else _at(consumer, place, since, end)
            stop = end if until is None else _at(consumer, place, until, end)
            bounds[number] = (start, max(start, stop))
    return OffsetRange(topic, bounds)


def partition_of_key(connection: Connection, topic: Topic, key: str) -> int:
    """The partition that holds all of the key. Raises Retryable."""
    name = connection.topic(topic)
    with outage_as_retryable(name), open_reader(connection) as consumer:
        there = list_partitions(connection.cluster, consumer, name, ANSWER_TIMEOUT)
    return partition_of(key.encode(), len(there))


def _at(consumer: Consumer, place: TopicPartition, moment: datetime, end: int) -> int:
    found = first_offset_since(consumer, place, moment, ANSWER_TIMEOUT)
    return end if found is None else min(found, end)


def read_records(connection: Connection, stretch: OffsetRange) -> Iterator[Record]:
    """The records one by one, each partition's in order, with one in memory at a time. Raises Retryable."""
    for messages in read_batches(connection, stretch, 1):
        yield from (record_of(message, stretch.topic.name) for message in messages)


def read_latest(
    connection: Connection, stretch: OffsetRange, meant: Callable[[bytes], bool] = lambda _: True
) -> dict[bytes, Record]:
    """The last record of each key for which `meant` is true, without tombstones. Raises Retryable."""
    found: dict[bytes, Record] = {}
    for message in chain.from_iterable(read_batches(connection, stretch)):
        key = message.key() or b""
        if meant(key):
            found[key] = record_of(message, stretch.topic.name)
    return {key: record for key, record in found.items() if record.value is not None}


def read_batches(
    connection: Connection, stretch: OffsetRange, size: int = BATCH_RECORDS
) -> Iterator[list[Message]]:
    """The records in batches of at most `size`, each partition's in order. Raises Retryable."""
    name = connection.topic(stretch.topic)
    left = {number: end for number, (start, end) in stretch.bounds.items() if start < end}
    with outage_as_retryable(name), open_reader(connection) as consumer:
        consumer.assign([TopicPartition(name, number, stretch.bounds[number][0]) for number in left])
        heard = time.monotonic()
        while left:
            first = consumer.poll(_IDLE)
            if first is not None:
                heard = time.monotonic()
                messages = [first, *consumer.consume(size - 1, 0)] if size > 1 else [first]
                messages = skip_unreadable(connection, consumer, messages)
                if found := _within(messages, left):
                    yield found
            elif time.monotonic() - heard > ANSWER_TIMEOUT:
                raise Retryable(f"{name} gave no answer in {ANSWER_TIMEOUT:g} s: run it again")


def _within(messages: list[Message], left: dict[int, int]) -> list[Message]:
    """Those before the end; `left` loses the partitions that have come to it."""
    found = []
    for message in messages:
        number, offset, error = message.partition() or 0, message.offset() or 0, message.error()
        end = left.get(number, 0)
        if error is None:
            if offset < end:
                found.append(message)
            if offset + 1 >= end:
                left.pop(number, None)
        elif error.code() == KafkaError._PARTITION_EOF:
            # Markers of transactions stand at the end and are never delivered. Before the end it is an open
            # transaction at which reading stops for a while.
            if offset >= end:
                left.pop(number, None)
        elif not is_transient(error):
            raise KafkaException(error)
    return found


@contextmanager
def open_reader(
    connection: Connection, group: str = "reader", isolation: str = "read_committed"
) -> Iterator[Consumer]:
    """A consumer to be assigned by hand, which commits nothing by itself."""
    consumer = connection.open_consumer(
        **READ_TO_END, **{"group.id": f"{connection.prefix}{group}", "isolation.level": isolation}
    )
    try:
        yield consumer
    finally:
        with suppress(RuntimeError):
            consumer.close()


@contextmanager
def outage_as_retryable(what: str) -> Iterator[None]:
    """Turns a KafkaException into a Retryable whose message begins with `what`."""
    try:
        yield
    except KafkaException as failure:
        raise Retryable(f"{what}: {failure.args[0].str()}: run it again") from None
