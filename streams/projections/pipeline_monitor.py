"""Samples the whole pipeline every few seconds: ends of topics, positions of stages, members of groups.

All requests read the same samples of the last hour; none of them asks the cluster. While the cluster does not
answer, no samples are added.
"""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from confluent_kafka import IsolationLevel, KafkaException

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Admin
from streams.kafka.end_offsets import ANSWER_TIMEOUT
from streams.kafka.group_members import GroupDescriber
from streams.kafka.group_offsets import GroupOffsets
from streams.kafka.log_reader import open_reader
from streams.kafka.offsets import PartitionOffsets, Place
from streams.kafka.record_counts import RecordCounts
from streams.kafka.topic_admin import partitions
from streams.pipeline_health.samples import STAGES, TOPICS, Sample, Stage, StageCounts, TopicCounts
from streams.topics import TOPICS as REGISTRY

LOG = logging.getLogger(__name__)
SAMPLE_INTERVAL = 5.0
KEEP_FOR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
_TOPICS = {topic.name: topic for topic in REGISTRY if topic.name in TOPICS}


@dataclass(frozen=True, slots=True)
class _StageSources:
    """Where the stages' committed offsets (by stage name) and their groups' members are read."""

    onlookers: Mapping[str, GroupOffsets]
    groups: GroupDescriber


class PipelineMonitor:
    """`samples`: the oldest first. It must be started, and stopped."""

    def __init__(self, connection: Connection, every: float = SAMPLE_INTERVAL) -> None:
        self.samples: tuple[Sample, ...] = ()
        self._connection = connection
        self._every = every
        self._names = {connection.topic(topic): name for name, topic in _TOPICS.items()}
        self._counts: dict[str, int] = {}
        self._stopping = threading.Event()
        self._silent = False
        # It is busy while the process runs: with its own thread the loop's pool stays free for others.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="flow")
        self._running: Future[None] | None = None

    def start(self) -> None:
        """Returns at once: the first sample follows when the cluster answers."""
        self._running = self._pool.submit(self._run)

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.to_thread(self._pool.shutdown)

    async def failed(self) -> NoReturn:
        """Raises the error that ended the sampling; never returns."""
        if self._running:
            await asyncio.wrap_future(self._running)
        raise AssertionError("the sampling was stopped while it was being watched")

    def _run(self) -> None:
        admin, offsets = self._connection.open_admin(), PartitionOffsets(self._connection, ANSWER_TIMEOUT)
        with ExitStack() as opened:
            tails = RecordCounts(
                self._connection, opened.enter_context(open_reader(self._connection, "flow"))
            )
            groups = opened.enter_context(GroupDescriber(self._connection))
            onlookers = {s.name: opened.enter_context(GroupOffsets(self._connection, s.name)) for s in STAGES}
            stages = _StageSources(onlookers, groups)
            while not self._stopping.is_set():
                try:
                    self._take_sample(admin, offsets, tails, stages)
                    self._silent = False
                except (KafkaException, Retryable) as failure:
                    self._log_failure(failure)
                self._stopping.wait(self._every)

    def _log_failure(self, failure: Exception) -> None:
        if not self._silent:
            said = failure.args[0].str() if isinstance(failure, KafkaException) else failure
            LOG.warning("the overview has no new figures: %s", said)
        self._silent = True

    def _take_sample(
        self, admin: Admin, offsets: PartitionOffsets, tails: RecordCounts, asked: "_StageSources"
    ) -> None:
        places = self._list_partitions(admin)
        # Read before the ends, so that no committed offset lies behind an end.
        committed, members = (
            self._read_committed_offsets(asked.onlookers, places),
            self._count_members(asked.groups),
        )
        begins, ends = offsets.begins(places), offsets.ends(places, IsolationLevel.READ_COMMITTED)
        tails.look({place: (begins[place], ends[place]) for place in places})
        now = datetime.now(UTC)
        stages = {stage.name: self._stage_figures(stage, tails, committed, members) for stage in STAGES}
        sample = Sample(now, self._topic_counts(tails), stages)
        before = self.samples or self._past_samples(offsets, tails, places, now)
        self.samples = (*(each for each in before if now - each.at < KEEP_FOR + 2 * MINUTE), sample)

    def _list_partitions(self, admin: Admin) -> list[Place]:
        """The partitions of all existing topics; the cluster is not asked again once all exist."""
        if len(self._counts) < len(_TOPICS):
            self._counts = partitions(self._connection, tuple(_TOPICS.values()), admin)
        counts = self._counts.items()
        return [(self._connection.topic(_TOPICS[name]), n) for name, count in counts for n in range(count)]

    def _read_committed_offsets(
        self, onlookers: Mapping[str, GroupOffsets], places: Iterable[Place]
    ) -> dict[tuple[str, Place], int]:
        """By group and partition; negative if nothing is committed yet."""
        found: dict[tuple[str, Place], int] = {}
        for stage in STAGES:
            its = [place for place in places if self._names[place[0]] == stage.source]
            answer = onlookers[stage.name].committed(its, ANSWER_TIMEOUT)
            found |= {(stage.name, place): offset for place, offset in answer.items()}
        return found

    def _count_members(self, groups: GroupDescriber) -> dict[str, int]:
        names = {f"{self._connection.prefix}{stage.name}": stage.name for stage in STAGES}
        found = groups.members(names, ANSWER_TIMEOUT)
        return {names[group]: len(members) for group, members in found.items()}

    def _stage_figures(
        self,
        stage: Stage,
        tails: RecordCounts,
        committed: Mapping[tuple[str, Place], int],
        members: Mapping[str, int],
    ) -> StageCounts:
        of = {place: tail for place, tail in tails.of.items() if self._names[place[0]] == stage.source}
        left = sum(tail.left(committed.get((stage.name, place), -1)) for place, tail in of.items())
        return StageCounts(left, members.get(stage.name, 0))

    def _topic_counts(self, tails: RecordCounts) -> dict[str, TopicCounts]:
        appended, kept = defaultdict[str, int](int), defaultdict[str, int](int)
        for (topic, _), tail in tails.of.items():
            appended[self._names[topic]] += tail.appended
            kept[self._names[topic]] += tail.kept
        return {name: TopicCounts(appended[name], kept[name]) for name in appended}

    def _past_samples(
        self, offsets: PartitionOffsets, tails: RecordCounts, places: list[Place], now: datetime
    ) -> Iterable[Sample]:
        """A sample for each minute of the last hour, by the records' timestamps."""
        minute = now.replace(second=0, microsecond=0) - KEEP_FOR
        found = []
        while minute < now:
            found.append(Sample(minute, self._counts_at(tails, offsets.since(places, minute)), {}))
            minute += MINUTE
        return found

    def _counts_at(self, tails: RecordCounts, offsets: Mapping[Place, int | None]) -> dict[str, TopicCounts]:
        appended = defaultdict[str, int](int)
        for place, offset in offsets.items():
            tail = tails.of[place]
            # None: nothing was appended since.
            appended[self._names[place[0]]] -= 0 if offset is None else tail.between(offset, tail.next)
        return {name: TopicCounts(count, 0) for name, count in appended.items()}
