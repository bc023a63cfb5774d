"""Short scripts for any cluster behind the port: what they return must be the same on each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from streams.kafka.clients import Connection
from streams.kafka.cluster import Consumer, Producer

WITHIN = 30.0
Result = list[object]


@dataclass(slots=True)
class Bench:
    """A cluster of which a script sees only what it makes itself. `name` is of this run alone."""

    connection: Connection
    name: str
    _open: list[Consumer] = field(default_factory=list)

    def topic(self, partitions: int = 1) -> str:
        admin = self.connection.open_admin()
        made = admin.create_topics([NewTopic(self.name, partitions, 1)])
        made[self.name].result(WITHIN)
        self.await_that(
            lambda: len(admin.list_topics(self.name, WITHIN).topics[self.name].partitions) == partitions
        )
        return self.name

    def await_that(self, true: Callable[[], bool]) -> None:
        until = self.connection.cluster.now() + WITHIN
        while not true():
            assert self.connection.cluster.now() < until, "it did not come true"
            self.connection.cluster.sleep(0.05)

    def reader(
        self, topic: str, *numbers: int, at: int = OFFSET_BEGINNING, isolation: str = "read_committed"
    ) -> Consumer:
        """One of no group; an offset that is not there is an error to it."""
        consumer = self.connection.open_consumer(
            **{"group.id": f"{self.name}-reader", "enable.partition.eof": True}
            | {"auto.offset.reset": "error", "isolation.level": isolation}
        )
        self._open.append(consumer)
        consumer.assign([TopicPartition(topic, number, at) for number in numbers or (0,)])
        return consumer

    def member(self, topic: str, instance: str = "") -> "Member":
        more = {"group.instance.id": instance} if instance else {}
        consumer = self.connection.open_consumer(
            **{
                "group.id": f"{self.name}-group",
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 500,
                "partition.assignment.strategy": "range",
            }
            | more
        )
        self._open.append(consumer)
        return Member(consumer, topic)

    def writer(self, name: str) -> Producer:
        producer = self.connection.open_producer(
            **{"transactional.id": f"{self.name}-{name}", "transaction.timeout.ms": 60_000}
        )
        producer.init_transactions(WITHIN)
        return producer

    def close(self) -> None:
        for consumer in self._open:
            consumer.close()


class Member:
    """Of a group, and what it was given."""

    def __init__(self, consumer: Consumer, topic: str) -> None:
        self.consumer = consumer
        self.has: list[int] = []
        self.heard: list[Message] = []
        self.rebalances: list[str] = []
        consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.has = sorted(each.partition for each in partitions)
        self.rebalances.append("assigned")
        consumer.assign(partitions)

    def _revoked(self, consumer: Consumer, _: list[TopicPartition]) -> None:
        self.has = []
        self.rebalances.append("revoked")
        consumer.unassign()

    def poll(self) -> None:
        message = self.consumer.poll(0.1)
        if message is not None:
            self.heard.append(message)


def until(bench: Bench, true: Callable[[], bool], *members: Member) -> None:
    """Poll the members until that is true."""
    deadline = bench.connection.cluster.now() + WITHIN
    while not true():
        assert bench.connection.cluster.now() < deadline, [member.has for member in members]
        for member in members:
            member.poll()


def read_to_end(consumer: Consumer, ends: int = 1) -> Result:
    """Records as (partition, offset, key, value), and ends as (partition, offset)."""
    found: Result = []
    for _ in range(1000):
        message = consumer.poll(WITHIN)
        assert message is not None, "nothing came"
        error = message.error()
        if error is None:
            found.append((message.partition(), message.offset(), message.key(), message.value()))
        elif error.code() == KafkaError._PARTITION_EOF:
            found.append((message.partition(), message.offset()))
            ends -= 1
        else:
            raise KafkaException(error)
        if not ends:
            return found
    raise AssertionError("there is no end")


def refused(call: Callable[[], Any]) -> tuple[str, bool, bool]:
    """The error's name; whether it is fatal, and whether the transaction must be aborted."""
    try:
        call()
    except KafkaException as failure:
        error = failure.args[0]
        return error.name(), error.fatal(), error.txn_requires_abort()
    raise AssertionError("it was not refused")


