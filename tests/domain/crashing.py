"""The pipeline with its process killed: what was not committed is gone, the disk may be gone too."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from streams.domain.state import Entry
from streams.domain.store import StoreSettings
from streams.stages.context import Clock, Record, Stage, StageContext
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.tables.store import MemoryStore, Write
from streams.tables.tables import Tables, table_families
from streams.topics import COMMANDS
from tests.driver import Pipeline

Fault = Literal["none", "before commit", "after commit", "disk lost before commit", "disk lost after commit"]
FAULTS: tuple[Fault, ...] = (
    "none",
    "before commit",
    "after commit",
    "disk lost before commit",
    "disk lost after commit",
)


KINDS = (LoyaltyStage.kinds, IdentityStage.kinds, FanOutStage.kinds)


class Crashing(Pipeline):
    """`fault` says, turn by turn, what befalls the process; `budget` cuts turns short, `batch` is how many
    records a turn is offered. Offsets are committed with the state, as the feed does."""

    def __init__(
        self,
        *settings: StoreSettings,
        now: datetime,
        clock: Clock,
        fault: Callable[[], Fault] = lambda: "none",
        budget: Callable[[], int] = lambda: 100,
        batch: int = 1,
    ) -> None:
        super().__init__(*settings, now=now, clock=clock, memory=timedelta(hours=24))
        self._fault, self._budget, self._batch = fault, budget, batch
        self._disks = {kinds: Disk(kinds) for kinds in KINDS}
        self._done = {topic.name: 0 for topic, _ in self.readers()}
        self._show()

    def _show(self) -> None:
        self.tables = self._disks[LoyaltyStage.kinds].tables
        self.identifiers = self._disks[IdentityStage.kinds].tables
        self.batches = self._disks[FanOutStage.kinds].tables

    def _play(self, stage: Stage, records: Sequence[Record]) -> None:  # noqa: ARG002 - they are in the log
        """A turn of the stage, then every stage, until each has read its topic to the end."""
        self._turn(stage, next(topic.name for topic, reader in self.readers() if reader is stage))
        while any(self._done[topic.name] < len(self.log[topic.name]) for topic, _ in self.readers()):
            for topic, reader in self.readers():
                self._consume(reader, topic.name)
        while self.loyalty.plans(0):
            self._turn(self.loyalty, COMMANDS.name)

    def _consume(self, stage: Stage, topic: str) -> None:
        while self._done[topic] < len(self.log[topic]):
            self._turn(stage, topic)

    def _turn(self, stage: Stage, topic: str) -> None:
        disk = self._disks[stage.kinds]
        fault, turn = self._fault(), StageContext(0, disk.tables, self.now)
        start = self._done[topic]
        count = stage.play(turn, self.log[topic][start : start + self._batch], self._budget())
        if fault.endswith("before commit"):
            self._restart(fault)
            return
        disk.commit()
        self._done[topic] += count
        for output in turn.outputs:
            self._append(output)
        self._restart(fault)

    def _restart(self, fault: Fault) -> None:
        if fault == "none":
            return
        self.loyalty.revoked(0)
        for disk in self._disks.values():
            disk.restart(lost=fault.startswith("disk lost"))
        self._show()


class Disk:
    """A partition's tables over a store, and the changelog from which they are restored."""

    def __init__(self, kinds: Sequence[type[Entry]]) -> None:
        self._kinds = kinds
        self._changelog: list[Write] = []
        self._store = MemoryStore(table_families(kinds))
        self.tables = Tables(self._store, kinds)
        self.tables.index()

    def commit(self) -> None:
        changes = list(self.tables.changelog())
        self._changelog += changes
        self.tables.commit(changes, dict.fromkeys(self.tables.names, len(self._changelog)))

    def restart(self, *, lost: bool) -> None:
        """What was not committed is gone, and where the disk is `lost`, all that was."""
        if lost:
            self._store = MemoryStore(table_families(self._kinds))
        self.tables = Tables(self._store, self._kinds)
        for name in self.tables.names:
            tail = self._changelog[self.tables.checkpoint(name) :]
            records = [(key, value) for table, key, value in tail if table == name]
            self.tables.restore(name, records, len(self._changelog))
        if not self.tables.indexed:
            self.tables.index()
