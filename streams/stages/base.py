"""Base classes of stages."""

from collections.abc import Sequence

from streams.domain.state import Entry
from streams.errors import Poison
from streams.stages.context import Record, StageContext
from streams.tables.tables import Tables


class BaseStage:
    """A stage without work outside its transactions."""

    kinds: Sequence[type[Entry]] = ()
    patience = 0.1

    def assigned(self, partition: int, tables: Tables) -> None: ...

    def wants(self, partition: int, tables: Tables) -> bool:  # noqa: ARG002
        return False

    def between(self, partition: int, tables: Tables) -> None: ...

    def rest(self) -> bool:
        return True

    def revoked(self, partition: int) -> None: ...


class RecordStage(BaseStage):
    """A stage that handles its records one by one. `record` raises Poison for a record that it cannot
    read."""

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        handled = records[:budget]
        for record in turn.each(handled):
            try:
                self.record(turn, record)
            except Poison as cause:
                turn.poison(record, cause)
        return len(handled)

    def record(self, turn: StageContext, record: Record) -> None:
        raise NotImplementedError
