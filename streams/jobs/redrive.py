"""Poison records and dead letters sent again, once each.

The topic `redriven` gets a record of each in the transaction that sends it. A run may therefore stop anywhere
and be started again; of two concurrent runs the later one fences the other. A source defines what is sent and
where: see `streams.jobs.redrive_sources`.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

from streams.codec import avro
from streams.domain.values import Value
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.log_reader import (
    ANSWER_TIMEOUT,
    OffsetRange,
    full_range,
    outage_as_retryable,
    read_records,
)
from streams.kafka.transactions import run_transaction
from streams.stages.context import Record
from streams.topics import REDRIVEN, Topic

# Size of one transaction: a kill loses no more of the work, and the client holds no more in memory.
BATCH_RECORDS, BATCH_BYTES = 200, 8 << 20
ALREADY_REDRIVEN = "re-driven before"
ProgressCallback = Callable[[int], None]
"""Called with how many records were re-driven since the last call."""
V = TypeVar("V", bound=Value)
V_contra = TypeVar("V_contra", bound=Value, contravariant=True)


class CandidateId(NamedTuple):
    """A record's position in its source's topic. As text: `3:17`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class OutgoingRecord(NamedTuple):
    """A record to append again. `partition` -1: the one that the key hashes to."""

    topic: Topic
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


class RedriveSource(Protocol[V]):
    """A topic whose records can be redriven."""

    topic: Topic
    kind: type[V]

    def obstacle(self, record: V) -> str | None:
        """Why it cannot be sent again; None if it can."""

    def again(self, record: V) -> OutgoingRecord:
        """The record to append for one without an obstacle."""

    def name(self, place: CandidateId, record: V) -> Hashable:
        """What identifies the record in the topic `redriven`."""

    def memory(self, place: CandidateId, record: V, now: datetime) -> Value:
        """The record for the topic `redriven`."""

    def remembered(self, record: Record) -> tuple[Hashable, datetime] | None:
        """The name and time in a record of the topic `redriven`; None if it belongs to another source."""


class RedriveFilter(Protocol[V_contra]):
    """Which records are selected."""

    @property
    def ids(self) -> frozenset[CandidateId]:
        """The ids that were given one by one; empty: any."""

    def holds(self, place: CandidateId, record: V_contra) -> bool: ...


@dataclass(frozen=True, slots=True)
class RedriveCandidate(Generic[V]):
    """A record that can be redriven; `redriven_at` is None until it is."""

    id: CandidateId
    record: V
    redriven_at: datetime | None
    hindered: str | None

    @property
    def obstacle(self) -> str | None:
        """Why it cannot be sent again; None if it can."""
        return ALREADY_REDRIVEN if self.redriven_at else self.hindered


@dataclass(slots=True)
class RedriveCount:
    """Records of a source: all, the matching ones, and of these the ones to send (by target topic) and the
    others (by obstacle)."""

    all: int = 0
    matching: int = 0
    sent_to: Counter[str] = field(default_factory=Counter)
    obstacles: Counter[str] = field(default_factory=Counter)
    unknown: set[CandidateId] = field(default_factory=set)
    """Given ids that do not exist."""

    @property
    def to_send(self) -> int:
        return self.sent_to.total()


def read_candidates(
    connection: Connection, source: RedriveSource[V], wanted: RedriveFilter[V], partition: int | None = None
) -> Iterator[RedriveCandidate[V]]:
    """The selected records that exist now, partition by partition in order. Raises Retryable."""
    with _promise_no_repeat():
        there = full_range(connection, source.topic, partition)
    return (
        found for found in _read_with_state(connection, source, there) if wanted.holds(found.id, found.record)
    )


def count_candidates(
    connection: Connection, source: RedriveSource[V], wanted: RedriveFilter[V], there: OffsetRange
) -> RedriveCount:
    """What a run over that range would send now. Raises Retryable."""
    count = RedriveCount(unknown=set(wanted.ids))
    for found in _read_with_state(connection, source, there):
        count.all += 1
        count.unknown.discard(found.id)
        if wanted.holds(found.id, found.record):
            count.matching += 1
            if found.obstacle:
                count.obstacles[found.obstacle] += 1
            else:
                count.sent_to[source.again(found.record).topic.name] += 1
    return count


class Redrive(Generic[V]):
    """Sends the selected records again. Creating one fences any other run, and aborts its open transaction.

    Every method raises Retryable if the cluster does not answer; a second run sends nothing twice.
    """

    def __init__(
        self,
        connection: Connection,
        source: RedriveSource[V],
        wanted: RedriveFilter[V],
        partition: int | None = None,
    ) -> None:
        self._connection = connection
        self._source = source
        self._filter = wanted
        self._producer = connection.open_producer(
            **{"transactional.id": f"{connection.prefix}{source.topic.name}-redrive", "linger.ms": 0}
            | {"transaction.timeout.ms": 30_000}
        )
        with _promise_no_repeat():
            with outage_as_retryable("the transaction's coordinator"):
                self._producer.init_transactions(ANSWER_TIMEOUT)
            # A record that fails again comes back during the run, and must not be sent by it.
            self._stretch = full_range(connection, source.topic, partition)

    def count(self) -> RedriveCount:
        """What `run` would send now."""
        return count_candidates(self._connection, self._source, self._filter, self._stretch)

    def run(self, progress: ProgressCallback, most: int | None = None) -> int:
        """Sends `most` records at most, each to its own topic. Returns their number."""
        sent, batch, size = 0, list[RedriveCandidate[V]](), 0
        for found in islice(self._to_send(), most):
            batch.append(found)
            size += len(self._source.again(found.record).value or b"")
            if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
                sent += self._send(batch, progress)
                batch, size = [], 0
        return sent + self._send(batch, progress)

    def _to_send(self) -> Iterator[RedriveCandidate[V]]:
        for found in _read_with_state(self._connection, self._source, self._stretch):
            if found.obstacle is None and self._filter.holds(found.id, found.record):
                yield found

    def _send(self, batch: list[RedriveCandidate[V]], progress: ProgressCallback) -> int:
        if not batch:
            return 0
        with (
            _promise_no_repeat(),
            outage_as_retryable("a transaction"),
            run_transaction(self._producer, ANSWER_TIMEOUT),
        ):
            for found in batch:
                self._append(found)
        progress(len(batch))
        return len(batch)

    def _append(self, found: RedriveCandidate[V]) -> None:
        again = self._source.again(found.record)
        topic = self._connection.topic(again.topic)
        self._producer.produce(topic, again.value, again.key, again.partition, headers=dict(again.headers))
        value, header = avro.encode(self._source.memory(found.id, found.record, datetime.now(UTC)))
        name = self._connection.topic(REDRIVEN)
        self._producer.produce(name, value, str(found.id), headers={avro.HEADER: header})


def _read_with_state(
    connection: Connection, source: RedriveSource[V], there: OffsetRange
) -> Iterator[RedriveCandidate[V]]:
    with _promise_no_repeat():
        before = read_records(connection, full_range(connection, REDRIVEN))
        redriven = dict(said for record in before if (said := source.remembered(record)))
        for record in read_records(connection, there):
            place = CandidateId(record.partition, record.offset)
            value = avro.decode(source.kind, record.value, record.schema)
            yield RedriveCandidate(
                place, value, redriven.get(source.name(place, value)), source.obstacle(value)
            )


@contextmanager
def _promise_no_repeat() -> Iterator[None]:
    """Adds to a Retryable that running again sends nothing twice."""
    try:
        yield
    except Retryable as failure:
        raise Retryable(f"{failure}, nothing is sent twice") from None
