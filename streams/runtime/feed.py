"""The transactional feed: records in, a Faust channel in the middle, one Kafka transaction around it all.

Outputs, changelog records and input offsets are committed together, then the tables on disk follow. Whatever
goes wrong on the way aborts the transaction and ends the process; its successor begins at the last commit.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NoReturn

from confluent_kafka import OFFSET_INVALID, KafkaException, Message, TopicPartition
from faust.types import ChannelT
from mode import Service

from streams.kafka.clients import Connection
from streams.kafka.cluster import Consumer
from streams.kafka.consumer_offsets import list_partitions, position
from streams.kafka.partitioner import partition_of
from streams.kafka.records import record_of
from streams.kafka.transactions import TransactionalProducer
from streams.kafka.transient_errors import UNKNOWN_TOPIC_ERRORS, is_transient
from streams.kafka.unreadable_batches import batch_failure, find_batch_end, is_unreadable
from streams.runtime.batch import Batch, PartitionShare
from streams.runtime.feed_source import Instance, open_source
from streams.runtime.metrics import Metrics
from streams.runtime.partitions import OwnedPartitions, Partition
from streams.runtime.restore_progress import RestoreProgress
from streams.runtime.samples import FeedSampler, find_pending_work
from streams.runtime.services import QuietService
from streams.settings import Settings
from streams.stages.context import Stage, StageContext
from streams.tables.store import RocksStore, StoreFactory
from streams.topics import Topic

LOG = logging.getLogger(__name__)

# Seconds for which a poll waits while tables are being restored.
RESTORING_POLL_SECONDS = 0.005
ANSWER_TIMEOUT = 30.0
# Seconds between two looks at a commit that takes long.
COMMIT_CHECK_INTERVAL = 1.0


class Feed(QuietService):
    """Feeds `stage` from `source` through `channel`."""

    def __init__(
        self,
        connection: Connection,
        identity: Instance,
        source: Topic,
        stage: Stage,
        *,
        channel: ChannelT[Any],
        settings: Settings,
        metrics: Metrics,
        restores: RestoreProgress,
        check: Callable[[], None],
        opened: StoreFactory = RocksStore,
        **service: Any,
    ) -> None:
        super().__init__(**service)
        self._connection = connection
        self._identity = identity
        self._source = source
        self._stage = stage
        self._channel = channel
        self._limit = settings.batch_records
        self._standby = settings.standby
        self._check = check
        self._metrics = metrics
        self._meter = metrics.meter(source.name)
        self._sampler = FeedSampler(metrics, source.name)
        self._partitions = OwnedPartitions(
            connection,
            source.name,
            identity.directory,
            stage.kinds,
            position=self._position,
            crash_tries=settings.crash_tries,
            restores=restores,
            metrics=metrics,
            opened=opened,
        )
        self._moves: deque[tuple[bool, int]] = deque()
        self._place: Callable[[bytes], int] | None = None
        self._ended = asyncio.Event()
        # Before it runs there is nothing to wait for or to leave: a start that fails ends the process too.
        self._connected = False
        self._ended.set()

    async def on_start(self) -> None:
        await asyncio.to_thread(self._connect)
        self._connected = True
        if self._standby:
            self._partitions.keep_copies(await asyncio.to_thread(self._numbers))

    def _connect(self) -> None:
        who = self._identity
        self._transactions = TransactionalProducer(
            self._connection, f"{who.group}-{who.instance}", who.transaction_timeout
        )
        self._consumer = open_source(self._connection, who, self._limit)
        self._consumer.subscribe(
            [self._connection.topic(self._source)],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._revoked,
        )
        self._place = partial(partition_of, partitions=len(self._numbers()))

    def _numbers(self) -> list[int]:
        name = self._connection.topic(self._source)
        return list_partitions(self._connection.cluster, self._consumer, name, ANSWER_TIMEOUT)

    # Rebalances arrive inside `poll`, in its thread, never within a transaction; the loop acts on them after.

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._say("has", partitions)
        consumer.assign(partitions)
        # Nothing of a partition is handled before its tables are restored.
        consumer.pause(partitions)
        self._moves.extend((True, p.partition) for p in partitions)

    def _say(self, what: str, partitions: list[TopicPartition]) -> None:
        numbers = ", ".join(str(p.partition) for p in sorted(partitions)) or "none"
        LOG.info("%s: %s partitions %s", self._source.name, what, numbers)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._say("gives up", partitions)
        consumer.unassign()
        self._moves.extend((False, p.partition) for p in partitions)

    @Service.task
    async def _run(self) -> None:
        self._ended.clear()
        try:
            while not self.should_stop or not self._stage.rest():
                messages = await asyncio.to_thread(self._poll)
                # What was read of a partition that came or went meanwhile is read again by whoever has it.
                moved = {number for _, number in self._moves}
                await self._move()
                self._resume_restored()
                await self._buffer(messages, moved)
                await self._transact()
                # Before the next poll, which may wait: what was just committed may begin something.
                for partition in self._partitions.here.values():
                    self._stage.between(partition.number, partition.tables)
                self._sampler.sample(self._partitions, self._connection.cluster)
        finally:
            self._ended.set()

    async def _move(self) -> None:
        while self._moves:
            came, number = self._moves.popleft()
            if came:
                self._partitions.come(number)
            else:
                await self._partitions.go(number)
                self._stage.revoked(number)

    def _poll(self) -> list[Message]:
        """What has come, waiting for it only where nothing else is to be done. One record at least is asked
        for, however much is waiting: rebalances are heard in here."""
        patience = self._patience()
        with self._meter.step("idle" if patience else "poll"):
            first = self._consumer.poll(patience)
        if first is None:
            return []
        with self._meter.step("poll"):
            room = self._limit - sum(len(p.waiting) for p in self._partitions.here.values())
            return [first, *self._consumer.consume(max(room, 1) - 1, 0)]

    def _patience(self) -> float:
        """Returns how many seconds a poll may wait."""
        if self._busy():
            return 0.0
        return RESTORING_POLL_SECONDS if self._partitions.restoring else self._stage.patience

    def _busy(self) -> list[Partition]:
        here = self._partitions.here.values()
        return [p for p in here if p.waiting or self._stage.wants(p.number, p.tables)]

    def _position(self, number: int) -> int:
        # A predecessor's transaction that is still open is waited for.
        patience = self._identity.transaction_timeout + ANSWER_TIMEOUT
        place = self._source_partition(number)
        found = position(self._connection.cluster, self._consumer, place, patience)
        # Only now: nobody who had the partition before, be it a switch of the state, can commit any more.
        self._check()
        return found

    def _resume_restored(self) -> None:
        for partition in self._partitions.arrived():
            self._consumer.resume([self._source_partition(partition.number)])
            self._stage.assigned(partition.number, partition.tables)

    def _source_partition(self, number: int, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._connection.topic(self._source), number, offset)

    async def _buffer(self, messages: Iterable[Message], moved: set[int]) -> None:
        for message in messages:
            error = message.error()
            if error is None:
                record = record_of(message, self._source.name)
                if record.partition not in moved:
                    self._partitions.here[record.partition].waiting.append(record)
            elif is_unreadable(message):
                await self._set_aside(message, moved)
            elif not is_transient(error):
                raise KafkaException(error)
            elif error.code() in UNKNOWN_TOPIC_ERRORS:
                # Raises where nobody knows of the topic for long.
                await asyncio.to_thread(self._numbers)

    async def _set_aside(self, message: Message, moved: set[int]) -> None:
        """A batch that the client cannot give: it ends the process as often as a record may, then it is put
        into poison, and what stands behind it is read."""
        record = record_of(message, self._source.name)._replace(key=None, value=None)
        partition = self._partitions.here.get(record.partition)
        # It is told again until something else is asked for.
        if partition is None or record.partition in moved or partition.has_passed(record.offset):
            return
        if not partition.blame.put_aside(record):
            failure = batch_failure(message)
            partition.blame.count(record, failure)
            raise failure
        end = await asyncio.to_thread(find_batch_end, self._connection, message)
        partition.wait_for(record, end)
        self._consumer.seek(self._source_partition(record.partition, end))

    async def _transact(self) -> None:
        """One transaction, if there is anything to do."""
        busy = self._busy()
        if not busy:
            return
        now = self._connection.cluster.utc()
        shares = [
            PartitionShare(StageContext(p.number, p.tables, now, self._place), *p.offered(self._limit))
            for p in busy
        ]
        handled = await self._played(shares)
        # The offset goes along even where no record was handled, but a timer or an outcome was: it is by the
        # offsets that Kafka refuses a process which has lost its partitions and does not know it yet.
        offsets = [p.after(count) for p, count in zip(busy, handled, strict=True)]
        places = [self._source_partition(p.number, o) for p, o in zip(busy, offsets, strict=True)]
        # The group's generation of this moment: a process that was declared dead is refused there.
        commit = partial(self._transactions.commit, [s.turn for s in shares], places)
        member = self._consumer.consumer_group_metadata
        committing = asyncio.create_task(asyncio.to_thread(self._meter.measure_commit, commit, member))
        while not committing.done():
            await asyncio.wait([committing], timeout=COMMIT_CHECK_INTERVAL)
            if self._transactions.stuck:
                self._end_at_once()
        done = committing.result()
        with self._meter.step("tables"):
            for p, (changes, checkpoints) in zip(busy, done, strict=True):
                # As of before the transaction: it was committed, so nobody else has written meanwhile.
                p.tables.commit(changes, checkpoints, now)
        self._meter.count_commit([s.turn for s in shares], [s.records for s in shares], handled, done)
        for p, count, offset in zip(busy, handled, offsets, strict=True):
            p.handled(count, offset)
            self._sampler.tell_lag(self._consumer, self._source_partition(p.number), p.next)

    async def _played(self, shares: list[PartitionShare]) -> list[int]:
        """Plays the shares. Returns how many records of each the stage handled."""
        batch = Batch(shares, self._limit, asyncio.get_running_loop().create_future())
        await self._channel.send(value=batch)
        try:
            return await batch.done
        except Exception as failure:
            for turn in (share.turn for share in shares):
                if turn.record:
                    self._partitions.here[turn.partition].blame.count(turn.record, failure)
            raise

    def pending_work(self) -> list[str]:
        """What keeps this feed from being ready. May be called in any thread."""
        return find_pending_work(self._source.name, self._partitions, self._meter.last_commit)

    def _end_at_once(self) -> NoReturn:
        """The client's thread is stuck and cannot be ended; the process can, and its successor fences it."""
        LOG.critical("%s ends: its transaction is stuck in the Kafka client", self._identity.group)
        self._connection.cluster.end_process()

    async def on_stop(self) -> None:
        # What is under way is committed first.
        await self._ended.wait()
        here = list(self._partitions.here)
        await self._partitions.close()
        for number in here:
            self._stage.revoked(number)
        if self._connected:
            await asyncio.to_thread(self._consumer.close)
