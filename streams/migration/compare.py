"""The loyalty stage's state made again from the facts alone, and compared with the one that runs.

What does not follow from facts is left out: the memory of commands and of what waits for other owners (the
table `commands`), and what timers know of the lead times that they have passed.
`streams.migration.carry_over` takes it over where the state that was made is to run in the other's place.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.domain.state import Entry
from streams.stages.loyalty import LoyaltyStage
from streams.stages.state_schema import STATE_SCHEMA, StateSchema
from streams.tables.tables import Tables

WORKING_TABLE = "commands"
COMPARED_KINDS: Sequence[type[Entry]] = tuple(
    kind for kind in LoyaltyStage.kinds if kind.table != WORKING_TABLE
)
"""Those that follow from facts."""
TIMER_FIELDS = frozenset({"announced", "safe", "due_at"})
"""Fields that follow from the lead times of the moment too."""
MAX_SHOWN = 100
_DECODERS = {(k.table, k.letter): msgspec.msgpack.Decoder(k) for k in COMPARED_KINDS}
_NAMES = {(k.table, k.letter): k.__name__ for k in COMPARED_KINDS}


@dataclass(slots=True)
class Comparison:
    """By kind of entry: how many are the same, and how many are not."""

    layout: StateSchema = STATE_SCHEMA
    same: Counter[str] = field(default_factory=Counter)
    different: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    """Of owners of whom more has happened meanwhile."""
    differences: list[str] = field(default_factory=list)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many differ, by kind of entry and in which way."""
    contradictions: list[str] = field(default_factory=list)
    """Facts that cannot all be true."""

    def compare(self, rebuilt: Tables, running: Tables, moved: frozenset[str]) -> None:
        """`moved`: owners that are passed over."""
        for place, ours, theirs in pair_entries(rebuilt, running):
            if place[0] != WORKING_TABLE:
                self.judge(place, ours, theirs, moved)

    def judge(
        self, place: "Place", ours: bytes | None, theirs: bytes | None, moved: frozenset[str] = frozenset()
    ) -> bool:
        """Whether both are there, or need not be, and say the same."""
        table, owner, key = place
        kind = _NAMES[table, key[:1]]
        if owner in moved:
            self.passed_over[kind] += 1
            return False
        if ours == theirs or self._alike(place, kind, ours, theirs):
            self.same[kind] += 1
            return True
        self._differs(kind, owner, ours, theirs)
        return False

    def _alike(self, place: "Place", kind: str, ours: bytes | None, theirs: bytes | None) -> bool:
        if theirs is None:
            return kind in self.layout.added
        return ours is not None and _known(decode_entry(place, ours), self.layout.added) == _known(
            decode_entry(place, theirs), self.layout.added
        )

    def _differs(self, kind: str, owner: str, ours: bytes | None, theirs: bytes | None) -> None:
        self.different[kind] += 1
        which = "is not rebuilt" if ours is None else "is not there" if theirs is None else "differs"
        self.kinds[kind, which] += 1
        if len(self.differences) < MAX_SHOWN:
            self.differences.append(f"{owner}: {kind} {which}")


Place = tuple[str, str, bytes]
"""Table, owner, and the key below it."""
EntryPair = tuple[Place, bytes | None, bytes | None]


def pair_entries(rebuilt: Tables, running: Tables) -> Iterator[EntryPair]:
    """Both in the order of their tables' keys, entry beside entry."""
    ours, theirs = _entries(rebuilt), _entries(running)
    our, their = next(ours, None), next(theirs, None)
    while our or their:
        if their is None or (our and _order(our[0]) < _order(their[0])):
            assert our is not None  # noqa: S101 - one of the two is there
            yield our[0], our[1], None
            our = next(ours, None)
        elif our is None or _order(their[0]) < _order(our[0]):
            yield their[0], None, their[1]
            their = next(theirs, None)
        else:
            yield our[0], our[1], their[1]
            our, their = next(ours, None), next(theirs, None)


def _entries(tables: Tables) -> Iterator[tuple[Place, bytes]]:
    return (((table, owner, key), raw) for table, owner, key, raw in tables.entries())


def _order(place: Place) -> tuple[str, bytes]:
    table, owner, key = place
    return table, owner.encode() + b"\x00" + key


def decode_entry(place: Place, raw: bytes) -> Entry:
    """An entry of what follows from facts."""
    entry: Entry = _DECODERS[place[0], place[2][:1]].decode(raw)
    return entry


def _known(value: Any, added: frozenset[str]) -> Any:
    """An entry without what timers know, of lots inside it too, nor what the layout before has not."""
    if isinstance(value, msgspec.Struct):
        kind = type(value).__name__
        names = (name for name in value.__struct_fields__ if name not in TIMER_FIELDS)
        return kind, *(_known(getattr(value, n), added) for n in names if f"{kind}.{n}" not in added)
    return tuple(_known(each, added) for each in value) if isinstance(value, tuple) else value
