"""What short scripts need of any cluster behind the port: topics, readers, members and writers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
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
