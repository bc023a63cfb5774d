"""The limits of the machine: the Kafka client alone, doing the least that must be done."""

import time
from collections.abc import Callable

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from streams.kafka.clients import Connection
from streams.topics import Topic
from tests.bench.figures import Run

ANSWERS_WITHIN = 30.0
SILENT_FOR = 30.0


class Stopwatch:
    """Counts records; the first `skip` of them are the warm-up."""

    def __init__(self, skip: int, total: int) -> None:
        self._skip, self._total = skip, total
        self._handled = 0
        self._begun: tuple[float, float, int] | None = None
        self.result: Run | None = None

    def count(self, records: int) -> None:
        self._handled += records

    def count_and_look(self, records: int) -> bool:
        """Between transactions only. Whether all is done, with these records."""
        self.count(records)
        return self.look()

    def look(self) -> bool:
        """Between transactions only. Whether all is done."""
        now, cpu = time.perf_counter(), time.process_time()
        if self._begun is None and self._handled >= self._skip:
            self._begun = now, cpu, self._handled
        if self._begun and self._handled >= self._total and self.result is None:
            begun, used, before = self._begun
            self.result = Run(self._handled - before, now - begun, cpu - used)
        return self.result is not None


def copy(
    connection: Connection,
    source: Topic,
    target: Topic,
    batch: int,
    copied: Callable[[int], bool],
    *,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Consume, copy and produce, transaction by transaction, until `copied` says that it is enough."""
    name = f"{connection.prefix}{source.name}-to-{target.name}"
    consumer = Consumer(connection.consumer(**{"group.id": name}))
    producer = Producer(connection.producer(**{"transactional.id": name, "linger.ms": 0}))
    producer.init_transactions(ANSWERS_WITHIN)
    consumer.subscribe([connection.topic(source)], on_assign=lambda *_: ready())
    try:
        while True:
            messages = some(consumer, batch)
            if messages:
                _transaction(producer, consumer, messages, connection.topic(target))
            if copied(len(messages)):
                return
    finally:
        consumer.close()


def some(consumer: Consumer, most: int) -> list[Message]:
    """What is there, `most` at most; waits a moment for the first."""
    first = consumer.poll(0.1)
    return [] if first is None else [first, *consumer.consume(most - 1, 0)]


def _transaction(producer: Producer, consumer: Consumer, messages: list[Message], target: str) -> None:
    ends: dict[tuple[str, int], int] = {}
    producer.begin_transaction()
    for message in messages:
        topic, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
        ends[topic, partition] = offset + 1
        producer.produce(target, message.value(), message.key(), partition, headers=message.headers())
    offsets = [TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()]
    producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), ANSWERS_WITHIN)
    producer.commit_transaction(ANSWERS_WITHIN)


def read(connection: Connection, topics: list[Topic], partitions: int) -> Run:
    """Read the topics from their beginnings to their ends, and do nothing with what is read."""
    places = [TopicPartition(connection.topic(t), p, 0) for t in topics for p in range(partitions)]
    consumer = Consumer(connection.consumer(**{"group.id": "bench-read", "enable.partition.eof": True}))
    begun, used, records, ends = time.perf_counter(), time.process_time(), 0, 0
    consumer.assign(places)
    try:
        while ends < len(places):
            messages = consumer.consume(5_000, 0.05)
            errors = sum(message.error() is not None for message in messages)
            records, ends = records + len(messages) - errors, ends + errors
            if time.perf_counter() - begun > 10 * SILENT_FOR:
                raise TimeoutError("the changelogs do not end")
        return Run(records, time.perf_counter() - begun, time.process_time() - used)
    finally:
        consumer.close()
