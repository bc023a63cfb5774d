"""The Prometheus metrics of a process, in a registry of its own: docs/metrics.md lists them.

No label has more values than the deployment has topics, partitions, tables, steps and routes. Endpoints are
the exception: see `LabelSlots`.
"""

import platform
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from streams.kafka.transactions import CommittedChanges
from streams.stages.context import Record, StageContext

P = ParamSpec("P")
R = TypeVar("R")
LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
"""Seconds."""
STEPS = ("idle", "poll", "decide", "commit", "tables")
SAMPLE_INTERVAL = 5.0
"""Seconds between two looks at what is too dear to be looked at with each batch."""


class Metrics:
    """What one process counts. Labels: `source` is the topic that a stage reads."""

    def __init__(self, role: str = "") -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.is_served = False
        """Whether anybody can read them: if not, nothing is sampled."""
        self.refreshers: list[Callable[[], None]] = []
        """Called before the metrics are read, in the reader's thread: they set what is cheap to look up."""
        self._meters: dict[str, FeedMeter] = {}

        self.records = self._counter("records", "Records handled, committed.", "source")
        self.outputs = self._counter("outputs", "Records written by a stage, committed.", "source", "topic")
        self.changes = self._counter("changelog_records", "Changelog records written, committed.", "source")
        self.transactions = self._counter(
            "transactions", "Kafka transactions, by outcome: committed or aborted.", "source", "outcome"
        )
        self.step_seconds = self._counter(
            "step_seconds", f"Wall time of the steps of a batch: {', '.join(STEPS)}.", "source", "step"
        )
        self.step_cpu_seconds = self._counter(
            "step_cpu_seconds", "CPU time of the steps of a batch, of their thread.", "source", "step"
        )
        self.latency = self._histogram(
            "record_latency_seconds", "From a record's append until what follows is committed.", "source"
        )
        self.committed_at = self._gauge(
            "last_commit_timestamp_seconds", "When a transaction was committed last, Unix time.", "source"
        )
        self.lag = self._gauge(
            "lag_records", "Records of the partition that are not handled yet.", "source", "partition"
        )
        self.lag_seconds = self._gauge(
            "lag_seconds", "Age of the oldest record read and not handled; 0: none.", "source", "partition"
        )
        self.partitions = self._gauge(
            "partitions", "Partitions of this process, by state: served or restoring.", "source", "state"
        )
        self.restore_left = self._gauge(
            "restore_records_left",
            "Changelog records to be read before the partition is served.",
            "source",
            "partition",
        )
        self.restored = self._counter(
            "restore_records", "Changelog records read to restore tables.", "source", "partition"
        )
        self.due_lateness = self._gauge(
            "due_lateness_seconds",
            "How long the earliest due timer has been due; 0: none is.",
            "source",
            "partition",
        )
        self.table_entries = self._gauge(
            "table_entries", "Entries of a table in this process, as RocksDB estimates.", "source", "table"
        )
        self.store_bytes = self._gauge(
            "store_bytes", "Size of a partition's tables on disk.", "source", "partition"
        )
        self.store_memory = self._gauge(
            "store_memory_bytes", "RocksDB's write buffers of a partition.", "source", "partition"
        )
        self.store_stalled = self._gauge(
            "store_stalled", "1 while RocksDB stops or slows down writes.", "source", "partition"
        )
        self.store_cache = self._gauge("store_cache_bytes", "RocksDB's block cache, of the process.")
        self.set_aside = self._counter(
            "state_set_aside",
            "Folders of state that were damaged or wrong, and are made again from Kafka.",
            "source",
            "partition",
        )
        self.aside = self._gauge(
            "control_records_set_aside",
            "Control records that cannot be worked with: see `loyalty doctor`.",
            "topic",
        )
        self._gauge("build_info", "1; the labels say what runs.", "version", "python", "role").labels(
            _installed_version(), platform.python_version(), role
        ).set(1)

    def meter(self, source: str) -> "FeedMeter":
        """The meter of the feed that reads `source`."""
        return self._meters.setdefault(source, FeedMeter(self, source))

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        for refresh in self.refreshers:
            refresh()
        return generate_latest(self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"loyalty_{name}", meaning, labels, registry=self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"loyalty_{name}", meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(f"loyalty_{name}", meaning, labels, registry=self.registry, buckets=LATENCY_BUCKETS)


class FeedMeter:
    """Counts what one feed does. What it costs is paid once for each batch, the latency and the outputs'
    tally aside."""

    def __init__(self, metrics: Metrics, source: str) -> None:
        self._metrics, self._source = metrics, source
        self._records = metrics.records.labels(source)
        self._changes = metrics.changes.labels(source)
        self._committed = metrics.transactions.labels(source, "committed")
        self._aborted = metrics.transactions.labels(source, "aborted")
        self._latency = metrics.latency.labels(source)
        self._committed_at = metrics.committed_at.labels(source)
        self._steps = {
            step: (metrics.step_seconds.labels(source, step), metrics.step_cpu_seconds.labels(source, step))
            for step in STEPS
        }
        self._topics: dict[str, Counter] = {}
        self.last_commit = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Adds the block's time, of the thread that it runs in, to the step."""
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            walls, cpus = self._steps[name]
            walls.inc(time.perf_counter() - wall)
            cpus.inc(time.thread_time() - cpu)

    def measure_commit(self, commit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Returns what `commit` does. A commit that raises is an aborted transaction."""
        with self.step("commit"):
            try:
                return commit(*args, **kwargs)
            except BaseException:
                self._aborted.inc()
                raise

    def count_commit(
        self,
        contexts: Sequence[StageContext],
        records: Sequence[Sequence[Record]],
        handled: Sequence[int],
        changes: Sequence[CommittedChanges],
    ) -> None:
        """Counts a committed transaction: by partition its context, its records, how many of them were
        handled, and the changelog's records."""
        self._committed.inc()
        self.last_commit = time.monotonic()
        now = time.time()
        self._committed_at.set(now)
        for context, batch, count, (writes, _) in zip(contexts, records, handled, changes, strict=True):
            self._records.inc(count)
            self._changes.inc(len(writes))
            for record in batch[:count]:
                if record.timestamp:
                    self._latency.observe(max(0.0, now - record.timestamp / 1000))
            for topic, outputs in Tally(output.topic.name for output in context.outputs).items():
                self._count_outputs(topic, outputs)

    def _count_outputs(self, topic: str, count: int) -> None:
        counter = self._topics.get(topic)
        if counter is None:
            counter = self._topics[topic] = self._metrics.outputs.labels(self._source, topic)
        counter.inc(count)


class LabelSlots:
    """Bounds the values of a label: the first `most` get their own, the others are `other`. A value that has
    not been used for `idle` seconds leaves its slot to the next one; `release` then removes its series."""

    OTHER = "other"

    def __init__(
        self,
        most: int,
        release: Callable[[str], None],
        idle: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._release, self._idle, self._clock = most, release, idle, clock
        self._used: dict[str, float] = {}

    def label(self, value: str) -> str:
        """The label to count `value` by."""
        now = self._clock()
        if value not in self._used and len(self._used) >= self._most:
            oldest = min(self._used, key=self._used.__getitem__) if self._used else ""
            if not oldest or now - self._used[oldest] < self._idle:
                return self.OTHER
            del self._used[oldest]
            self._release(oldest)
        self._used[value] = now
        return value

    def values(self) -> list[str]:
        """Those that have a label of their own now."""
        return list(self._used)


def _installed_version() -> str:
    try:
        return version("loyalty-webhooks")
    except PackageNotFoundError:
        return "unknown"
