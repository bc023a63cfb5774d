"""The transactional feed: records in, a Faust channel in the middle, one Kafka transaction around it all.

Outputs, changelog records and input offsets are committed together, then the tables on disk follow. Whatever
goes wrong on the way aborts the transaction and ends the process; its successor begins at the last commit.
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaException,
    Message,
    TopicPartition,
)
from faust.types import ChannelT
from mode import Service

from streams.kafka.batch import Batch, record_of
from streams.kafka.clients import COORDINATING, PASSING, SETTLING, Connection
from streams.kafka.restore import restore
from streams.kafka.topics import Topic
from streams.kafka.transactions import Transactions
from streams.stages.turn import Record, Stage, Turn
from streams.tables.store import MemoryStore, RocksStore, Store
from streams.tables.tables import Tables, families

LOG = logging.getLogger(__name__)

# Seconds for which a poll waits while tables are being restored.
BUSY = 0.005
ANSWERS_WITHIN = 30.0


@dataclass(slots=True)
class Partition:
    """A partition that this process owns."""

    number: int
    tables: Tables
    next: int = 0
    """The offset of the first record that is not handled; known once `restoring` is done."""
    waiting: deque[Record] = field(default_factory=deque)
    restoring: asyncio.Task[bool] | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this process is to Kafka: kept over restarts, so that a restart moves nothing and a predecessor
    that is still alive is fenced."""

    group: str
    instance: str
    directory: Path
    session_timeout: int
    transaction_timeout: int


