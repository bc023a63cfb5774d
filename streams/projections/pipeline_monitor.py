"""Looks at the whole pipeline every few seconds: where topics end, how far the stages have come, who works.

No request asks the cluster anything: all read the same samples of the last hour. While the cluster does not
answer there are no new ones.
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
class _Stages:
    """Who is asked how far the stages have come, by their names, and who works in them."""

    onlookers: Mapping[str, GroupOffsets]
    groups: GroupDescriber


class PipelineMonitor:
    """`samples`: the oldest first. To be started, and stopped."""

    def __init__(self, connection: Connection, every: float = SAMPLE_INTERVAL) -> None:
        self.samples: tuple[Sample, ...] = ()
        self._connection = connection
        self._every = every
        self._names = {connection.topic(topic): name for name, topic in _TOPICS.items()}
        self._counts: dict[str, int] = {}
        self._stopping = threading.Event()
        self._silent = False
        # A thread of its own, busy for as long as the process runs: the loop's pool stays free for others.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="flow")
        self._running: Future[None] | None = None

    def start(self) -> None:
        """Returns at once: the first sample comes when the cluster answers."""
        self._running = self._pool.submit(self._run)

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.to_thread(self._pool.shutdown)

    async def failed(self) -> NoReturn:
        """Raises what ended the looking, and never returns."""
        if self._running:
            await asyncio.wrap_future(self._running)
        raise AssertionError("it was stopped while somebody watched over it")

    def _run(self) -> None:
        admin, offsets = self._connection.open_admin(), PartitionOffsets(self._connection, ANSWER_TIMEOUT)
        with ExitStack() as opened:
            tails = RecordCounts(
                self._connection, opened.enter_context(open_reader(self._connection, "flow"))
            )
            groups = opened.enter_context(GroupDescriber(self._connection))
            onlookers = {s.name: opened.enter_context(GroupOffsets(self._connection, s.name)) for s in STAGES}
            stages = _Stages(onlookers, groups)
            while not self._stopping.is_set():
                try:
                    self._look(admin, offsets, tails, stages)
                    self._silent = False
                except (KafkaException, Retryable) as failure:
                    self._told(failure)
                self._stopping.wait(self._every)

    def _told(self, failure: Exception) -> None:
        if not self._silent:
            said = failure.args[0].str() if isinstance(failure, KafkaException) else failure
            LOG.warning("the overview has no new figures: %s", said)
        self._silent = True

    def _look(self, admin: Admin, offsets: PartitionOffsets, tails: RecordCounts, asked: "_Stages") -> None:
        places = self._places(admin)
        # Before the ends: what a stage has handled lies before them.
        committed, members = self._committed(asked.onlookers, places), self._members(asked.groups)
        begins, ends = offsets.begins(places), offsets.ends(places, IsolationLevel.READ_COMMITTED)
        tails.look({place: (begins[place], ends[place]) for place in places})
        now = datetime.now(UTC)
        stages = {stage.name: self._stand(stage, tails, committed, members) for stage in STAGES}
        sample = Sample(now, self._counted(tails), stages)
        before = self.samples or self._past(offsets, tails, places, now)
        self.samples = (*(each for each in before if now - each.at < KEEP_FOR + 2 * MINUTE), sample)

    def _places(self, admin: Admin) -> list[Place]:
        """Partitions of all topics that are there: once all are, nobody asks again."""
        if len(self._counts) < len(_TOPICS):
            self._counts = partitions(self._connection, tuple(_TOPICS.values()), admin)
        counts = self._counts.items()
        return [(self._connection.topic(_TOPICS[name]), n) for name, count in counts for n in range(count)]

    def _committed(
        self, onlookers: Mapping[str, GroupOffsets], places: Iterable[Place]
    ) -> dict[tuple[str, Place], int]:
        """By group and place; negative: nothing yet."""
        found: dict[tuple[str, Place], int] = {}
        for stage in STAGES:
            its = [place for place in places if self._names[place[0]] == stage.source]
            answer = onlookers[stage.name].committed(its, ANSWER_TIMEOUT)
            found |= {(stage.name, place): offset for place, offset in answer.items()}
        return found

    def _members(self, groups: GroupDescriber) -> dict[str, int]:
        names = {f"{self._connection.prefix}{stage.name}": stage.name for stage in STAGES}
        found = groups.members(names, ANSWER_TIMEOUT)
        return {names[group]: len(members) for group, members in found.items()}

    def _stand(
        self,
        stage: Stage,
        tails: RecordCounts,
        committed: Mapping[tuple[str, Place], int],
        members: Mapping[str, int],
    ) -> StageCounts:
        of = {place: tail for place, tail in tails.of.items() if self._names[place[0]] == stage.source}
        left = sum(tail.left(committed.get((stage.name, place), -1)) for place, tail in of.items())
        return StageCounts(left, members.get(stage.name, 0))

    def _counted(self, tails: RecordCounts) -> dict[str, TopicCounts]:
        appended, kept = defaultdict[str, int](int), defaultdict[str, int](int)
        for (topic, _), tail in tails.of.items():
            appended[self._names[topic]] += tail.appended
            kept[self._names[topic]] += tail.kept
        return {name: TopicCounts(appended[name], kept[name]) for name in appended}

    def _past(
        self, offsets: PartitionOffsets, tails: RecordCounts, places: list[Place], now: datetime
    ) -> Iterable[Sample]:
        """What the topics held at each minute of the hour before, as the records' own times say."""
        minute = now.replace(second=0, microsecond=0) - KEEP_FOR
        found = []
        while minute < now:
            found.append(Sample(minute, self._then(tails, offsets.since(places, minute)), {}))
            minute += MINUTE
        return found

    def _then(self, tails: RecordCounts, offsets: Mapping[Place, int | None]) -> dict[str, TopicCounts]:
        appended = defaultdict[str, int](int)
        for place, offset in offsets.items():
            tail = tails.of[place]
            # None: nothing has come since.
            appended[self._names[place[0]]] -= 0 if offset is None else tail.between(offset, tail.next)
        return {name: TopicCounts(count, 0) for name, count in appended.items()}
