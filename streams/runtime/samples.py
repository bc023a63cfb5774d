"""Looks up, every few seconds, what is too dear to be counted with each batch."""

import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from confluent_kafka import TopicPartition

from streams.kafka.cluster import Cluster, Consumer
from streams.runtime.metrics import SAMPLE_INTERVAL, Metrics
from streams.runtime.probes import STALL_LIMIT
from streams.tables.store import StoreFigures

if TYPE_CHECKING:
    from streams.runtime.partitions import OwnedPartitions, Partition


class FeedSampler:
    """The samples of the partitions that one feed has. A partition that has gone has no series."""

    def __init__(self, metrics: Metrics, source: str) -> None:
        self._metrics, self._source = metrics, source
        self._known: set[int] = set()
        self._next_at = 0.0

    def tell_lag(self, consumer: Consumer, place: TopicPartition, position: int) -> None:
        """`position`: the first offset that is not handled."""
        _, end = consumer.get_watermark_offsets(place, cached=True)
        # Below 0: nothing was fetched of it yet.
        if end >= 0:
            self._metrics.lag.labels(self._source, str(place.partition)).set(max(0, end - position))

    def sample(self, partitions: "OwnedPartitions", cluster: Cluster) -> None:
        """Samples now and then, and only what is served. Between transactions, in the tables' thread."""
        if not self._metrics.is_served or cluster.now() < self._next_at:
            return
        self._next_at = cluster.now() + SAMPLE_INTERVAL
        now = cluster.utc()
        for gone in self._known - partitions.here.keys():
            self._remove(gone)
        self._known = set(partitions.here)
        states = {"served": len(partitions.here), "restoring": len(partitions.restoring_numbers())}
        for state, count in states.items():
            self._metrics.partitions.labels(self._source, state).set(count)
        entries: Counter[str] = Counter()
        for partition in partitions.here.values():
            earliest, figures = partition.tables.sample(now)
            self._sample_partition(partition, now, earliest)
            if figures:
                self._show_store(partition.number, figures)
                entries.update(figures.entries)
        for table, count in entries.items():
            self._metrics.table_entries.labels(self._source, table).set(count)

    def _sample_partition(self, partition: "Partition", now: datetime, earliest: datetime | None) -> None:
        labels = self._source, str(partition.number)
        oldest = partition.waiting[0].timestamp if partition.waiting else 0
        age = now - datetime.fromtimestamp(oldest / 1000, UTC) if oldest else None
        self._metrics.lag_seconds.labels(*labels).set(max(0.0, age.total_seconds()) if age else 0.0)
        self._metrics.due_lateness.labels(*labels).set((now - earliest).total_seconds() if earliest else 0.0)

    def _show_store(self, number: int, figures: StoreFigures) -> None:
        labels = self._source, str(number)
        self._metrics.store_bytes.labels(*labels).set(figures.disk_bytes)
        self._metrics.store_memory.labels(*labels).set(figures.memory_bytes)
        self._metrics.store_stalled.labels(*labels).set(figures.is_stalled)
        self._metrics.store_cache.set(figures.cache_bytes)

    def _remove(self, number: int) -> None:
        metrics = self._metrics
        for gauge in (
            metrics.lag,
            metrics.lag_seconds,
            metrics.due_lateness,
            metrics.store_bytes,
            metrics.store_memory,
            metrics.store_stalled,
        ):
            with suppress(KeyError):
                gauge.remove(self._source, str(number))


def find_pending_work(source: str, partitions: "OwnedPartitions", last_commit: float) -> list[str]:
    """What keeps the feed of `source` from being ready: see `streams.runtime.probes`. `last_commit` is a
    monotonic time. May be called in any thread."""
    restoring = partitions.restoring_numbers()
    reasons = [f"{source}: the restore of partitions {', '.join(map(str, restoring))}"] if restoring else []
    waiting = sum(len(partition.waiting) for partition in list(partitions.here.values()))
    silent = time.monotonic() - last_commit
    if waiting and silent > STALL_LIMIT:
        reasons.append(f"{source}: a commit, for {silent:.0f} s; {waiting} records wait")
    return reasons