class Feed(Service):
    """Feeds `stage` from `source` through `channel`."""

    mundane_level = "debug"

    def __init__(
        self,
        connection: Connection,
        identity: Identity,
        source: Topic,
        stage: Stage,
        *,
        channel: ChannelT[Any],
        batch_records: int,
        **service: Any,
    ) -> None:
        super().__init__(**service)
        self._connection = connection
        self._identity = identity
        self._source = source
        self._stage = stage
        self._channel = channel
        self._limit = batch_records
        self._partitions: dict[int, Partition] = {}
        self._moves: deque[tuple[bool, int]] = deque()
        self._ended = asyncio.Event()
        # Before it runs there is nothing to wait for or to leave: a start that fails ends the process too.
        self._connected = False
        self._ended.set()

    async def on_start(self) -> None:
        await asyncio.to_thread(self._connect)
        self._connected = True

    def _connect(self) -> None:
        who = self._identity
        self._transactions = Transactions(
            self._connection, f"{who.group}-{who.instance}", who.transaction_timeout
        )
        self._consumer = Consumer(
            self._connection.consumer(
                **{
                    "group.id": who.group,
                    "group.instance.id": who.instance,
                    "session.timeout.ms": who.session_timeout * 1000,
                    # Little is fetched ahead: a record of one partition waits behind what was fetched of all.
                    "queued.min.messages": self._limit,
                    "fetch.message.max.bytes": 128 << 10,
                    "heartbeat.interval.ms": min(3000, who.session_timeout * 1000 // 3),
                    # Not the cooperative one: a member that dies between giving a partition up and saying so,
                    # and comes back under its own name, causes no rebalance, and nobody owns the partition.
                    "partition.assignment.strategy": "range",
                }
            )
        )
        self._consumer.subscribe(
            [self._connection.topic(self._source)],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._revoked,
        )

    # Rebalances arrive inside `poll`, in its thread, never within a transaction; the loop acts on them after.

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        # Nothing of a partition is handled before its tables are restored.
        consumer.pause(partitions)
        self._moves.extend((True, p.partition) for p in partitions)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
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
                self._buffer(messages, moved)
                for partition in self._owned():
                    self._stage.between(partition.number, partition.tables)
                await self._transact()
        finally:
            self._ended.set()

    async def _move(self) -> None:
        while self._moves:
            came, number = self._moves.popleft()
            if came:
                self._open(number)
            else:
                await self._close(number)

    def _poll(self) -> list[Message]:
        """What has come, waiting for it only where nothing else is to be done. One record at least is asked
        for, however much is waiting: rebalances are heard in here."""
        first = self._consumer.poll(self._patience())
        room = self._limit - sum(len(p.waiting) for p in self._partitions.values())
        return [] if first is None else [first, *self._consumer.consume(max(room, 1) - 1, 0)]

    def _patience(self) -> float:
        """How long a poll may wait, in seconds."""
        if any(p.waiting or self._stage.wants(p.number, p.tables) for p in self._owned()):
            return 0.0
        return BUSY if len(self._owned()) < len(self._partitions) else self._stage.patience

    def _owned(self) -> list[Partition]:
        return [p for p in self._partitions.values() if not p.restoring]

    def _open(self, number: int) -> None:
        tables = Tables(self._store(number), self._stage.kinds)
        partition = self._partitions[number] = Partition(number, tables)
        partition.restoring = asyncio.create_task(asyncio.to_thread(self._restore, partition))

    def _restore(self, partition: Partition) -> bool:
        number, tables = partition.number, partition.tables
        whole = restore(self._connection, number, tables, lambda: partition.cancelled)
        if whole:
            partition.next = self._committed(self._source_partition(number))
        return whole

    def _committed(self, place: TopicPartition) -> int:
        """Where the group stands; the partition's beginning where it has committed nothing yet."""
        # A predecessor's transaction that is still open is waited for.
        patience = self._identity.transaction_timeout + ANSWERS_WITHIN
        deadline = time.monotonic() + patience
        while True:
            try:
                found: int = self._consumer.committed([place], patience)[0].offset
                return found if found >= 0 else self._consumer.get_watermark_offsets(place, patience)[0]
            except KafkaException as failure:
                passing = failure.args[0].code() in PASSING | SETTLING | COORDINATING
                if not passing or time.monotonic() > deadline:
                    raise
                time.sleep(BUSY)

    def _store(self, number: int) -> Store:
        if not self._stage.kinds:
            return MemoryStore(families(()))
        return RocksStore(self._identity.directory / str(number), families(self._stage.kinds))

    async def _close(self, number: int) -> None:
        partition = self._partitions.pop(number)
        partition.cancelled = True
        if partition.restoring:
            await partition.restoring
        partition.tables.close()
        self._stage.revoked(number)

    def _resume_restored(self) -> None:
        for partition in self._partitions.values():
            if partition.restoring and partition.restoring.done():
                partition.restoring.result()
                partition.restoring = None
                self._consumer.resume([self._source_partition(partition.number)])
                self._stage.assigned(partition.number, partition.tables)

    def _source_partition(self, number: int, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._connection.topic(self._source), number, offset)

    def _buffer(self, messages: Iterable[Message], moved: set[int]) -> None:
        for message in messages:
            error = message.error()
            if error is None:
                record = record_of(message, self._source.name)
                if record.partition not in moved:
                    self._partitions[record.partition].waiting.append(record)
            elif error.code() not in PASSING | COORDINATING:
                raise KafkaException(error)

    async def _transact(self) -> None:
        """One transaction, if there is anything to do."""
        now = datetime.now(UTC)
        busy = [p for p in self._owned() if p.waiting or self._stage.wants(p.number, p.tables)]
        if not busy:
            return
        turns = [Turn(p.number, p.tables, now) for p in busy]
        batch = Batch(
            [(turn, list(islice(p.waiting, self._limit))) for turn, p in zip(turns, busy, strict=True)],
            self._limit,
            asyncio.get_running_loop().create_future(),
        )
        await self._channel.send(value=batch)
        handled = await batch.done
        # The offset goes along even where no record was handled, but a timer or an outcome was: it is by the
        # offsets that Kafka refuses a process which has lost its partitions and does not know it yet.
        offsets = [
            p.waiting[count - 1].offset + 1 if count else p.next
            for p, count in zip(busy, handled, strict=True)
        ]
        places = [self._source_partition(p.number, o) for p, o in zip(busy, offsets, strict=True)]
        # The group's generation of this moment: a process that was declared dead is refused there.
        committing = asyncio.to_thread(
            self._transactions.commit, turns, places, self._consumer.consumer_group_metadata
        )
        try:
            committed = await asyncio.wait_for(committing, self._transactions.limit)
        except TimeoutError:
            self._end_at_once()
        for p, count, offset, (changes, checkpoints) in zip(busy, handled, offsets, committed, strict=True):
            p.tables.commit(changes, checkpoints)
            p.next = offset
            for _ in range(count):
                p.waiting.popleft()

    def _end_at_once(self) -> NoReturn:
        """The client's thread is stuck and cannot be ended; the process can, and its successor fences it."""
        LOG.critical("%s ends: its transaction is stuck in the Kafka client", self._identity.group)
        os._exit(1)

    async def on_stop(self) -> None:
        # What is under way is committed first.
        await self._ended.wait()
        for number in list(self._partitions):
            await self._close(number)
        if self._connected:
            await asyncio.to_thread(self._consumer.close)
