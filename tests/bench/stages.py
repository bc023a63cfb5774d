"""The stages that are measured: one that does next to nothing, and one that is timed."""

from collections.abc import Callable, Sequence

from streams.codec.avro import decode
from streams.domain.commands import AddUnits, Command, RegisterMember, SpendUnits
from streams.domain.state import Entry
from streams.stages.base import BaseStage
from streams.stages.context import Record, Stage, StageContext
from streams.tables.tables import Tables
from streams.topics import EVENTS
from tests.bench.floor import Stopwatch

_KINDS: dict[str, type[Command]] = {kind.__name__: kind for kind in (RegisterMember, AddUnits, SpendUnits)}


class Tally(Entry):
    """How many commands a member has sent."""

    table, letter = "pending", b"b"

    commands: int = 0


class BareStage(BaseStage):
    """Avro in, one small entry read, changed and written, Avro out: what the runtime costs by itself."""

    kinds: Sequence[type[Entry]] = (Tally,)

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        for record in records[:budget]:
            owner = (record.key or b"").decode()
            name = record.kind
            command = decode(_KINDS[name], record.value, record.schema)
            state = turn.tables.of(owner)
            tally = state.get(Tally) or Tally()
            state.apply(Tally(commands=tally.commands + 1))
            turn.send_to_same_partition(EVENTS, owner, command)
        return len(records[:budget])


Counted = Callable[[StageContext, int], int]
"""How much of what is measured was done in a turn that handled so many records."""


def count_records(_: StageContext, handled: int) -> int:
    return handled


def count_facts(turn: StageContext, _: int) -> int:
    return sum(output.topic is EVENTS for output in turn.outputs)


class Timed:
    """Another stage, what it does counted. `over` is called once all is committed."""

    def __init__(self, stage: Stage, watch: Stopwatch, counted: Counted, over: Callable[[], None]) -> None:
        self.kinds = stage.kinds
        self._counted = counted
        self._stage = stage
        self._watch = watch
        self._over = over
        self._done = False

    @property
    def patience(self) -> float:
        # The end of the last transaction must not wait for records that never come.
        return min(self._stage.patience, 0.005)

    def assigned(self, partition: int, tables: Tables) -> None:
        self._stage.assigned(partition, tables)

    def wants(self, partition: int, tables: Tables) -> bool:
        return self._stage.wants(partition, tables)

    def between(self, partition: int, tables: Tables) -> None:
        self._stage.between(partition, tables)
        if self._watch.look() and not self._done:
            self._done = True
            self._over()

    def rest(self) -> bool:
        return self._stage.rest()

    def revoked(self, partition: int) -> None:
        self._stage.revoked(partition)

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        handled = self._stage.play(turn, records, budget)
        self._watch.count(self._counted(turn, handled))
        return handled
