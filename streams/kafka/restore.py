"""Bringing a partition's tables up to the end of their committed changelogs."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin._listoffsets import OffsetSpec

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Admin, Consumer
from streams.kafka.passing import is_passing
from streams.kafka.progress import Report
from streams.kafka.topics import CHANGELOGS
from streams.tables.tables import Tables

LOG = logging.getLogger(__name__)

ANSWERS_WITHIN = 30.0
# Seconds for one question: between two it is seen whether the answer is still wanted.
ASKED_FOR = 3.0
BATCH = 5000
IDLE = 0.5


class Cancelled(Exception):
    """Nobody wants to know any more."""


@dataclass(slots=True)
class _Table:
    name: str
    topic: str
    position: int
    end: int
    ended: bool = False

    @property
    def missing(self) -> int:
        return max(0, self.end - self.position)


class Changelogs:
    """The changelogs of a partition's tables, on their way into them.

    Where a table's checkpoint lies behind the end of its changelog, that is another one than it was: the
    tables are cleared, to be restored from zero. Raises Retryable where the cluster does not answer, and
    Cancelled once that does not matter.
    """

    def __init__(
        self, connection: Connection, partition: int, tables: Tables, cancelled: Callable[[], bool]
    ) -> None:
        self._partition = partition
        self._tables = tables
        self._by_topic = _todo(connection, partition, tables, cancelled)
        self.taken = 0
        """Records taken so far."""

    @property
    def missing(self) -> int:
        """Offsets between what was taken and where the changelogs ended when this was made."""
        return sum(table.missing for table in self._by_topic.values())

    @property
    def ended(self) -> bool:
        """Whether each has been read up to its end, as it was at some moment."""
        return all(table.ended for table in self._by_topic.values())

    def places(self, *, missing: bool = False) -> list[TopicPartition]:
        """Where to read on; `missing`: only of those that were not at their end."""
        tables = [t for t in self._by_topic.values() if t.missing or not missing]
        return [TopicPartition(t.topic, self._partition, t.position) for t in tables]

    def take(self, messages: Iterable[Message]) -> None:
        """What a consumer at those places was given, its errors included. Raises Retryable."""
        records: dict[str, list[tuple[bytes, bytes | None]]] = {topic: [] for topic in self._by_topic}
        for message in messages:
            topic, error, offset = message.topic() or "", message.error(), message.offset() or 0
            if error is None:
                records[topic].append((message.key() or b"", message.value()))
                self._by_topic[topic].position = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                # Markers of transactions stand at the end and are never delivered.
                self._by_topic[topic].position = max(self._by_topic[topic].position, offset)
                self._by_topic[topic].ended = True
            elif not is_passing(error):
                raise Retryable(f"{topic or 'a changelog'} cannot be read: {error.str()}")
        for topic, found in records.items():
            self.taken += len(found)
            self._tables.restore(self._by_topic[topic].name, found, self._by_topic[topic].position)


def restore(
    connection: Connection, partition: int, tables: Tables, cancelled: Callable[[], bool], report: Report
) -> bool:
    """Restores from each table's checkpoint. False where it was cancelled on the way; what was read is kept.

    The end is the log's, open transactions included: whatever a predecessor still had under way when it
    lost the partition is waited for, until it is committed or aborted.
    """
    try:
        changelogs = Changelogs(connection, partition, tables, cancelled)
    except Cancelled:
        return False
    if changelogs.missing:
        begun = connection.cluster.now()
        if not _read(connection, changelogs, cancelled, report):
            return False
        took = connection.cluster.now() - begun
        LOG.info("partition %d: restored %d changelog records in %.1f s", partition, changelogs.taken, took)
    if not tables.indexed:
        tables.index()
    return True


def _read(
    connection: Connection, changelogs: Changelogs, cancelled: Callable[[], bool], report: Report
) -> bool:
    consumer = changelog_consumer(connection)
    total = changelogs.missing
    try:
        consumer.assign(changelogs.places(missing=True))
        while changelogs.missing:
            if cancelled():
                return False
            first = consumer.poll(IDLE)
            if first is not None:
                changelogs.take([first, *consumer.consume(BATCH, 0)])
            report(total - changelogs.missing, total)
        return True
    finally:
        consumer.close()


def changelog_consumer(connection: Connection) -> Consumer:
    """Of no group: it is told where to read, and when it has come to an end."""
    return connection.open_consumer(
        **{"group.id": f"{connection.prefix}restore", "enable.partition.eof": True}
        # The end is told only when a fetch comes back empty: do not let the broker hold it.
        | {"fetch.wait.max.ms": 20}
    )


def _todo(
    connection: Connection, partition: int, tables: Tables, cancelled: Callable[[], bool]
) -> dict[str, _Table]:
    """By topic, where each table stands and where its changelog ends."""
    topics = {name: connection.topic(CHANGELOGS[name]) for name in tables.names}
    admin = connection.open_admin()
    ends = _offsets(connection, admin, partition, topics, OffsetSpec.latest(), cancelled)  # type: ignore[no-untyped-call]
    starts = _offsets(connection, admin, partition, topics, OffsetSpec.earliest(), cancelled)  # type: ignore[no-untyped-call]
    checkpoints = {name: tables.checkpoint(name) for name in topics}
    if any(checkpoints[name] > ends[name] for name in topics):
        LOG.warning("partition %d: its changelog is another one than it was: restoring from zero", partition)
        tables.clear()
        checkpoints = dict.fromkeys(topics, 0)
    return {
        topic: _Table(name, topic, max(checkpoints[name], starts[name]), ends[name])
        for name, topic in topics.items()
    }


def _offsets(  # noqa: PLR0917 - one caller, and each says what it is
    connection: Connection,
    admin: Admin,
    partition: int,
    topics: Mapping[str, str],
    spec: OffsetSpec,
    cancelled: Callable[[], bool],
) -> dict[str, int]:
    asked = {TopicPartition(topic, partition): spec for topic in topics.values()}
    deadline = connection.cluster.now() + ANSWERS_WITHIN
    while True:
        try:
            # A client that knows no leaders yet was seen to ask for them in vain, for as long as it may.
            admin.list_topics(next(iter(topics.values())), ASKED_FOR)
            answers = admin.list_offsets(
                asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=ASKED_FOR
            )
            found = {tp.topic: future.result().offset for tp, future in answers.items()}
            return {name: found[topic] for name, topic in topics.items()}
        except KafkaException as error:
            if cancelled():
                raise Cancelled from None
            # A topic just made, or a broker just back, has no leader for a moment.
            if connection.cluster.now() > deadline:
                raise Retryable(f"changelogs of partition {partition} cannot be read: {error}") from None
            connection.cluster.sleep(IDLE)
