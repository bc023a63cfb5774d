"""How fast a job appends: new webhooks must not wait behind old ones."""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from confluent_kafka import Message, TopicPartition

from streams.codec import avro
from streams.delivery.records import Attempt, DeadLetter, Delivery
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range
from streams.kafka.records import record_of
from streams.kafka.unreadable_batches import skip_unreadable
from streams.topics import ATTEMPTS, DEAD_LETTERS

# Records of one transaction: a kill loses no more of the work.
CHUNK_RECORDS = 1000
TRANSACTIONS_PER_SECOND = 4
IDLE_SECONDS = 0.1
StopCallback = Callable[[], bool]
"""Whether the work should stop at the next chance."""


class StoppedEarly(Exception):
    """The work was stopped before it had a result."""


class RateLimit(Protocol):
    """When the next records may be appended."""

    chunk: int
    """Most records at a time."""

    def wait(self, count: int, over: StopCallback) -> bool:
        """Waits until `count` more may be appended; False if `over` says stop."""

    def appended(self, chunk: Iterable[Delivery]) -> None:
        """Notes that the chunk is committed."""

    def close(self) -> None: ...


class Unlimited:
    """No limit."""

    chunk = CHUNK_RECORDS

    def wait(self, _count: int, over: StopCallback) -> bool:
        return not over()

    def appended(self, chunk: Iterable[Delivery]) -> None:
        pass

    def close(self) -> None:
        pass


class SteadyRate:
    """At most `rate` records a second, whatever becomes of them."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.chunk = min(CHUNK_RECORDS, max(1, rate // TRANSACTIONS_PER_SECOND))
        self._next = time.monotonic()

    def wait(self, count: int, over: StopCallback) -> bool:
        while not over():
            left = self._next - time.monotonic()
            if left <= 0:
                self._next += max(0.0, -left - IDLE_SECONDS) + count / self._rate
                return True
            time.sleep(min(IDLE_SECONDS, left))
        return False

    def appended(self, chunk: Iterable[Delivery]) -> None:
        pass

    def close(self) -> None:
        pass


class AttemptLimited:
    """At most `rate` deliveries a second, and at most one second's worth (at least twenty) without a first
    attempt: a new webhook waits behind no more than that."""

    def __init__(self, connection: Connection, subscription_id: str, rate: int) -> None:
        self._rate = rate
        self._ahead = max(rate, 20)
        self.chunk = min(CHUNK_RECORDS, max(1, rate // TRANSACTIONS_PER_SECOND))
        self._next = time.monotonic()
        self._tried = _PendingAttempts(connection, subscription_id)
        self.waits = False
        """Whether it waits for the endpoint."""

    def wait(self, count: int, over: StopCallback) -> bool:
        while not over():
            now = time.monotonic()
            self.waits = len(self._tried.under_way) + count > max(self._ahead, count)
            if self._next <= now and not self.waits:
                self._next = max(self._next, now - IDLE_SECONDS) + count / self._rate
                self._tried.look(0)
                return True
            self._tried.look(IDLE_SECONDS if self.waits else min(IDLE_SECONDS, self._next - now))
        return False

    def appended(self, chunk: Iterable[Delivery]) -> None:
        self._tried.under_way.update(delivery.delivery_id for delivery in chunk)

    def close(self) -> None:
        self._tried.close()


class _PendingAttempts:
    """A replay's deliveries that have neither a first attempt nor a dead letter."""

    def __init__(self, connection: Connection, subscription_id: str) -> None:
        self.under_way: set[str] = set()
        self._connection = connection
        self._key = subscription_id.encode()
        self._names = {connection.topic(topic): topic for topic in (ATTEMPTS, DEAD_LETTERS)}
        self._consumer = connection.open_consumer(**{"group.id": f"{connection.prefix}replay"})
        # Before anything is appended, so that no attempt is missed.
        ends = [(name, full_range(connection, topic).bounds) for name, topic in self._names.items()]
        self._consumer.assign(
            [TopicPartition(name, n, end) for name, bounds in ends for n, (_, end) in bounds.items()]
        )

    def look(self, patience: float) -> None:
        for message in skip_unreadable(
            self._connection, self._consumer, self._consumer.consume(CHUNK_RECORDS, patience)
        ):
            if message.error() is None and message.key() == self._key:
                self.under_way.discard(self._id(message))

    def _id(self, message: Message) -> str:
        topic = self._names[message.topic() or ""]
        record = record_of(message, topic.name)
        if topic is ATTEMPTS:
            return avro.decode(Attempt, record.value, record.schema).delivery_id
        return avro.decode(DeadLetter, record.value, record.schema).delivery.delivery_id

    def close(self) -> None:
        self._consumer.close()
