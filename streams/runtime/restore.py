"""Restores a partition's tables from their changelogs, and proves that the restore is complete.

A changelog is read to its end; then the end is asked for again, and the rest is read. When the leader does
not say where a changelog ends, the restore waits: no number stands for a missing answer.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import KafkaError, Message, TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import READ_TO_END, Connection
from streams.kafka.cluster import Config, Consumer
from streams.kafka.log_reader import outage_as_retryable
from streams.kafka.offsets import Cancelled
from streams.kafka.topic_identity import ANSWER_TIMEOUT, ChangelogLookup, ChangelogStatus, check_identity
from streams.kafka.transient_errors import is_transient
from streams.kafka.unreadable_batches import OVERSIZED_ERRORS, skip_unreadable
from streams.runtime.restore_progress import ReportProgress
from streams.tables.replica import Records
from streams.tables.tables import Tables
from streams.topics import CHANGELOGS

LOG = logging.getLogger(__name__)

READ_BATCH = 5000
POLL_SECONDS = 0.5
RecordsCallback = Callable[[str, Records], None]
"""Called with a table's name and the records that have come into it."""


@dataclass(slots=True)
class _Table:
    name: str
    log: ChangelogStatus
    position: int
    end: int
    as_of: datetime | None
    youngest: datetime | None = None
    """Of the records taken."""
    ended: bool = False

    @property
    def missing(self) -> int:
        return max(0, self.end - self.position)

    @property
    def outslept(self) -> bool:
        """Whether the disk has rested for too long by the records' times, whatever our clock says."""
        if self.as_of is None or self.youngest is None:
            return False
        return self.youngest - self.as_of > self.log.tombstones


class ChangelogReader:
    """The changelogs of a partition's tables, on their way into them.

    Tables that must not be added to are cleared, to be read from the beginning:
    see `streams.kafka.topic_identity`.
    Raises Retryable where the cluster does not answer, Misconfigured where the tables are ahead of it, and
    Cancelled once that does not matter.
    """

    def __init__(
        self,
        connection: Connection,
        partition: int,
        tables: Tables,
        cancelled: Callable[[], bool],
        *,
        heard: RecordsCallback = lambda *_: None,
    ) -> None:
        self.partition = partition
        self._now = connection.cluster.utc
        self._tables = tables
        self._heard = heard
        self._lookup = ChangelogLookup(
            connection,
            partition,
            {name: connection.topic(CHANGELOGS[name]) for name in tables.names},
            cancelled,
        )
        self._asked_at = self._now()
        self._confirmed: datetime | None = None
        self._by_topic = self._todo()
        self.taken = 0
        """Records taken so far."""

    def _todo(self) -> dict[str, _Table]:
        """Returns each table's position and its changelog's end, by topic."""
        kept = self._tables.checkpoints
        logs, because = check_identity(self._lookup, self.partition, kept, self._asked_at)
        if because:
            self.clear(because)
        fresh = [name for name in logs if kept.as_of(name) is None]
        kept.remember({name: log.id for name, log in logs.items() if log.id})
        kept.complete(self._asked_at, fresh)
        return {
            log.topic: _Table(
                name,
                log,
                max(kept.offset(name), log.start),
                log.end,
                None if name in fresh else kept.as_of(name),
            )
            for name, log in logs.items()
        }

    def clear(self, because: str) -> None:
        LOG.warning("partition %d: %s: restored from zero", self.partition, because)
        self._tables.clear()

    @property
    def missing(self) -> int:
        """Offsets between what was taken and where the changelogs ended when that was asked last."""
        return sum(table.missing for table in self._by_topic.values())

    @property
    def ended(self) -> bool:
        """Whether each changelog has been read to an end that it had at some moment."""
        return all(table.ended for table in self._by_topic.values())

    @property
    def outslept(self) -> bool:
        """Whether the records say that the disk has rested for too long."""
        return any(table.outslept for table in self._by_topic.values())

    def ask_again(self, within: float = ANSWER_TIMEOUT) -> None:
        """Where they end now, as another client hears it. Raises Retryable, Cancelled."""
        asked_at = self._now()
        for topic, end in self._lookup.ends(within).items():
            self._by_topic[topic].end = max(self._by_topic[topic].end, end)
        self._asked_at = asked_at

    def confirm_if_whole(self) -> None:
        """Where nothing is missing, the tables are whole as of when the ends were asked for."""
        if not self.missing and self._asked_at != self._confirmed:
            self._tables.checkpoints.complete(self._asked_at, self._tables.names)
            self._confirmed = self._asked_at

    def places(self, *, missing: bool = False) -> list[TopicPartition]:
        """Returns the positions to read on from; with `missing`, only those that are not at their end."""
        tables = [t for t in self._by_topic.values() if t.missing or not missing]
        return [TopicPartition(t.log.topic, self.partition, t.position) for t in tables]

    def take(self, messages: Iterable[Message]) -> None:
        """What a consumer at those places was given, its errors included. Raises Retryable."""
        records: dict[str, Records] = {topic: [] for topic in self._by_topic}
        for message in messages:
            topic, error, offset = message.topic() or "", message.error(), message.offset() or 0
            if error is None:
                records[topic].append((message.key() or b"", message.value()))
                self._by_topic[topic].position = offset + 1
                latest = message
            elif error.code() == KafkaError._PARTITION_EOF:
                # Markers of transactions stand at the end and are never delivered.
                self._by_topic[topic].position = max(self._by_topic[topic].position, offset)
                self._by_topic[topic].ended = True
            elif not is_transient(error):
                raise Retryable(f"{topic or 'a changelog'} cannot be read: {error.str()}")
        if any(records.values()):
            self._age(latest)
        for topic, found in records.items():
            self._take(self._by_topic[topic], found)

    def _take(self, table: _Table, found: Records) -> None:
        self.taken += len(found)
        self._tables.restore(table.name, found, table.position)
        self._heard(table.name, found)

    def _age(self, message: Message) -> None:
        # Of the last of a batch: they come in order, and each costs time.
        table = self._by_topic[message.topic() or ""]
        table.youngest = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)


