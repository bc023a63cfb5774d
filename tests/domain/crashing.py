"""The pipeline with its process killed: what was not committed is gone, the disk may be gone too."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from streams.domain.store import StoreSettings
from streams.kafka.topics import COMMANDS, WEBHOOK_EVENTS
from streams.stages.loyalty import LoyaltyStage
from streams.stages.turn import Clock, Record, Stage, Turn
from streams.tables.store import MemoryStore, Write
from streams.tables.tables import Tables, families
from tests.driver import Pipeline

Fault = Literal["none", "before commit", "after commit", "disk lost before commit", "disk lost after commit"]
FAULTS: tuple[Fault, ...] = (
    "none",
    "before commit",
    "after commit",
    "disk lost before commit",
    "disk lost after commit",
)


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
        self._changelog: list[Write] = []
        self._done = {COMMANDS.name: 0, WEBHOOK_EVENTS.name: 0}
        self.tables.index()

    def _play(self, stage: Stage, records: Sequence[Record]) -> None:  # noqa: ARG002 - they are in the log
        self._consume(self.loyalty, COMMANDS.name)
        self._consume(self.fan_out, WEBHOOK_EVENTS.name)

    def _consume(self, stage: Stage, topic: str) -> None:
        self._turn(stage, topic)
        while self._done[topic] < len(self.log[topic]):
            self._turn(stage, topic)

    def _turn(self, stage: Stage, topic: str) -> None:
        fault, turn = self._fault(), Turn(0, self.tables, self.now)
        start = self._done[topic]
        count = stage.play(turn, self.log[topic][start : start + self._batch], self._budget())
        if fault.endswith("before commit"):
            self._restart(fault)
            return
        changes = list(self.tables.changelog())
        self._changelog += changes
        self.tables.commit(changes, dict.fromkeys(self.tables.names, len(self._changelog)))
        self._done[topic] += count
        for output in turn.outputs:
            self._append(output)
        self._restart(fault)

    def _restart(self, fault: Fault) -> None:
        if fault == "none":
            return
        store = MemoryStore(families(LoyaltyStage.kinds)) if fault.startswith("disk lost") else self._store
        self._store, self.tables = store, Tables(store, LoyaltyStage.kinds)
        for name in self.tables.names:
            tail = self._changelog[self.tables.checkpoint(name) :]
            records = [(key, value) for table, key, value in tail if table == name]
            self.tables.restore(name, records, len(self._changelog))
        if not self.tables.indexed:
            self.tables.index()
