"""Records that were put aside, looked through and sent again: once each.

What was sent again is remembered in the topic `redriven`, in the same transaction as the records themselves.
So a run may be cut short anywhere and begun again, and of two runs at a time the later one fences the other.
What there is to send again, and how, is a shelf's to say: see `streams.jobs.redrive_sources`.
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

# A transaction's share: what a kill takes back, and what the client holds in memory.
BATCH_RECORDS, BATCH_BYTES = 200, 8 << 20
ALREADY_REDRIVEN = "re-driven before"
Progress = Callable[[int], None]
"""Called with how many records were re-driven since the last call."""
V = TypeVar("V", bound=Value)
V_contra = TypeVar("V_contra", bound=Value, contravariant=True)


class Id(NamedTuple):
    """Where a record stands in the topic of what was put aside. As text: `3:17`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class OutgoingRecord(NamedTuple):
    """A record to append once more. `partition` -1: where the key's hash says."""

    topic: Topic
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


class RedriveSource(Protocol[V]):
    """A topic of records that were put aside."""

    topic: Topic
    kind: type[V]

    def obstacle(self, record: V) -> str | None:
        """Why it cannot be sent again, if so."""

    def again(self, record: V) -> OutgoingRecord:
        """What to append, of a record without an obstacle."""

    def name(self, place: Id, record: V) -> Hashable:
        """What it is remembered by."""

    def memory(self, place: Id, record: V, now: datetime) -> Value:
        """The record for the topic `redriven`."""

    def remembered(self, record: Record) -> tuple[Hashable, datetime] | None:
        """What a record of that topic says: which, and when. None where it is of another shelf."""


class RedriveFilter(Protocol[V_contra]):
    """Which records are meant."""

    @property
    def ids(self) -> frozenset[Id]:
        """Those asked for one by one."""

    def holds(self, place: Id, record: V_contra) -> bool: ...


@dataclass(frozen=True, slots=True)
class Found(Generic[V]):
    """A record that was put aside; `redriven_at` is None until it was sent again."""

    id: Id
    record: V
    redriven_at: datetime | None
    hindered: str | None

    @property
    def obstacle(self) -> str | None:
        """Why it cannot be sent again, if so."""
        return ALREADY_REDRIVEN if self.redriven_at else self.hindered


@dataclass(slots=True)
class Count:
    """What a run met: records in all, those that match, and of these, by topic, the ones to send and, by
    what stands in their way, the others."""

    all: int = 0
    matching: int = 0
    sent_to: Counter[str] = field(default_factory=Counter)
    obstacles: Counter[str] = field(default_factory=Counter)
    unknown: set[Id] = field(default_factory=set)
    """Ids that were asked for and are not there."""

    @property
    def to_send(self) -> int:
        return self.sent_to.total()


def read_candidates(
    connection: Connection, shelf: RedriveSource[V], wanted: RedriveFilter[V], partition: int | None = None
) -> Iterator[Found[V]]:
    """What is there now, partition by partition in order. Raises Retryable."""
    with _safely():
        there = full_range(connection, shelf.topic, partition)
    return (found for found in _found(connection, shelf, there) if wanted.holds(found.id, found.record))


def count_candidates(
    connection: Connection, shelf: RedriveSource[V], wanted: RedriveFilter[V], there: OffsetRange
) -> Count:
    """What would be sent of that stretch now. Raises Retryable."""
    count = Count(unknown=set(wanted.ids))
    for found in _found(connection, shelf, there):
        count.all += 1
        count.unknown.discard(found.id)
        if wanted.holds(found.id, found.record):
            count.matching += 1
            if found.obstacle:
                count.obstacles[found.obstacle] += 1
            else:
                count.sent_to[shelf.again(found.record).topic.name] += 1
    return count


class Redrive(Generic[V]):
    """Sends again what is wanted. To make one fences any other run, and ends what it left open.

    All of it raises Retryable where the cluster does not answer: run again, nothing is sent twice.
    """

    def __init__(
        self,
        connection: Connection,
        shelf: RedriveSource[V],
        wanted: RedriveFilter[V],
        partition: int | None = None,
    ) -> None:
        self._connection = connection
        self._shelf = shelf
        self._wanted = wanted
        self._producer = connection.open_producer(
            **{"transactional.id": f"{connection.prefix}{shelf.topic.name}-redrive", "linger.ms": 0}
            | {"transaction.timeout.ms": 30_000}
        )
        with _safely():
            with outage_as_retryable("the transaction's coordinator"):
                self._producer.init_transactions(ANSWER_TIMEOUT)
            # What fails again comes back while we send: it is not for this run.
            self._there = full_range(connection, shelf.topic, partition)

    def count(self) -> Count:
        """What `run` would do now."""
        return count_candidates(self._connection, self._shelf, self._wanted, self._there)

    def run(self, progress: Progress, most: int | None = None) -> int:
        """Each to where it belongs, `most` at most. Returns how many."""
        sent, batch, size = 0, list[Found[V]](), 0
        for found in islice(self._to_send(), most):
            batch.append(found)
            size += len(self._shelf.again(found.record).value or b"")
            if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
                sent += self._send(batch, progress)
                batch, size = [], 0
        return sent + self._send(batch, progress)

    def _to_send(self) -> Iterator[Found[V]]:
        for found in _found(self._connection, self._shelf, self._there):
            if found.obstacle is None and self._wanted.holds(found.id, found.record):
                yield found

    def _send(self, batch: list[Found[V]], progress: Progress) -> int:
        if not batch:
            return 0
        with _safely(), outage_as_retryable("a transaction"), run_transaction(self._producer, ANSWER_TIMEOUT):
            for found in batch:
                self._append(found)
        progress(len(batch))
        return len(batch)

    def _append(self, found: Found[V]) -> None:
        again = self._shelf.again(found.record)
        topic = self._connection.topic(again.topic)
        self._producer.produce(topic, again.value, again.key, again.partition, headers=dict(again.headers))
        value, header = avro.encode(self._shelf.memory(found.id, found.record, datetime.now(UTC)))
        name = self._connection.topic(REDRIVEN)
        self._producer.produce(name, value, str(found.id), headers={avro.HEADER: header})


def _found(connection: Connection, shelf: RedriveSource[V], there: OffsetRange) -> Iterator[Found[V]]:
    with _safely():
        before = read_records(connection, full_range(connection, REDRIVEN))
        redriven = dict(said for record in before if (said := shelf.remembered(record)))
        for record in read_records(connection, there):
            place = Id(record.partition, record.offset)
            value = avro.decode(shelf.kind, record.value, record.schema)
            yield Found(place, value, redriven.get(shelf.name(place, value)), shelf.obstacle(value))


@contextmanager
def _safely() -> Iterator[None]:
    """Whoever is told to run it again is to know that it does no harm."""
    try:
        yield
    except Retryable as failure:
        raise Retryable(f"{failure}, nothing is sent twice") from None