def restore_tables(
    connection: Connection,
    partition: int,
    tables: Tables,
    cancelled: Callable[[], bool],
    report: ReportProgress,
    *,
    heard: RecordsCallback = lambda *_: None,
) -> bool:
    """Restores from each table's checkpoint. False where it was cancelled on the way; what was read is kept.

    The end is the log's, open transactions included: whatever a predecessor still had under way when it
    lost the partition is waited for, until it is committed or aborted.
    """
    try:
        changelogs = ChangelogReader(connection, partition, tables, cancelled, heard=heard)
        whole = _read(connection, changelogs, cancelled, report)
        if whole and changelogs.outslept:
            changelogs.clear("what it lacked is gone by now, as the records' times say")
            changelogs = ChangelogReader(connection, partition, tables, cancelled, heard=heard)
            whole = _read(connection, changelogs, cancelled, report)
    except Cancelled:
        return False
    if not whole:
        return False
    changelogs.confirm_if_whole()
    if not tables.indexed:
        tables.index()
    return True


def _read(
    connection: Connection, changelogs: ChangelogReader, cancelled: Callable[[], bool], report: ReportProgress
) -> bool:
    """Reads to the end, then on to the end that the partition has by then."""
    begun = connection.cluster.now()
    if not _read_to_end(connection, changelogs, cancelled, report):
        return False
    changelogs.ask_again()
    if not _read_to_end(connection, changelogs, cancelled, report):
        return False
    if changelogs.taken:
        took = connection.cluster.now() - begun
        partition, taken = changelogs.partition, changelogs.taken
        LOG.info("partition %d: restored %d changelog records in %.1f s", partition, taken, took)
    return True


def _read_to_end(
    connection: Connection, changelogs: ChangelogReader, cancelled: Callable[[], bool], report: ReportProgress
) -> bool:
    total = changelogs.missing
    if not total:
        return True
    consumer = open_changelog_consumer(connection, reset="error")
    try:
        consumer.assign(changelogs.places(missing=True))
        while changelogs.missing:
            if cancelled():
                return False
            first = consumer.poll(POLL_SECONDS)
            if first is not None:
                changelogs.take(
                    skip_oversized(connection, consumer, [first, *consumer.consume(READ_BATCH, 0)])
                )
            report(max(0, total - changelogs.missing), total)
        return True
    finally:
        consumer.close()


def skip_oversized(connection: Connection, consumer: Consumer, messages: list[Message]) -> list[Message]:
    """Skips batches that no worker can have written: larger than any worker writes. Raises Retryable."""
    with outage_as_retryable("a changelog"):
        return skip_unreadable(connection, consumer, messages, OVERSIZED_ERRORS)


def open_changelog_consumer(connection: Connection, *, reset: str, to_end: Config = READ_TO_END) -> Consumer:
    """A consumer of no group that is told where to read and hears of ends. `reset`: what it does when Kafka
    has no such offset (`auto.offset.reset`)."""
    return connection.open_consumer(
        **to_end,
        **{"group.id": f"{connection.prefix}restore", "auto.offset.reset": reset}
        # Tells a damaged batch, which is never skipped, from one that is whole and too large.
        | {"check.crcs": True},
    )
