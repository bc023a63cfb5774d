"""All partitions' tables in this process, for reading: kept from their changelogs, with checkpoints on disk.

How fresh: `current` waits until all is here that was committed before it was called, by whichever process.
Without it a reader sees what was committed some milliseconds ago.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from streams.domain.state import Entry, Handled, Held, IssuedReward, Known, PendingLot, State, Transfer
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
KINDS_BY_ID: tuple[type[Entry], ...] = (Handled, Transfer, PendingLot, Held, IssuedReward)
"""Kinds that are found by their own id."""
FOLLOWED_TABLES = sorted({kind.table for kind in REPLICA_KINDS})
CATCH_UP_TIMEOUT = 5.0
OutcomeCallback = Callable[[str, bytes], None]
"""Called, on a thread of ours, with the owner and the value of each memory of a command that came."""


class MemberStateReader:
    """To be started in the event loop that asks. `count`: how many partitions there are."""

    def __init__(self, connection: Connection, directory: Path, count: int) -> None:
        self._connection = connection
        self._directory = directory
        self._heard: OutcomeCallback = lambda *_: None
        self._arrivals = ReadBarrier(EndOffsets(connection))
        self._replicas: dict[int, MemberReplica] = {}
        self._count = count
        self._standby = Standby(connection, self._opened)
        self.caught_up = False
        """Whether all is here that was there at the start."""

    async def start(self, heard: OutcomeCallback) -> None:
        """Returns when all is here that was committed before the call; then goes on following.

        Raises Retryable where the cluster does not answer.
        """
        self._heard = heard
        for number in range(self._count):
            self._standby.keep(number, await asyncio.to_thread(self._opened, number))
        await self._reach(self._replicas, FOLLOWED_TABLES)
        self.caught_up = True

    async def stop(self) -> None:
        await asyncio.to_thread(self._standby.stop)

    async def failed(self) -> NoReturn:
        """Raises what ended the following, and never returns."""
        await asyncio.wrap_future(self._standby.running)
        raise AssertionError("it was stopped while somebody watched over it")

    def state(self, owner: str) -> State:
        """What an owner has. Raises Retryable until all is here."""
        self._require()
        return self._replicas[partition_of(owner.encode(), self._count)].of_owner(owner)

    def holders(self, kind: type[Entry], key: str) -> Iterator[str]:
        """Whose entries of that kind have that key, on whichever partition."""
        self._require()
        for replica in self._replicas.values():
            yield from replica.holders(kind, key.encode())

    def tables(self) -> Iterator[Tables]:
        """Of one partition after the other, for a thread that plays ahead what they hold. Raises Retryable
        until all is here."""
        self._require()
        for number in range(self._count):
            yield self._replicas[number].beside()

    async def current(self, owner: str | None, tables: Iterable[str]) -> None:
        """Returns once those tables of the owner's partition, or of all, have all that was committed before
        the call.

        Raises Retryable where that takes more than 5 s.
        """
        self._require()
        numbers = range(self._count) if owner is None else [partition_of(owner.encode(), self._count)]
        try:
            await asyncio.wait_for(self._reach(numbers, tables), CATCH_UP_TIMEOUT)
        except TimeoutError:
            raise Retryable("what was committed is not all here yet") from None

    async def _reach(self, numbers: Iterable[int], tables: Iterable[str]) -> None:
        topics = [self._connection.topic(CHANGELOGS[table]) for table in tables]
        await self._arrivals.all((topic, number) for topic in topics for number in numbers)

    def _require(self) -> None:
        if not self.caught_up:
            raise Retryable("the members are still being read")

    def _opened(self, number: int) -> MemberReplica:
        def told(table: str, records: Records, offset: int) -> None:
            if table == Handled.table:
                self._hear(records)
            self._arrivals.read((self._connection.topic(CHANGELOGS[table]), number), offset)

        store = open_store(self._directory / str(number), MemberReplica.families(REPLICA_KINDS))
        self._replicas[number] = MemberReplica(store, REPLICA_KINDS, KINDS_BY_ID, told)
        return self._replicas[number]

    def _hear(self, records: Records) -> None:
        for key, value in records:
            owner, _, rest = key.partition(b"\x00")
            if value is not None and rest.startswith(Handled.letter):
                self._heard(owner.decode(), value)
