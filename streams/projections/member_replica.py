"""A read-only replica of all partitions' tables, kept current from the changelogs, checkpointed on disk.

`current` waits until everything is read that any process committed before the call. Without it a reader sees
the state of some milliseconds ago.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from streams.domain.state import (
    Entry,
    Handled,
    Held,
    IssuedReward,
    Known,
    PendingLot,
    State,
    TransactionDetails,
    Transfer,
)
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.partitioner import partition_of
from streams.kafka.read_barrier import ReadBarrier
from streams.runtime.standby import Standby
from streams.stages.loyalty import LoyaltyStage
from streams.tables.replica import MemberReplica, Records
from streams.tables.store import open_store
from streams.tables.tables import Tables
from streams.topics import CHANGELOGS

REPLICA_KINDS: tuple[type[Entry], ...] = (*LoyaltyStage.kinds, Known)
KINDS_BY_ID: tuple[type[Entry], ...] = (
    Handled,
    Transfer,
    PendingLot,
    Held,
    IssuedReward,
    TransactionDetails,
)
"""Kinds that can be found by their own id, without their owner."""
FOLLOWED_TABLES = sorted({kind.table for kind in REPLICA_KINDS})
CATCH_UP_TIMEOUT = 5.0
OutcomeCallback = Callable[[str, bytes], None]
"""Called on a thread of the replica with the owner and the encoded `Handled` of each command that ended or
waits."""


class MemberStateReader:
    """Start it in the asking event loop. `count`: how many partitions there are."""

    def __init__(self, connection: Connection, directory: Path, count: int) -> None:
        self._connection = connection
        self._directory = directory
        self._on_outcome: OutcomeCallback = lambda *_: None
        self._arrivals = ReadBarrier(EndOffsets(connection))
        self._replicas: dict[int, MemberReplica] = {}
        self._count = count
        self._standby = Standby(connection, self._open_replica)
        self.caught_up = False
        """Whether everything is read that was committed at the start."""

    async def start(self, heard: OutcomeCallback) -> None:
        """Returns once everything is read that was committed before the call, and keeps reading after that.

        Raises Retryable if the cluster does not answer.
        """
        self._on_outcome = heard
        for number in range(self._count):
            self._standby.keep(number, await asyncio.to_thread(self._open_replica, number))
        await self._wait_for(self._replicas, FOLLOWED_TABLES)
        self.caught_up = True

    async def stop(self) -> None:
        await asyncio.to_thread(self._standby.stop)

    async def failed(self) -> NoReturn:
        """Raises the error that ended the reading; never returns."""
        await asyncio.wrap_future(self._standby.running)
        raise AssertionError("the reading was stopped while it was being watched")

    def state(self, owner: str) -> State:
        """The owner's state. Raises Retryable until the replica has caught up."""
        self._require_caught_up()
        return self._replicas[partition_of(owner.encode(), self._count)].of_owner(owner)

    def holders(self, kind: type[Entry], key: str) -> Iterator[str]:
        """The owners of entries of that kind and key, from all partitions."""
        self._require_caught_up()
        for replica in self._replicas.values():
            yield from replica.holders(kind, key.encode())

    def partition_tables(self) -> Iterator[Tables]:
        """The tables of one partition after the other, for a thread that computes ahead with them. Raises
        Retryable until the replica has caught up."""
        self._require_caught_up()
        for number in range(self._count):
            yield self._replicas[number].beside()

    async def current(self, owner: str | None, tables: Iterable[str]) -> None:
        """Returns once those tables have everything that was committed before the call: in the owner's
        partition, or in all of them for None.

        Raises Retryable after 5 s.
        """
        self._require_caught_up()
        numbers = range(self._count) if owner is None else [partition_of(owner.encode(), self._count)]
        try:
            await asyncio.wait_for(self._wait_for(numbers, tables), CATCH_UP_TIMEOUT)
        except TimeoutError:
            raise Retryable("what was committed is not all here yet") from None

    async def _wait_for(self, numbers: Iterable[int], tables: Iterable[str]) -> None:
        topics = [self._connection.topic(CHANGELOGS[table]) for table in tables]
        await self._arrivals.all((topic, number) for topic in topics for number in numbers)

    def _require_caught_up(self) -> None:
        if not self.caught_up:
            raise Retryable("the members are still being read")

    def _open_replica(self, number: int) -> MemberReplica:
        def note_records(table: str, records: Records, offset: int) -> None:
            if table == Handled.table:
                self._pass_outcomes(records)
            self._arrivals.read((self._connection.topic(CHANGELOGS[table]), number), offset)

        store = open_store(self._directory / str(number), MemberReplica.families(REPLICA_KINDS))
        self._replicas[number] = MemberReplica(store, REPLICA_KINDS, KINDS_BY_ID, note_records)
        return self._replicas[number]

    def _pass_outcomes(self, records: Records) -> None:
        for key, value in records:
            owner, _, rest = key.partition(b"\x00")
            if value is not None and rest.startswith(Handled.letter):
                self._on_outcome(owner.decode(), value)
