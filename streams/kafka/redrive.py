"""Poison records, looked through and, after a fix, sent again to where they came from: once each.

What was sent again is remembered in the topic `redriven`, in the same transaction as the records themselves.
So a run may be cut short anywhere and begun again, and of two runs at a time the later one fences the other.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as Place

from streams import codec
from streams.errors import Retryable
from streams.kafka.batch import record_of
from streams.kafka.clients import PASSING, SETTLING, Connection
from streams.kafka.topics import POISON, REDRIVEN, TOPICS, Topic
from streams.kafka.view import end_of
from streams.refusals import PoisonRecord, Redriven
from streams.stages.turn import Record

ANSWERS_WITHIN = 30.0
# A transaction's share: what a kill takes back, and what the client holds in memory.
BATCH_RECORDS, BATCH_BYTES = 200, 8 << 20
AGAIN = "run it again, nothing is sent twice"
Ends = dict[int, int]
"""Of a topic, by partition."""
_BY_NAME = {topic.name: topic for topic in TOPICS}
Progress = Callable[[int], None]
"""Called with how many records were re-driven since the last call."""


class Id(NamedTuple):
    """Where a poison record stands in the poison topic. As text: `3:17`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Found(NamedTuple):
    """A poison record; `redriven_at` is None until it was sent again."""

    id: Id
    record: PoisonRecord
    redriven_at: datetime | None

    @property
    def obstacle(self) -> str | None:
        """Why it cannot be sent again, if so."""
        if self.redriven_at:
            return "re-driven before"
        if self.record.left_out:
            return "too large to be kept whole"
        return None if self.record.topic in _BY_NAME else "of a topic that is no more"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which poison records are meant: those for which all of it holds. Empty: whichever."""

    topics: frozenset[str] = frozenset()
    since: datetime | None = None
    ids: frozenset[Id] = frozenset()

    def holds(self, place: Id, record: PoisonRecord) -> bool:
        return (
            (not self.topics or record.topic in self.topics)
            and (self.since is None or record.found_at >= self.since)
            and (not self.ids or place in self.ids)
        )


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


def put_aside(connection: Connection, wanted: Wanted) -> Iterator[Found]:
    """The poison records there are now, partition by partition in order. Raises Retryable."""
    ends = _ends(connection, POISON)
    return (found for found in _found(connection, ends) if wanted.holds(found.id, found.record))


class Redrive:
    """Sends again what is wanted. To make one fences any other run, and ends what it left open.

    All of it raises Retryable where the cluster does not answer: run again, nothing is sent twice.
    """

    def __init__(self, connection: Connection, wanted: Wanted) -> None:
        self._connection = connection
        self._wanted = wanted
        self._producer = Producer(
            connection.producer(
                **{"transactional.id": f"{connection.prefix}poison-redrive", "linger.ms": 0}
                | {"transaction.timeout.ms": 30_000}
            )
        )
        with _told("the transaction's coordinator"):
            self._producer.init_transactions(ANSWERS_WITHIN)
        # What is still poison comes back while we send: it is not for this run.
        self._ends = _ends(connection, POISON)

    def count(self) -> Count:
        """What `run` would do now."""
        count = Count(unknown=set(self._wanted.ids))
        for found in _found(self._connection, self._ends):
            count.all += 1
            count.unknown.discard(found.id)
            if self._wanted.holds(found.id, found.record):
                count.matching += 1
                obstacle = found.obstacle
                (count.obstacles if obstacle else count.sent_to)[obstacle or found.record.topic] += 1
        return count

    def run(self, progress: Progress) -> int:
        """Each to its topic and partition, with its key, headers and bytes. Returns how many."""
        sent, batch, size = 0, list[Found](), 0
        for found in _found(self._connection, self._ends):
            if found.obstacle is None and self._wanted.holds(found.id, found.record):
                batch.append(found)
                size += len(found.record.value or b"")
            if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
                sent += self._send(batch, progress)
                batch, size = [], 0
        return sent + self._send(batch, progress)

    def _send(self, batch: list[Found], progress: Progress) -> int:
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

    def _append(self, found: Found) -> None:
        place, poison = found.id, found.record
        topic = self._connection.topic(_BY_NAME[poison.topic])
        # Its partition too: not every producer's hash is ours, and a clock's record goes to each of them.
        self._producer.produce(
            topic, poison.value, poison.key, poison.partition, headers=dict(poison.headers)
        )
        value, header = codec.encode(
            Redriven(
                poison_partition=place.partition,
                poison_offset=place.offset,
                topic=poison.topic,
                partition=poison.partition,
                offset=poison.offset,
                redriven_at=datetime.now(UTC),
            )
        )
        self._producer.produce(
            self._connection.topic(REDRIVEN), value, str(place), headers={codec.HEADER: header}
        )


def _found(connection: Connection, ends: Ends) -> Iterator[Found]:
    # By origin too: where the poison topic was made anew, its places mean other records.
    redriven = {
        (Id(r.poison_partition, r.poison_offset), r.topic, r.partition, r.offset): r.redriven_at
        for record in _committed(connection, REDRIVEN, _ends(connection, REDRIVEN))
        for r in [codec.decode(Redriven, record.value, record.schema)]
    }
    for record in _committed(connection, POISON, ends):
        place = Id(record.partition, record.offset)
        poison = codec.decode(PoisonRecord, record.value, record.schema)
        at = redriven.get((place, poison.topic, poison.partition, poison.offset))
        yield Found(place, poison, at)


def _ends(connection: Connection, topic: Topic) -> Ends:
    name = connection.topic(topic)
    with _told(name), _consumer(connection) as consumer:
        found = consumer.list_topics(name, ANSWERS_WITHIN).topics[name].partitions
        return {n: end_of(consumer, Place(name, n)) for n in found}


def _committed(connection: Connection, topic: Topic, ends: Ends) -> Iterator[Record]:
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
    group = f"{connection.prefix}poison-redrive"
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
