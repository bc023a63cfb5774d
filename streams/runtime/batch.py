"""What passes through a Faust channel: records of several partitions, each with its context."""

import asyncio
from dataclasses import dataclass

from streams.errors import Poison
from streams.stages.context import Record, Stage, StageContext


@dataclass(slots=True)
class PartitionShare:
    """A turn and its records, for one partition; with a `cause` they are put aside instead of handled."""

    turn: StageContext
    records: list[Record]
    cause: Poison | None = None

    def play(self, stage: Stage, budget: int) -> int:
        if self.cause is None:
            handled = stage.play(self.turn, self.records, budget)
            # Whatever fails after this is not for a record of this share.
            self.turn.record = None
            return handled
        for record in self.records:
            self.turn.poison(record, self.cause)
        return len(self.records)


@dataclass(slots=True)
class Batch:
    """What a Faust agent gets: a share for each partition that has work."""

    shares: list[PartitionShare]
    budget: int
    done: asyncio.Future[list[int]]

    def play(self, stage: Stage) -> None:
        """Let the stage handle it; `done` gets how many records of each share it handled, or its failure."""
        each = max(1, self.budget // len(self.shares))
        try:
            self.done.set_result([share.play(stage, each) for share in self.shares])
        except Exception as failure:  # noqa: BLE001 - the feed raises it again, where the transaction is
            self.done.set_exception(failure)
