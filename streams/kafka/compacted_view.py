"""Keeps a whole compacted topic in memory and up to date: small control topics are read through it."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, NoReturn, TypeVar

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, TopicPartition

from streams.control_records import RecordFault
from streams.domain.values import Value
from streams.errors import LoyaltyError, Misconfigured, Retryable
from streams.kafka.clients import FOLLOW_TO_END, Connection
from streams.kafka.cluster import REAL_CLUSTER, Cluster, Consumer
from streams.kafka.consumer_offsets import read_watermarks
from streams.kafka.control_filter import ApplyRecord, ControlFilter
from streams.kafka.last_valid import LastValidRecords, open_last_valid
from streams.kafka.transient_errors import is_transient, retry_transient
from streams.kafka.unfit_records import UnfitRecord, raw_record
from streams.kafka.unreadable_batches import is_unreadable, skip_unreadable
from streams.topics import Topic

LOG = logging.getLogger(__name__)
V = TypeVar("V", bound=Value)
Progress = Callable[[int, int], None]
"""Called with the offsets read so far and the offsets to read."""

ANSWER_TIMEOUT = 5.0
# Seconds within which a partition whose leader was lost has another one: by default the controller waits 9 s
# for a silent broker.
ELECTION_TIMEOUT = 20.0
# How long the reader waits for a record, and so how long `stop` may take.
POLL_SECONDS = 0.25
READ_BATCH = 1000


class CompactedView(Generic[V]):
    """Calls `apply(key, value)` on the event loop for each record in order; a tombstone's value is None.

    A record that is not valid is set aside (see `streams.kafka.unfit_records`), and the last valid one of its
    key stays in force. When reading fails for good, `failed` and `reached` raise. Partitions that are added
    to the topic later are not read.
    """

    def __init__(
        self,
        connection: Connection,
        topic: Topic,
        kind: type[V],
        apply: ApplyRecord[V],
        *,
        check_every: float = 30.0,
    ) -> None:
        self.caught_up = False
        self.name = topic.name
        self._connection = connection
        self._topic = connection.topic(topic)
        self._control = topic
        self._sieve = ControlFilter(self._topic, kind, apply, LastValidRecords(None))
        self._kind = kind
        self._apply = apply
        self._check_every = check_every
        self._check_at = connection.cluster.now() + check_every
        self._next: dict[int, int] = {}
        self._unread: list[UnfitRecord] = []
        """Batches that the client cannot give: their keys are not known."""
        self._moved = asyncio.Condition()
        self._error: BaseException | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        # A thread of its own: the consumer belongs to it, and the loop's pool stays free for others.
        self._thread = connection.cluster.executor(f"view {topic.name}")

    async def start(self, progress: Progress | None = None) -> None:
        """Returns when all has been applied that was committed when it was called; then goes on following.

        Raises Misconfigured where the topic is missing, Retryable where the cluster does not answer.
        """
        loop = asyncio.get_running_loop()
        consumer, ends = await loop.run_in_executor(self._thread, self._open)
        self._next = dict.fromkeys(ends, 0)
        self._task = asyncio.create_task(self._follow(consumer), name=f"view {self._topic}")
        async with self._moved:
            while not all(self._next[partition] >= end for partition, end in ends.items()):
                await self._moved.wait()
                self._raise_if_failed()
                if progress:
                    done = sum(min(self._next[partition], end) for partition, end in ends.items())
                    progress(done, sum(ends.values()))
        self.caught_up = True

    async def reached(self, partition: int, offset: int, timeout: float) -> None:  # noqa: ASYNC109
        """Returns when the record at `offset` has been applied. Raises Retryable after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout), self._moved:
                while self._next.get(partition, 0) <= offset:
                    self._raise_if_failed()
                    await self._moved.wait()
        except TimeoutError:
            raise Retryable(
                f"{self._topic}[{partition}] has not been read up to offset {offset} in {timeout:g} s"
            ) from None

    async def failed(self) -> NoReturn:
        """Raises when reading has failed for good, and never returns: for whoever ends the process then."""
        async with self._moved:
            while True:
                self._raise_if_failed()
                await self._moved.wait()

    async def stop(self) -> None:
        """Ends the reading within a moment. Harmless when repeated."""
        self._stopping = True
        if self._task:
            await asyncio.wait([self._task])
        self._thread.shutdown(wait=False)

    @property
    def aside(self) -> list[UnfitRecord]:
        """The records that are set aside now, by offset."""
        return sorted([*self._sieve.aside.values(), *self._unread], key=lambda each: each.offset)

    def _raise_if_failed(self) -> None:
        if self._error:
            raise self._error

    def _open(self) -> tuple[Consumer, dict[int, int]]:
        """A consumer at the beginning of every partition, and the offsets at which they end now."""
        # An offset out of range means that records were lost or the topic is another one: start over instead.
        consumer = self._connection.open_consumer(
            **FOLLOW_TO_END, **{"group.id": f"{self._connection.prefix}view", "auto.offset.reset": "error"}
        )
        try:
            cluster = self._connection.cluster
            partitions = retry_transient(cluster, lambda: self._partitions(consumer), ELECTION_TIMEOUT)
            ends = {p.partition: end_offset(consumer, p, cluster) for p in partitions}
            last_good = open_last_valid(self._connection, self._control, max(ends.values()))
        except KafkaException as error:
            consumer.close()
            raise Retryable(f"{self._topic} cannot be read: {error.args[0].str()}") from None
        except LoyaltyError:
            consumer.close()
            raise
        self._sieve = ControlFilter(self._topic, self._kind, self._apply, last_good)
        consumer.assign(partitions)
        return consumer, ends

    def _partitions(self, consumer: Consumer) -> list[TopicPartition]:
        found = consumer.list_topics(self._topic, timeout=ANSWER_TIMEOUT).topics[self._topic]
        if found.error is not None or not found.partitions:
            reason = found.error.str() if found.error else "it has no partition"
            raise Misconfigured(f"Topic {self._topic} cannot be read ({reason}): run `loyalty topics create`")
        return [TopicPartition(self._topic, partition, OFFSET_BEGINNING) for partition in found.partitions]

    async def _follow(self, consumer: Consumer) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping:
                messages = await loop.run_in_executor(self._thread, self._batch, consumer)
                async with self._moved:
                    for message in messages:
                        self._take(message)
                    self._moved.notify_all()
                await loop.run_in_executor(self._thread, self._sieve.save)
        except Exception as error:  # noqa: BLE001 - it is raised again by whoever waits for this view
            await self._fail(error)
        finally:
            with suppress(RuntimeError):
                await loop.run_in_executor(self._thread, consumer.close)

    def _batch(self, consumer: Consumer) -> list[Message]:
        """What is there, at most BATCH + 1; waits for the first one only."""
        first = consumer.poll(POLL_SECONDS)
        if self._connection.cluster.now() > self._check_at:
            self._check(consumer)
        messages = [] if first is None else [first, *consumer.consume(READ_BATCH, 0)]
        self._unread += [self._unread_batch(message) for message in messages if is_unreadable(message)]
        return skip_unreadable(self._connection, consumer, messages)

    def _unread_batch(self, message: Message) -> UnfitRecord:
        fault = RecordFault("the batch", "cannot be unpacked")
        return UnfitRecord(
            self._topic, message.partition() or 0, message.offset() or 0, "unknown", fault, None
        )

    def _check(self, consumer: Consumer) -> None:
        """Raises Misconfigured where the topic has gone: librdkafka would wait for it without a word."""
        try:
            self._partitions(consumer)
        except KafkaException as error:
            LOG.warning("view of %s: %s", self._topic, error.args[0].str())
        self._check_at = self._connection.cluster.now() + self._check_every

    async def _fail(self, error: Exception) -> None:
        LOG.critical("view of %s ends: %s: %s", self._topic, type(error).__name__, error)
        async with self._moved:
            self._error, self.caught_up = error, False
            self._moved.notify_all()

    def _take(self, message: Message) -> None:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None and is_transient(error):
            LOG.warning("view of %s: %s", self._topic, error.str())
            return
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise Retryable(f"{self._topic} cannot be read any more: {error.str()} ({error.name()})")
        assert partition is not None and offset is not None, "a record and an end both stand somewhere"  # noqa: S101, PT018
        if error is not None:
            # Transactions leave markers at the end that are never delivered: only the end itself is sure.
            self._next[partition] = max(self._next[partition], offset)
            return
        self._sieve.take(partition, raw_record(message))
        self._next[partition] = offset + 1


def end_offset(consumer: Consumer, partition: TopicPartition, cluster: Cluster = REAL_CLUSTER) -> int:
    """Where the partition ends for a reader of committed records."""
    return partition_bounds(consumer, partition, cluster)[1]


def partition_bounds(
    consumer: Consumer,
    partition: TopicPartition,
    cluster: Cluster = REAL_CLUSTER,
    within: float = ELECTION_TIMEOUT,
) -> tuple[int, int]:
    """Where the partition begins, and ends for a reader of committed records. Raises KafkaException where no
    leader says so in time."""
    return retry_transient(cluster, lambda: read_watermarks(consumer, partition, ANSWER_TIMEOUT), within)
