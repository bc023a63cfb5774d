"""Whether what a disk holds may be added to: it is of the same topics, and lacks nothing that is gone by now.

A changelog keeps the latest value of a key for ever, but a tombstone only for a while
(`delete.retention.ms`, KIP-534): a disk that has rested longer keeps entries that were deleted meanwhile, and
no record would tell it so.
A topic that was deleted and made again is another one by the same name (KIP-516).
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from confluent_kafka import KafkaException, TopicCollection

from streams.errors import Misconfigured, Retryable
from streams.kafka.clients import Connection
from streams.kafka.offsets import REQUEST_TIMEOUT, RETRY_SECONDS, Cancelled, PartitionOffsets
from streams.kafka.topic_config import tombstone_retentions
from streams.kafka.transient_errors import is_transient
from streams.tables.checkpoints import Checkpoints

LOG = logging.getLogger(__name__)
T = TypeVar("T")
ANSWER_TIMEOUT = 120.0
"""Seconds for which a restore waits for an answer; its partition is not served meanwhile, others are."""
# What is found out about a disk is asked again: one broker may be behind, or hear of nothing any more. Longer
# than the time after which a silent broker has lost its partitions.
ANSWERS, EVERY = 5, 2.5
COMMIT_MARKER_OFFSETS = 1
"""Offsets that the last transaction takes behind its last record."""


@dataclass(frozen=True, slots=True)
class ChangelogStatus:
    """A table's changelog, as the cluster has it. `tombstones`: for how long they are kept."""

    topic: str
    id: str | None
    start: int
    end: int
    tombstones: timedelta

    @property
    def rests(self) -> timedelta:
        """For how long a disk may rest. What it lacks must still be there once it is read, by whichever
        clock."""
        return self.tombstones * 0.9


class ChangelogLookup:
    """Asks the cluster for the changelogs of one partition; `topics`: by table. Raises Retryable and
    Cancelled."""

    def __init__(
        self,
        connection: Connection,
        partition: int,
        topics: Mapping[str, str],
        cancelled: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._partition = partition
        self._topics = topics
        self._cancelled = cancelled
        self._offsets = PartitionOffsets(connection, ANSWER_TIMEOUT, cancelled)

    def ends(self, within: float = ANSWER_TIMEOUT) -> dict[str, int]:
        """By topic, as a client says that has not been asked before."""
        found = PartitionOffsets(self._connection, within, self._cancelled).ends(
            [(topic, self._partition) for topic in self._topics.values()]
        )
        return {topic: end for (topic, _), end in found.items()}

    def logs(self) -> dict[str, ChangelogStatus]:
        """By table."""
        if not self._topics:
            return {}
        ends, names = self.ends(), list(self._topics.values())
        starts = self._offsets.begins([(topic, self._partition) for topic in names])
        ids = self._patiently(lambda: topic_ids(self._connection, names))
        kept = self._patiently(lambda: tombstone_retentions(self._connection, names))
        return {
            table: ChangelogStatus(
                topic, ids[topic], starts[topic, self._partition], ends[topic], kept[topic]
            )
            for table, topic in self._topics.items()
        }

    def again(self) -> dict[str, ChangelogStatus]:
        """The same, a while later."""
        cluster = self._connection.cluster
        until = cluster.now() + EVERY
        while cluster.now() < until:
            if self._cancelled():
                raise Cancelled
            cluster.sleep(RETRY_SECONDS)
        return self.logs()

    def _patiently(self, ask: Callable[[], T]) -> T:
        cluster = self._connection.cluster
        until = cluster.now() + ANSWER_TIMEOUT
        while True:
            try:
                return ask()
            except (KafkaException, Late) as failure:
                if self._cancelled():
                    raise Cancelled from None
                if cluster.now() > until or not (isinstance(failure, Late) or is_transient(failure)):
                    what = f"the changelogs of partition {self._partition} are not told of"
                    raise Retryable(f"{what}: {failure}") from None
                cluster.sleep(RETRY_SECONDS)


def topic_ids(connection: Connection, names: list[str]) -> dict[str, str | None]:
    """None: the cluster gives topics no ids. Raises KafkaException."""
    admin = connection.open_admin()
    asked = admin.describe_topics(TopicCollection(names), request_timeout=REQUEST_TIMEOUT)
    found = {name: future.result(2 * REQUEST_TIMEOUT).topic_id for name, future in asked.items()}
    none = {None, "", "AAAAAAAAAAAAAAAAAAAAAA"}
    return {name: None if id_ is None or str(id_) in none else str(id_) for name, id_ in found.items()}


def check_identity(
    lookup: ChangelogLookup, partition: int, checkpoints: Checkpoints, now: datetime
) -> tuple[dict[str, ChangelogStatus], str | None]:
    """The logs, and why the tables must be read from the beginning; None: they may be read on.

    Raises Misconfigured where the disk is ahead of what should be the same topic: to clear it would lose
    what nobody else has.
    """
    logs = lookup.logs()
    for _ in range(ANSWERS - 1):
        doubt = _another(logs, checkpoints) or _ahead(logs, checkpoints)
        if doubt is None:
            break
        LOG.warning("partition %d: %s: asked again", partition, doubt)
        logs = lookup.again()
    because = _another(logs, checkpoints)
    ahead = None if because else _ahead(logs, checkpoints)
    if ahead:
        raise Misconfigured(
            f"Partition {partition} is not served: {ahead}: records that were committed are gone from the "
            "topic. Bring them back; or delete the partition's folder in LOYALTY_HOME/state to go on with "
            "what Kafka has, and run `loyalty reconcile --state`"
        )
    return logs, because or _too_old(logs, checkpoints, now)


def _another(logs: Mapping[str, ChangelogStatus], checkpoints: Checkpoints) -> str | None:
    for table, log in logs.items():
        known, at = checkpoints.topic(table), checkpoints.offset(table)
        if known and log.id and known != log.id:
            return f"{log.topic} is another topic than it was"
        if 0 < at < log.start:
            return f"{log.topic} begins at offset {log.start}, and the disk has come to {at}"
    return None


def _ahead(logs: Mapping[str, ChangelogStatus], checkpoints: Checkpoints) -> str | None:
    for table, log in logs.items():
        at = checkpoints.offset(table)
        if at > log.end:
            return f"the disk has come to offset {at} of {log.topic}, which ends at {log.end}"
    return None


def _too_old(logs: Mapping[str, ChangelogStatus], checkpoints: Checkpoints, now: datetime) -> str | None:
    for table, log in logs.items():
        at, as_of = checkpoints.offset(table), checkpoints.as_of(table)
        # Nobody has written since: nothing can be lacking, however long ago that is.
        behind = at > 0 and at + COMMIT_MARKER_OFFSETS < log.end
        if behind and not _rested_well(as_of, log, now):
            when = f"was whole last at {as_of:%F %T} UTC" if as_of else "does not say how old it is"
            return f"the disk {when}, and {log.topic} keeps what was deleted for {log.tombstones} only"
    return None


def _rested_well(as_of: datetime | None, log: ChangelogStatus, now: datetime) -> bool:
    # A moment to come is that of a wrong clock.
    return as_of is not None and log.rests - log.tombstones <= now - as_of <= log.rests
