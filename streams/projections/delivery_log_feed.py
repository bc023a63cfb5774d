"""Reads the delivery log's three topics on a thread of its own."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.codec import avro
from streams.delivery.records import Attempt, DeadLetter, Delivery
from streams.errors import Poison
from streams.kafka.clients import Connection
from streams.kafka.cluster import Consumer
from streams.kafka.log_reader import outage_as_retryable, record_time, time_range
from streams.kafka.records import record_of
from streams.kafka.transient_errors import is_transient
from streams.kafka.unreadable_batches import skip_unreadable
from streams.projections.delivery_log_check import check_delivery_log
from streams.runtime.restore import POLL_SECONDS, open_changelog_consumer
from streams.runtime.restore_progress import LINE_INTERVAL
from streams.tables.delivery_log import DeliveryLog, LogRecord, Position
from streams.topics import ATTEMPTS, DAY, DEAD_LETTERS, DELIVERIES

LOG = logging.getLogger(__name__)
KEEP_FOR = ATTEMPTS.retention or 30 * DAY
# Small batches: the rest of the process waits while one is counted.
READ_BATCH = 250
PRUNE_INTERVAL = 60.0
MAX_PRUNED_AT_ONCE = 10_000
TOPICS = (DELIVERIES, ATTEMPTS, DEAD_LETTERS)
RECORD_KINDS: dict[str, type[Delivery | Attempt | DeadLetter]] = {
    DELIVERIES.name: Delivery,
    ATTEMPTS.name: Attempt,
    DEAD_LETTERS.name: DeadLetter,
}
ReadCallback = Callable[[str, int, int], None]
"""Called on that thread with a topic's name in the cluster, a partition and the next offset to read."""


class DeliveryLogFeed:
    """`running` is done once the reading has ended, and holds the error that ended it."""

    def __init__(self, connection: Connection, journal: DeliveryLog, read: ReadCallback) -> None:
        self._connection = connection
        self._journal = journal
        self._read = read
        self._topics = {connection.topic(topic): topic.name for topic in TOPICS}
        self._positions: dict[Position, int] = {}
        self._first = self._end = 0
        self._prune_at = self._logged_at = time.monotonic()
        self._stopping = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self.running: Future[None] = self._pool.submit(self._run)

    @property
    def progress(self) -> tuple[int, int]:
        """Offsets read since the start, and how many there were to read then."""
        done = sum(self._positions.values()) - self._first
        return min(done, self._end - self._first), self._end - self._first

    def stop(self) -> None:
        self._stopping = True
        self._pool.shutdown()

    def _run(self) -> None:
        places = self._find_start()
        consumer = open_changelog_consumer(self._connection, reset="earliest")
        try:
            with outage_as_retryable("the journal of deliveries"):
                consumer.assign(places)
                while not self._stopping:
                    self._read_batch(consumer)
        finally:
            consumer.close()

    def _find_start(self) -> list[TopicPartition]:
        """Where to continue reading. If the topics were created again, everything is read again."""
        since = datetime.now(UTC) - KEEP_FOR
        bounds = {topic: time_range(self._connection, topic, since, None).bounds for topic in TOPICS}
        places = [(topic.name, number) for topic, found in bounds.items() for number in found]
        with outage_as_retryable("the topics of deliveries"):
            ids, because = check_delivery_log(self._connection, self._journal, places)
        if because:
            LOG.warning("the journal of deliveries is made anew: %s", because)
            self._journal.clear()
        self._journal.name(ids)
        starts = []
        for topic, found in bounds.items():
            for number, (start, _) in found.items():
                at = max(start, self._journal.position(topic.name, number))
                self._positions[topic.name, number] = at
                starts.append(TopicPartition(self._connection.topic(topic), number, at))
        self._first = sum(self._positions.values())
        self._end = sum(end for found in bounds.values() for _, end in found.values())
        return starts

    def _read_batch(self, consumer: Consumer) -> None:
        self._journal.check()
        first = consumer.poll(POLL_SECONDS)
        if first is not None:
            messages = [first, *consumer.consume(READ_BATCH - 1, 0)]
            self._take_messages(skip_unreadable(self._connection, consumer, messages))
        self._log_progress()
        if time.monotonic() > self._prune_at:
            gone = self._journal.prune(datetime.now(UTC) - KEEP_FOR, MAX_PRUNED_AT_ONCE)
            self._prune_at = time.monotonic() + (0 if gone >= MAX_PRUNED_AT_ONCE else PRUNE_INTERVAL)

    def _take_messages(self, messages: list[Message]) -> None:
        heard: list[LogRecord] = []
        moved: dict[Position, int] = {}
        for message in messages:
            error, offset = message.error(), message.offset() or 0
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                if not is_transient(error):
                    raise KafkaException(error)
                continue
            place = self._topics[message.topic() or ""], message.partition() or 0
            # Transaction markers at the end of a partition are never delivered.
            moved[place] = max(moved.get(place, 0), offset + (error is None))
            if error is None:
                heard += _decode_entries(message, place[0])
        changed = {place: at for place, at in moved.items() if at > self._positions[place]}
        if changed:
            self._journal.take(heard, changed)
            self._positions |= changed
        for (topic, number), at in moved.items():
            self._read(self._connection.prefix + topic, number, at)

    def _log_progress(self) -> None:
        done, total = self.progress
        if done < total and time.monotonic() - self._logged_at > LINE_INTERVAL:
            self._logged_at = time.monotonic()
            LOG.info("the journal of deliveries: %d of %d records read", done, total)


def _decode_entries(message: Message, topic: str) -> list[LogRecord]:
    record = record_of(message, topic)
    try:
        value = avro.decode(RECORD_KINDS[topic], record.value, record.schema)
    except Poison:
        # The sink put it into poison: it was never sent.
        return []
    return [LogRecord(value, record.partition, record.offset, record_time(message))]
