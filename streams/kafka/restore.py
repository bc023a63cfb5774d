"""Bringing a partition's tables up to the end of their committed changelogs."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from streams.errors import Retryable
from streams.kafka.clients import PASSING, SETTLING, Connection
from streams.kafka.topics import CHANGELOGS
from streams.tables.tables import Tables

LOG = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
"""Called with the changelog records read so far and how many there are to read."""

ANSWERS_WITHIN = 30.0
BATCH = 5000
IDLE = 0.5


def _unwatched(done: int, total: int) -> None: ...


@dataclass(slots=True)
class _Table:
    name: str
    topic: str
    position: int
    end: int

    @property
    def missing(self) -> int:
        return max(0, self.end - self.position)


def restore(
    connection: Connection,
    partition: int,
    tables: Tables,
    cancelled: Callable[[], bool],
    progress: Progress = _unwatched,
) -> bool:
    """Restores from each table's checkpoint. False where it was cancelled on the way; what was read is kept.

    The end is the log's, open transactions included: whatever a predecessor still had under way when it
    lost the partition is waited for, until it is committed or aborted.
    """
    todo = _todo(connection, partition, tables)
    if any(table.missing for table in todo.values()):
        begun, total = time.monotonic(), sum(table.missing for table in todo.values())
        if not _Reader(connection, partition, tables, todo).read(cancelled, progress):
            return False
        took = time.monotonic() - begun
        LOG.info("partition %d: restored %d changelog records in %.1f s", partition, total, took)
    if not tables.indexed:
        tables.index()
    return True


def _todo(connection: Connection, partition: int, tables: Tables) -> dict[str, _Table]:
    """By topic, where each table stands and where its changelog ends."""
    topics = {name: connection.topic(CHANGELOGS[name]) for name in tables.names}
    ends = _offsets(connection, partition, topics, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    starts = _offsets(connection, partition, topics, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    checkpoints = {name: tables.checkpoint(name) for name in topics}
    if any(checkpoints[name] > ends[name] for name in topics):
        LOG.warning("partition %d: its changelog is another one than it was: restoring from zero", partition)
        tables.clear()
        checkpoints = dict.fromkeys(topics, 0)
    return {
        topic: _Table(name, topic, max(checkpoints[name], starts[name]), ends[name])
        for name, topic in topics.items()
    }


def _offsets(
    connection: Connection, partition: int, topics: Mapping[str, str], spec: OffsetSpec
) -> dict[str, int]:
    admin = AdminClient(connection.admin())
    asked = {TopicPartition(topic, partition): spec for topic in topics.values()}
    deadline = time.monotonic() + ANSWERS_WITHIN
    while True:
        try:
            answers = admin.list_offsets(
                asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=ANSWERS_WITHIN
            )
            found = {tp.topic: future.result().offset for tp, future in answers.items()}
            return {name: found[topic] for name, topic in topics.items()}
        except KafkaException as error:
            # A topic just made, or a broker just back, has no leader for a moment.
            if time.monotonic() > deadline:
                raise Retryable(f"changelogs of partition {partition} cannot be read: {error}") from None
            time.sleep(IDLE)


class _Reader:
    def __init__(
        self, connection: Connection, partition: int, tables: Tables, todo: dict[str, _Table]
    ) -> None:
        self._connection = connection
        self._partition = partition
        self._tables = tables
        self._todo = todo

    @property
    def _missing(self) -> int:
        return sum(table.missing for table in self._todo.values())

    def read(self, cancelled: Callable[[], bool], progress: Progress) -> bool:
        consumer = Consumer(
            self._connection.consumer(
                **{"group.id": f"{self._connection.prefix}restore", "enable.partition.eof": True}
                # The end is told only when a fetch comes back empty: do not let the broker hold it.
                | {"fetch.wait.max.ms": 20}
            )
        )
        total = self._missing
        try:
            consumer.assign(
                [
                    TopicPartition(t.topic, self._partition, t.position)
                    for t in self._todo.values()
                    if t.missing
                ]
            )
            while self._missing:
                if cancelled():
                    return False
                first = consumer.poll(IDLE)
                if first is not None:
                    self._take([first, *consumer.consume(BATCH, 0)])
                    progress(total - self._missing, total)
            return True
        finally:
            consumer.close()

    def _take(self, messages: list[Message]) -> None:
        records: dict[str, list[tuple[bytes, bytes | None]]] = {topic: [] for topic in self._todo}
        for message in messages:
            table = self._todo[message.topic() or ""]
            error, offset = message.error(), message.offset() or 0
            if error is None:
                records[table.topic].append((message.key() or b"", message.value()))
                table.position = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                # Markers of transactions stand at the end and are never delivered.
                table.position = max(table.position, offset)
            elif error.code() not in PASSING | SETTLING:
                raise Retryable(f"{table.topic} cannot be read: {error.str()}")
        for topic, found in records.items():
            self._tables.restore(self._todo[topic].name, found, self._todo[topic].position)
