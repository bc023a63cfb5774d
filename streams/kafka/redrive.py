"""Records that were put aside, looked through and sent again: once each.

What was sent again is remembered in the topic `redriven`, in the same transaction as the records themselves.
So a run may be cut short anywhere and begun again, and of two runs at a time the later one fences the other.
What there is to send again, and how, is a shelf's to say: see `streams.kafka.shelves`.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as Place

from streams import codec
from streams.domain.values import Value
from streams.errors import Retryable
from streams.kafka.batch import record_of
from streams.kafka.clients import PASSING, SETTLING, Connection
from streams.kafka.topics import REDRIVEN, Topic
from streams.kafka.view import end_of
from streams.stages.turn import Record

ANSWERS_WITHIN = 30.0
# A transaction's share: what a kill takes back, and what the client holds in memory.
BATCH_RECORDS, BATCH_BYTES = 200, 8 << 20
AGAIN = "run it again, nothing is sent twice"
BEFORE = "re-driven before"
Ends = dict[int, int]
"""Of a topic, by partition."""
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


class Again(NamedTuple):
    """A record to append once more. `partition` -1: where the key's hash says."""

    topic: Topic
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


class Shelf(Protocol[V]):
    """A topic of records that were put aside."""

    topic: Topic
    kind: type[V]

    def obstacle(self, record: V) -> str | None:
        """Why it cannot be sent again, if so."""

    def again(self, record: V) -> Again:
        """What to append, of a record without an obstacle."""

    def name(self, place: Id, record: V) -> Hashable:
        """What it is remembered by."""

    def memory(self, place: Id, record: V, now: datetime) -> Value:
        """The record for the topic `redriven`."""

    def remembered(self, record: Record) -> tuple[Hashable, datetime] | None:
        """What a record of that topic says: which, and when. None where it is of another shelf."""


class Wanted(Protocol[V_contra]):
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
        return BEFORE if self.redriven_at else self.hindered


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


def put_aside(connection: Connection, shelf: Shelf[V], wanted: Wanted[V]) -> Iterator[Found[V]]:
    """What is there now, partition by partition in order. Raises Retryable."""
    ends = _ends(connection, shelf.topic)
    return (found for found in _found(connection, shelf, ends) if wanted.holds(found.id, found.record))


class Redrive(Generic[V]):
    """Sends again what is wanted. To make one fences any other run, and ends what it left open.

    All of it raises Retryable where the cluster does not answer: run again, nothing is sent twice.
    """

    def __init__(self, connection: Connection, shelf: Shelf[V], wanted: Wanted[V]) -> None:
        self._connection = connection
        self._shelf = shelf
        self._wanted = wanted
        self._producer = Producer(
            connection.producer(
                **{"transactional.id": f"{connection.prefix}{shelf.topic.name}-redrive", "linger.ms": 0}
                | {"transaction.timeout.ms": 30_000}
            )
        )
        with _told("the transaction's coordinator"):
            self._producer.init_transactions(ANSWERS_WITHIN)
        # What fails again comes back while we send: it is not for this run.
        self._ends = _ends(connection, shelf.topic)

    def count(self) -> Count:
        """What `run` would do now."""
        count = Count(unknown=set(self._wanted.ids))
        for found in _found(self._connection, self._shelf, self._ends):
            count.all += 1
            count.unknown.discard(found.id)
            if self._wanted.holds(found.id, found.record):
                count.matching += 1
                if found.obstacle:
                    count.obstacles[found.obstacle] += 1
                else:
                    count.sent_to[self._shelf.again(found.record).topic.name] += 1
        return count

    def run(self, progress: Progress) -> int:
        """Each to where it belongs. Returns how many."""
        sent, batch, size = 0, list[Found[V]](), 0
        for found in _found(self._connection, self._shelf, self._ends):
            if found.obstacle is None and self._wanted.holds(found.id, found.record):
                batch.append(found)
                size += len(self._shelf.again(found.record).value or b"")
            if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
                sent += self._send(batch, progress)
                batch, size = [], 0
        return sent + self._send(batch, progress)

    def _send(self, batch: list[Found[V]], progress: Progress) -> int:
        if not batch:
            return 0
        with _told("a transaction"), self._whole():
            for found in batch:
                self._append(found)
        progress(len(batch))
        return len(batch)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._producer.begin_transaction()
        try:
            yield
            self._producer.commit_transaction(ANSWERS_WITHIN)
        except BaseException:
            # Left open, it would hold up the readers of these partitions until it times out.
            with suppress(KafkaException):
                self._producer.abort_transaction(ANSWERS_WITHIN)
            raise

    def _append(self, found: Found[V]) -> None:
        again = self._shelf.again(found.record)
        topic = self._connection.topic(again.topic)
        self._producer.produce(topic, again.value, again.key, again.partition, headers=dict(again.headers))
        value, header = codec.encode(self._shelf.memory(found.id, found.record, datetime.now(UTC)))
        name = self._connection.topic(REDRIVEN)
        self._producer.produce(name, value, str(found.id), headers={codec.HEADER: header})


def _found(connection: Connection, shelf: Shelf[V], ends: Ends) -> Iterator[Found[V]]:
    records = committed(connection, REDRIVEN, _ends(connection, REDRIVEN))
    redriven = dict(told for record in records if (told := shelf.remembered(record)))
    for record in committed(connection, shelf.topic, ends):
        place = Id(record.partition, record.offset)
        value = codec.decode(shelf.kind, record.value, record.schema)
        yield Found(place, value, redriven.get(shelf.name(place, value)), shelf.obstacle(value))


def everything(connection: Connection, topic: Topic) -> Iterator[Record]:
    """All that is committed of a topic now. Raises Retryable."""
    return committed(connection, topic, _ends(connection, topic))


def _ends(connection: Connection, topic: Topic) -> Ends:
    name = connection.topic(topic)
    with _told(name), _consumer(connection) as consumer:
        found = consumer.list_topics(name, ANSWERS_WITHIN).topics[name].partitions
        return {n: end_of(consumer, Place(name, n)) for n in found}


def committed(connection: Connection, topic: Topic, ends: Ends) -> Iterator[Record]:
    """All that is committed, up to the ends."""
    name = connection.topic(topic)
    left = {number for number, end in ends.items() if end}
    with _consumer(connection) as consumer:
        consumer.assign([Place(name, number, OFFSET_BEGINNING) for number in left])
        while left:
            message = consumer.poll(ANSWERS_WITHIN)
            if message is None:
                raise Retryable(f"{name} gave no answer in {ANSWERS_WITHIN:g} s: {AGAIN}")
            number, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            if error is not None and error.code() not in PASSING | SETTLING | {KafkaError._PARTITION_EOF}:
                raise Retryable(f"{name} cannot be read: {error.str()}: {AGAIN}")
            if error is None and offset < ends[number]:
                yield record_of(message, topic.name)
            if error is None and offset + 1 >= ends[number]:
                left.discard(number)
            elif error is not None and error.code() == KafkaError._PARTITION_EOF:
                # Markers of transactions stand at the end and are never delivered.
                left.discard(number)


@contextmanager
def _consumer(connection: Connection) -> Iterator[Consumer]:
    group = f"{connection.prefix}redrive"
    consumer = Consumer(connection.consumer(**{"group.id": group, "enable.partition.eof": True}))
    try:
        yield consumer
    finally:
        consumer.close()


@contextmanager
def _told(what: str) -> Iterator[None]:
    """An outage in one sentence, and what to do about it."""
    try:
        yield
    except KafkaException as failure:
        raise Retryable(f"{what}: {failure.args[0].str()}: {AGAIN}") from None