def write(producer: Producer, topic: str, *values: bytes, number: int = 0) -> None:
    for value in values:
        producer.produce(topic, value, b"k", number)
    assert producer.flush(WITHIN) == 0


def committed_records_and_their_marker(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    for value in (b"1", b"2"):
        writer.begin_transaction()
        write(writer, topic, value)
        writer.commit_transaction(WITHIN)
    bench.await_that(lambda: _stable_end(bench, topic) == 4)
    return read_to_end(bench.reader(topic))


def _stable_end(bench: Bench, topic: str) -> int:
    reader = bench.reader(topic)
    return reader.get_watermark_offsets(TopicPartition(topic, 0), WITHIN)[1]


def an_open_transaction_holds_up_who_reads_what_is_committed(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    writer.begin_transaction()
    write(writer, topic, b"1")
    before = read_to_end(bench.reader(topic))
    all_of_it = read_to_end(bench.reader(topic, isolation="read_uncommitted"))
    ends = [_stable_end(bench, topic), *_offsets(bench, topic)]
    writer.commit_transaction(WITHIN)
    bench.await_that(lambda: _stable_end(bench, topic) == 2)
    return [before, all_of_it, ends, read_to_end(bench.reader(topic))]


def _offsets(bench: Bench, topic: str) -> list[int]:
    place = TopicPartition(topic, 0)
    admin = bench.connection.open_admin()
    admin.list_topics(topic, WITHIN)
    found = []
    for isolation in (IsolationLevel.READ_UNCOMMITTED, IsolationLevel.READ_COMMITTED):
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest()):  # type: ignore[no-untyped-call]
            answers = admin.list_offsets({place: spec}, isolation_level=isolation, request_timeout=WITHIN)
            found += [future.result(WITHIN).offset for future in answers.values()]
    return found


def what_is_aborted_is_never_read(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    writer.begin_transaction()
    write(writer, topic, b"1")
    writer.abort_transaction(WITHIN)
    writer.begin_transaction()
    write(writer, topic, b"2")
    writer.commit_transaction(WITHIN)
    bench.await_that(lambda: _stable_end(bench, topic) == 4)
    return [
        read_to_end(bench.reader(topic)),
        read_to_end(bench.reader(topic, isolation="read_uncommitted")),
    ]


def a_successor_of_the_same_name_fences_its_predecessor(bench: Bench) -> Result:
    topic, first = bench.topic(), bench.writer("a")
    first.begin_transaction()
    write(first, topic, b"1")
    second = bench.writer("a")
    told = refused(lambda: first.commit_transaction(WITHIN))
    second.begin_transaction()
    write(second, topic, b"2")
    second.commit_transaction(WITHIN)
    bench.await_that(lambda: _stable_end(bench, topic) == 4)
    return [told, read_to_end(bench.reader(topic))]


def keys_choose_partitions(bench: Bench) -> Result:
    topic, producer = bench.topic(3), bench.connection.open_producer()
    for key in (b"anna", b"boris", b"clara", b"dora"):
        producer.produce(topic, key, key)
    assert producer.flush(WITHIN) == 0
    return sorted(read_to_end(bench.reader(topic, 0, 1, 2), ends=3), key=str)


def an_offset_that_is_not_there_is_an_error_where_one_asks_for_that(bench: Bench) -> Result:
    topic = bench.topic()
    write(bench.connection.open_producer(), topic, b"1")
    reader = bench.reader(topic, at=7)
    message = reader.poll(WITHIN)
    assert message is not None, "nothing came"
    error = message.error()
    return [error.name() if error else None]


def a_topic_that_is_not_there(bench: Bench) -> Result:
    topic = bench.topic()
    reader = bench.reader(topic)
    found = reader.list_topics(f"{topic}-other", WITHIN).topics[f"{topic}-other"]
    return [found.error.name(), len(found.partitions)]


def offsets_are_committed_with_their_transaction(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    write(bench.connection.open_producer(), topic, b"1", b"2", b"3")
    member = bench.member(topic)
    until(bench, lambda: len(member.heard) == 3, member)
    place = TopicPartition(topic, 0)
    before = member.consumer.committed([place], WITHIN)[0].offset
    for offset, end in ((2, writer.abort_transaction), (3, writer.commit_transaction)):
        writer.begin_transaction()
        at = TopicPartition(topic, 0, offset)
        writer.send_offsets_to_transaction([at], member.consumer.consumer_group_metadata(), WITHIN)
        end(WITHIN)
    return [before, member.consumer.committed([place], WITHIN)[0].offset]


def who_has_left_the_group_commits_no_offsets(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    member = bench.member(topic)
    until(bench, lambda: member.has == [0], member)
    stale = member.consumer.consumer_group_metadata()
    member.consumer.unsubscribe()
    other = bench.member(topic)
    until(bench, lambda: other.has == [0], member, other)
    writer.begin_transaction()
    at = TopicPartition(topic, 0, 1)
    told = refused(lambda: writer.send_offsets_to_transaction([at], stale, WITHIN))
    writer.abort_transaction(WITHIN)
    return [told]


def partitions_are_shared_by_range(bench: Bench) -> Result:
    topic = bench.topic(3)
    a = bench.member(topic, "a")
    until(bench, lambda: a.has == [0, 1, 2], a)
    b = bench.member(topic, "b")
    until(bench, lambda: b.has == [2], a, b)
    return [a.has, b.has, a.rebalances, b.rebalances]


def a_successor_with_the_same_instance_moves_nothing(bench: Bench) -> Result:
    topic = bench.topic(2)
    a, b = bench.member(topic, "a"), bench.member(topic, "b")
    until(bench, lambda: a.has == [0] and b.has == [1], a, b)
    moved = len(b.rebalances)
    again = bench.member(topic, "a")
    until(bench, lambda: again.has == [0], b, again)
    fenced: list[KafkaError] = []

    def is_fenced() -> bool:
        fenced[:] = [error for message in a.heard if (error := message.error()) is not None]
        return bool(fenced)

    until(bench, is_fenced, a, b, again)
    return [b.has, len(b.rebalances) - moved, fenced[0].name()]


SCRIPTS: dict[Callable[[Bench], Result], Result] = {
    committed_records_and_their_marker: [(0, 0, b"k", b"1"), (0, 2, b"k", b"2"), (0, 4)],
    an_open_transaction_holds_up_who_reads_what_is_committed: [
        [(0, 0)],
        [(0, 0, b"k", b"1"), (0, 1)],
        [0, 0, 1, 0, 0],
        [(0, 0, b"k", b"1"), (0, 2)],
    ],
    what_is_aborted_is_never_read: [
        [(0, 2, b"k", b"2"), (0, 4)],
        [(0, 0, b"k", b"1"), (0, 2, b"k", b"2"), (0, 4)],
    ],
    a_successor_of_the_same_name_fences_its_predecessor: [
        ("_FENCED", True, False),
        [(0, 2, b"k", b"2"), (0, 4)],
    ],
    keys_choose_partitions: [
        (0, 0),
        (1, 0, b"anna", b"anna"),
        (1, 1, b"boris", b"boris"),
        (1, 2, b"dora", b"dora"),
        (1, 3),
        (2, 0, b"clara", b"clara"),
        (2, 1),
    ],
    an_offset_that_is_not_there_is_an_error_where_one_asks_for_that: ["_AUTO_OFFSET_RESET"],
    a_topic_that_is_not_there: ["UNKNOWN_TOPIC_OR_PART", 0],
    offsets_are_committed_with_their_transaction: [-1001, 3],
    who_has_left_the_group_commits_no_offsets: [("UNKNOWN_MEMBER_ID", False, True)],
    partitions_are_shared_by_range: [[0, 1], [2], ["assigned", "revoked", "assigned"], ["assigned"]],
    a_successor_with_the_same_instance_moves_nothing: [[1], 0, "_FATAL"],
}
"""And what each returns."""
