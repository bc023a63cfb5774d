"""The partitions of a source that this process has: restored when they come, given up when they go."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from streams.domain.state import Entry
from streams.errors import Misconfigured, Poison, StoreDamaged
from streams.kafka.clients import Connection
from streams.runtime.metrics import Metrics
from streams.runtime.poison_suspects import PoisonSuspects
from streams.runtime.restore import restore_tables
from streams.runtime.restore_progress import RestoreProgress
from streams.runtime.standby import Standby
from streams.stages.context import Record
from streams.stages.restore_proof import LedgerCheck
from streams.tables import damage
from streams.tables.store import MemoryStore, RocksStore, Store, StoreFactory, open_store
from streams.tables.tables import Tables, table_families


@dataclass(slots=True)
class Partition:
    """A partition whose tables are restored."""

    number: int
    tables: Tables
    blame: PoisonSuspects
    next: int
    """The offset of the first record that is not handled."""
    waiting: deque[Record] = field(default_factory=deque)
    _batches: dict[int, int] = field(default_factory=dict)
    """Of what stands for a whole batch that cannot be read, where the next batch begins."""

    def wait_for(self, unreadable: Record, end: int) -> None:
        """It stands for all before `end`."""
        self._batches[unreadable.offset] = end
        self.waiting.append(unreadable)

    def has_passed(self, offset: int) -> bool:
        """Whether the record there is handled, or among those that wait."""
        return offset < self.after(len(self.waiting))

    def after(self, count: int) -> int:
        """The offset after the first `count` records that wait."""
        if not count:
            return self.next
        last = self.waiting[count - 1].offset
        return self._batches.get(last, last + 1)

    def offered(self, limit: int) -> tuple[list[Record], Poison | None]:
        """The records of the next turn, `limit` at most. With a cause it is one, to be put aside."""
        records = list(islice(self.waiting, limit))
        if not self.blame.suspects:
            return records, None
        for index, record in enumerate(records):
            cause = self.blame.put_aside(record)
            if cause:
                # In a turn of its own: what stands before it is handled first.
                return (records[:index], None) if index else ([record], cause)
        return records, None

    def handled(self, count: int, offset: int) -> None:
        """Committed: the first `count` records that waited, and all before `offset`."""
        self.next = offset
        for _ in range(count):
            self._batches.pop(self.waiting.popleft().offset, None)
        self.blame.passed(offset)


@dataclass(slots=True)
class _Coming:
    cancelled: bool = False
    task: "asyncio.Task[Partition] | None" = None


class OwnedPartitions:
    """`position` says where the group stands in a partition, once its tables are restored."""

    def __init__(
        self,
        connection: Connection,
        source: str,
        directory: Path,
        kinds: Sequence[type[Entry]],
        *,
        position: Callable[[int], int],
        crash_tries: int,
        restores: RestoreProgress,
        metrics: Metrics,
        opened: StoreFactory = RocksStore,
    ) -> None:
        self.here: dict[int, Partition] = {}
        self._coming: dict[int, _Coming] = {}
        self._connection = connection
        self._source = source
        self._directory = directory
        self._kinds = kinds
        self._position = position
        self._crash_tries = crash_tries
        self._restores = restores
        self._metrics = metrics
        self._opened = opened
        self._standby: Standby | None = None

    @property
    def restoring(self) -> bool:
        return bool(self._coming)

    def restoring_numbers(self) -> list[int]:
        """Those that have come and are not restored yet. May be called in any thread."""
        return sorted(self._coming)

    def keep_copies(self, numbers: Iterable[int]) -> None:
        """From now on follow each partition that is not here."""
        if not self._kinds:
            return
        self._standby = Standby(self._connection, self._open)
        for number in numbers:
            self._standby.keep(number)

    def come(self, number: int) -> None:
        """The partition is ours: it will be among those that have `arrived`."""
        coming = self._coming[number] = _Coming()
        coming.task = asyncio.create_task(asyncio.to_thread(self._restore, number, coming))

    def arrived(self) -> list[Partition]:
        """Those restored since the last call; they are here now. Raises what a restore failed with."""
        if self._standby:
            self._standby.check()
        done = [number for number, coming in self._coming.items() if coming.task and coming.task.done()]
        for number in done:
            task = self._coming.pop(number).task
            assert task is not None, "it has come"  # noqa: S101
            self.here[number] = task.result()
        return [self.here[number] for number in done]

    async def go(self, number: int) -> None:
        """The partition is another's; what was not committed is forgotten."""
        coming = self._coming.pop(number, None)
        if coming and coming.task:
            coming.cancelled = True
            partition = await coming.task
        else:
            partition = self.here.pop(number)
        partition.tables.abort()
        if self._standby:
            self._standby.keep(number, partition.tables)
        else:
            partition.tables.close()

    async def close(self) -> None:
        """Give up all, and keep no copies."""
        if self._standby:
            await asyncio.to_thread(self._standby.stop)
            self._standby = None
        for number in [*self._coming, *self.here]:
            await self.go(number)

    def _restore(self, number: int, coming: _Coming) -> Partition:
        tables = (self._standby and self._standby.take(number)) or self._open(number)
        blame = PoisonSuspects(self._directory / f"crash-{number}.json", self._crash_tries)
        try:
            whole, flaw = self._restored(number, tables, coming)
            if flaw:
                tables = self._begun_anew(number, tables, flaw)
                whole, flaw = self._restored(number, tables, coming)
            if flaw:
                raise _not_served(number, flaw)
            partition = Partition(number, tables, blame, self._position(number) if whole else 0)
        except BaseException:
            tables.close()
            raise
        blame.passed(partition.next)
        return partition

    def _restored(self, number: int, tables: Tables, coming: _Coming) -> tuple[bool, str | None]:
        """Whether it was not cancelled; and what is wrong with what was restored."""
        proof = LedgerCheck()
        with self._restores.shown(self._source, number) as report:
            whole = restore_tables(
                self._connection, number, tables, lambda: coming.cancelled, report, heard=proof.hear
            )
        return whole, proof.flaw(tables) if whole else None

    def _begun_anew(self, number: int, tables: Tables, flaw: str) -> Tables:
        """Empty tables: the folder that they were in may be of another time."""
        tables.close()
        damage.set_folder_aside(
            self._folder(number), StoreDamaged(f"partition {number}: {flaw}"), self._count(number)
        )
        tables = self._open(number)
        # Whatever became of the folder.
        tables.clear()
        return tables

    def _open(self, number: int) -> Tables:
        return Tables(self._store(number), self._kinds)

    def _store(self, number: int) -> Store:
        if not self._kinds:
            return MemoryStore(table_families(()))
        return open_store(
            self._folder(number), table_families(self._kinds), self._count(number), self._opened
        )

    def _folder(self, number: int) -> Path:
        return self._directory / str(number)

    def _count(self, number: int) -> Callable[[], None]:
        return self._metrics.set_aside.labels(self._source, str(number)).inc


def _not_served(number: int, flaw: str) -> Misconfigured:
    return Misconfigured(
        f"Partition {number} is not served: {flaw}, even where all was read from Kafka. `loyalty reconcile "
        "--state` says what else is wrong; `loyalty replay state --build --mend`, then `--switch --mend`, "
        "make the state again from the facts"
    )
