"""The transactional feed: records in, a Faust channel in the middle, one Kafka transaction around it all.

Outputs, changelog records and input offsets are committed together, then the tables on disk follow. Whatever
goes wrong on the way aborts the transaction and ends the process; its successor begins at the last commit.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from faust.types import ChannelT
from mode import Service

from streams import codec
from streams.kafka.clients import Connection
from streams.kafka.restore import restore
from streams.kafka.topics import CHANGELOGS, Topic
from streams.stages.turn import Output, Record, Stage, Turn
from streams.tables.store import MemoryStore, RocksStore, Store, Write
from streams.tables.tables import Tables, families

LOG = logging.getLogger(__name__)

BUSY = 0.005
ANSWERS_WITHIN = 10.0
Committed = tuple[list[Write], dict[str, int]]
# Between the broker's own tries; the transaction's timeout ends them.
RETRY = 0.1


@dataclass(slots=True)
class Batch:
    """What a Faust agent gets: a turn and its records for each partition that has work."""

    turns: list[tuple[Turn, list[Record]]]
    budget: int
    done: asyncio.Future[list[int]]

    def play(self, stage: Stage) -> None:
        """Let the stage handle it; `done` gets how many records of each turn it handled, or its failure."""
        share = max(1, self.budget // len(self.turns))
        try:
            self.done.set_result([stage.play(turn, records, share) for turn, records in self.turns])
        except Exception as failure:  # noqa: BLE001 - the feed raises it again, where the transaction is
            self.done.set_exception(failure)


@dataclass(slots=True)
class Partition:
    """A partition that this process owns."""

    number: int
    tables: Tables
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
        self._producer = Producer(
            self._connection.producer(
                **{
                    "transactional.id": f"{who.group}-{who.instance}",
                    "transaction.timeout.ms": who.transaction_timeout * 1000,
                    # librdkafka takes no longer one: a record cannot outlive its transaction.
                    "delivery.timeout.ms": who.transaction_timeout * 1000,
                    "linger.ms": 0,
                }
            )
        )
        self._producer.init_transactions()
        self._consumer = Consumer(
            self._connection.consumer(
                **{
                    "group.id": who.group,
                    "group.instance.id": who.instance,
                    "session.timeout.ms": who.session_timeout * 1000,
                    "heartbeat.interval.ms": min(3000, who.session_timeout * 1000 // 3),
                    "partition.assignment.strategy": "cooperative-sticky",
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
        consumer.incremental_assign(partitions)
        # Nothing of a partition is handled before its tables are restored.
        consumer.pause(partitions)
        self._moves.extend((True, p.partition) for p in partitions)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
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
        partition.restoring = asyncio.create_task(
            asyncio.to_thread(restore, self._connection, number, tables, lambda: partition.cancelled)
        )

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
                record = _record(message, self._source.name)
                if record.partition not in moved:
                    self._partitions[record.partition].waiting.append(record)
            elif error.fatal() or not error.retriable():
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
        offsets = [
            self._source_partition(p.number, p.waiting[count - 1].offset + 1)
            for p, count in zip(busy, handled, strict=True)
            if count
        ]
        committed = await asyncio.to_thread(self._commit, turns, offsets)
        for partition, count, (changes, checkpoints) in zip(busy, handled, committed, strict=True):
            partition.tables.commit(changes, checkpoints)
            for _ in range(count):
                partition.waiting.popleft()

    def _commit(self, turns: list[Turn], offsets: list[TopicPartition]) -> list[Committed]:
        """Append everything in one transaction. Per turn: the changes, and where its changelogs end then."""
        changes = [list(turn.tables.changelog()) for turn in turns]
        if not offsets and not any(changes) and not any(turn.outputs for turn in turns):
            return [([], {}) for _ in turns]
        self._producer.begin_transaction()
        try:
            for turn in turns:
                for output in turn.outputs:
                    self._append(output)
            checkpoints = [
                self._append_changes(turn.partition, made) for turn, made in zip(turns, changes, strict=True)
            ]
            # All of it is in the log before the offsets are: a successor that sees the offsets decided can
            # trust the changelog's end.
            self._producer.flush()
            self._retried(self._send_offsets, offsets)
            self._retried(self._producer.commit_transaction)
        except KafkaException:
            self._abort()
            raise
        return list(zip(changes, checkpoints, strict=True))

    def _append(self, output: Output) -> None:
        value, header = codec.encode(output.value)
        self._produce(
            self._connection.topic(output.topic),
            value,
            output.key.encode(),
            -1 if output.partition is None else output.partition,
            headers=[(codec.HEADER, header.encode())],
        )

    def _append_changes(self, number: int, changes: list[Write]) -> dict[str, int]:
        """Returns, once flushed, the offset after each table's last record."""
        last = {table: index for index, (table, _, _) in enumerate(changes)}
        ends: dict[str, int] = {}
        for index, (table, key, value) in enumerate(changes):
            topic = self._connection.topic(CHANGELOGS[table])
            if index == last[table]:
                self._produce(topic, value, key, number, on_delivery=_noted(ends, table))
            else:
                self._produce(topic, value, key, number)
        return ends

    def _produce(self, topic: str, value: bytes | None, key: bytes, partition: int, **more: Any) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, **more)
            except BufferError:
                # The client's queue is full: let the broker take some.
                self._producer.poll(RETRY)
            else:
                return

    def _send_offsets(self, offsets: list[TopicPartition]) -> None:
        if offsets:
            # The group's generation of this moment: a process that was declared dead is refused here.
            self._producer.send_offsets_to_transaction(offsets, self._consumer.consumer_group_metadata())

    def _retried(self, step: Callable[..., None], *arguments: Any) -> None:
        """Until the transaction would have timed out: a cluster that is away so long has aborted it."""
        deadline = time.monotonic() + self._identity.transaction_timeout
        while True:
            try:
                step(*arguments)
            except KafkaException as failure:
                if not failure.args[0].retriable() or time.monotonic() > deadline:
                    raise
                LOG.warning("%s: %s", self._identity.group, failure.args[0].str())
                time.sleep(RETRY)
            else:
                return

    def _abort(self) -> None:
        # Best effort: where it fails too, the broker aborts when the transaction times out or the successor
        # of the same name begins.
        with suppress(KafkaException):
            self._producer.abort_transaction(ANSWERS_WITHIN)

    async def on_stop(self) -> None:
        # What is under way is committed first.
        await self._ended.wait()
        for number in list(self._partitions):
            await self._close(number)
        if self._connected:
            await asyncio.to_thread(self._consumer.close)


def _noted(ends: dict[str, int], table: str) -> Callable[[KafkaError | None, Message], None]:
    def note(error: KafkaError | None, message: Message) -> None:
        offset = message.offset()
        if error is None and offset is not None:
            ends[table] = offset + 1

    return note


def _record(message: Message, topic: str) -> Record:
    headers = {
        name: value.encode() if isinstance(value, str) else value or b""
        for name, value in dict(message.headers() or ()).items()
    }
    partition, offset = message.partition(), message.offset()
    return Record(topic, partition or 0, offset or 0, message.key(), message.value(), headers)
