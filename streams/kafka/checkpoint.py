"""How far a reader of a topic has come, kept as the committed offsets of a consumer group of its own.

The offsets are committed in the transaction that appends what the reader made, so that it may be killed at
any point. The later of two checkpoints of one name fences the earlier. Kafka forgets the group 7 days after
its last commit (`offsets.retention.minutes`).
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple, Self

from confluent_kafka import KafkaException, TopicPartition

from streams.codec import avro
from streams.domain.values import Value
from streams.kafka.clients import Connection
from streams.kafka.consumer_offsets import committed, list_partitions
from streams.kafka.log_reader import ANSWER_TIMEOUT, outage_as_retryable
from streams.kafka.transactions import run_transaction
from streams.topics import Topic

MAX_QUEUED_RECORDS = 10_000


class OutputRecord(NamedTuple):
    """A record to append; `partition` -1: where the key's hash says."""

    topic: Topic
    key: bytes
    value: bytes
    headers: Mapping[str, bytes]
    partition: int = -1


def output_record(topic: Topic, key: str, value: Value) -> OutputRecord:
    """The value's record."""
    data, header = avro.encode(value)
    return OutputRecord(topic, key.encode(), data, {avro.HEADER: header.encode()})


class Position(NamedTuple):
    """The offset to read from next, and a note that is committed with it."""

    offset: int
    note: str


class TransactionalCheckpoint:
    """To make one fences any other of the same name, and ends what that left open. Raises Retryable where the
    cluster does not answer."""

    def __init__(self, connection: Connection, name: str, topic: Topic) -> None:
        self._connection = connection
        self._name = f"{connection.prefix}{name}"
        self._topic = connection.topic(topic)
        self._cluster = connection.cluster
        self._producer = connection.open_producer(
            **{"transactional.id": self._name, "transaction.timeout.ms": 30_000, "linger.ms": 5}
            | {"queue.buffering.max.messages": MAX_QUEUED_RECORDS}
        )
        with outage_as_retryable("the transaction's coordinator"):
            self._producer.init_transactions(ANSWER_TIMEOUT)
        self._consumer = connection.open_consumer(**{"group.id": self._name})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._consumer.close()

    def positions(self) -> dict[int, Position] | None:
        """The committed position of each partition; None before the first commit of all of them."""
        with outage_as_retryable(self._topic):
            found = list_partitions(self._cluster, self._consumer, self._topic, ANSWER_TIMEOUT)
            asked = [TopicPartition(self._topic, n) for n in found]
            places = committed(self._consumer, asked, ANSWER_TIMEOUT)
        if any(place.offset < 0 for place in places):
            return None
        return {place.partition: Position(place.offset, place.metadata or "") for place in places}

    def commit(self, records: Iterable[OutputRecord], positions: Mapping[int, Position]) -> None:
        """All of it or nothing; without positions it stays where it is. Raises Retryable."""
        places = [TopicPartition(self._topic, n, at.offset, at.note) for n, at in positions.items()]
        with outage_as_retryable("a transaction"), run_transaction(self._producer, ANSWER_TIMEOUT):
            for topic, key, value, headers, partition in records:
                name = self._connection.topic(topic)
                self._producer.produce(name, value, key, partition, headers=dict(headers))
            if places:
                self._producer.send_offsets_to_transaction(
                    places, self._consumer.consumer_group_metadata(), ANSWER_TIMEOUT
                )

    def forget(self) -> None:
        """Deletes the group: the next checkpoint of this name begins anew."""
        admin = self._connection.open_admin()
        for future in admin.delete_consumer_groups([self._name], request_timeout=ANSWER_TIMEOUT).values():
            # Where that fails, the next one finds that nothing is left, and tries again.
            with suppress(KafkaException):
                future.result(ANSWER_TIMEOUT)
