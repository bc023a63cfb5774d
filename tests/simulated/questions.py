"""What a consumer may ask of the cluster beside reading: bounds, committed offsets, topics."""

from collections.abc import Callable
from functools import partial
from typing import Any

from confluent_kafka import OFFSET_END, OFFSET_INVALID, KafkaError, TopicPartition

from tests.simulated.brokers import Broker
from tests.simulated.calls import UNSTABLE_OFFSET_COMMIT, Calls
from tests.simulated.errors import plain
from tests.simulated.groups import Group
from tests.simulated.log import Log
from tests.simulated.metadata import described

Place = tuple[str, int]
COORDINATOR_LOAD_IN_PROGRESS = 14


class Questions:
    """`committed_only`: as who reads only what is committed."""

    def __init__(self, calls: Calls, group: Group, *, committed_only: bool) -> None:
        self._calls = calls
        self._brokers = calls.brokers
        self._group = group
        self._committed_only = committed_only
        self._positions: dict[Place, int | None] = {}

    def _end(self, log: Log) -> int:
        return log.stable if self._committed_only else log.end

    def _leader(self, place: Place) -> Callable[[], Broker | None]:
        def at() -> Broker | None:
            log = self._brokers.logs.get(place)
            if log is None:
                raise plain(KafkaError._UNKNOWN_PARTITION)
            return None if log.leader is None else self._brokers.all[log.leader]

        return at

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float = -1, cached: bool = False
    ) -> tuple[int, int]:
        place = (partition.topic, partition.partition)
        if cached:
            log = self._brokers.logs[place]
            return (
                (log.start, self._end(log)) if place in self._positions else (OFFSET_INVALID, OFFSET_INVALID)
            )

        def bounds() -> tuple[int, int]:
            log = self._brokers.logs[place]
            return log.start, self._end(log)

        return self._calls.ask("watermarks", self._leader(place), bounds, timeout)

    def committed(self, partitions: list[TopicPartition], timeout: float = -1) -> list[TopicPartition]:
        def offsets() -> list[TopicPartition]:
            if self._brokers.loading(self._group.name):
                raise plain(COORDINATOR_LOAD_IN_PROGRESS)
            places = [(each.topic, each.partition) for each in partitions]
            if self._committed_only and any(self._group.unstable(place) for place in places):
                raise plain(UNSTABLE_OFFSET_COMMIT)
            return [TopicPartition(*p, self._group.offsets.get(p, OFFSET_INVALID)) for p in places]

        at = lambda: self._brokers.coordinator(self._group.name)  # noqa: E731
        return self._calls.ask(
            "committed", at, offsets, timeout, (COORDINATOR_LOAD_IN_PROGRESS, UNSTABLE_OFFSET_COMMIT)
        )

    def offsets_for_times(
        self, partitions: list[TopicPartition], timeout: float = -1
    ) -> list[TopicPartition]:
        def found(each: TopicPartition) -> TopicPartition:
            log = self._brokers.logs[each.topic, each.partition]
            later = (e.offset for e in log.entries if e.at * 1000 >= each.offset)
            return TopicPartition(each.topic, each.partition, next(later, OFFSET_END))

        return [
            self._calls.ask(
                "watermarks", self._leader((each.topic, each.partition)), partial(found, each), timeout
            )
            for each in partitions
        ]

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        return described(self._calls, topic, timeout)
