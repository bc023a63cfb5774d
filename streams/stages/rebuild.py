"""The loyalty stage's state made again from the facts alone, and compared with the one that runs.

What does not follow from facts is left out: the memory of commands and of what waits for other owners (the
table `commands`), and what timers know of the lead times that they have passed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

import msgspec

from streams.codec import build, read
from streams.domain.events import Event
from streams.domain.evolve import evolve
from streams.domain.state import DataKey, Entry
from streams.domain.store import StoreSettings
from streams.errors import Poison
from streams.shredding import opened
from streams.stages.commands import owner_of
from streams.stages.loyalty import LoyaltyStage
from streams.stages.turn import Record
from streams.tables.owned import Owned
from streams.tables.tables import Tables

WORKING = "commands"
KINDS: Sequence[type[Entry]] = tuple(kind for kind in LoyaltyStage.kinds if kind.table != WORKING)
"""Those that follow from facts."""
TIMERS = frozenset({"announced", "safe", "due_at"})
"""Fields that follow from the lead times of the moment too."""
SHOWN = 100
_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
_DECODERS = {(k.table, k.letter): msgspec.msgpack.Decoder(k) for k in KINDS}
_NAMES = {(k.table, k.letter): k.__name__ for k in KINDS}


def rebuild(
    tables: Tables,
    records: Iterable[Record],
    store: Callable[[str], StoreSettings | None],
    secret: Callable[[str], bytes | None],
) -> None:
    """Takes facts into the tables, by the rules of now; what is personal in them is sealed with an owner's
    `secret`. Raises Poison for what is none."""
    for _ in retold(tables, records, store, secret):
        pass


class Retold(NamedTuple):
    """A fact, its owner's state after it, and the settings of now."""

    record: Record
    fact: Event
    state: Owned
    store: StoreSettings


def retold(
    tables: Tables,
    records: Iterable[Record],
    store: Callable[[str], StoreSettings | None],
    secret: Callable[[str], bytes | None],
) -> Iterator[Retold]:
    """Each fact once the tables have taken it; they keep all of them when it is exhausted. Raises Poison."""
    for record in records:
        owner = (record.key or b"").decode(errors="replace")
        name, tree = read(opened(record.value, record.headers, secret(owner)), record.schema)
        if name not in _EVENTS:
            raise Poison(f"{name} is no fact")
        event: Event = build(_EVENTS[name], tree)
        settings = store(event.store)
        if settings is None:
            raise Poison(f"store {event.store!r} has no settings")
        state = tables.of(owner_of(event.store, event.member_id))
        for change in evolve(state, event, settings):
            state.apply(change)
        yield Retold(record, event, state, settings)
    tables.commit(list(tables.changelog()), {})


def secrets_of(running: Tables) -> Callable[[str], bytes | None]:
    """The data keys that the running state holds, by their owners."""

    def secret(owner: str) -> bytes | None:
        key = running.of(owner).get(DataKey)
        return key.secret if key else None

    return secret


@dataclass(slots=True)
class Comparison:
    """By kind of entry: how many are the same, and how many are not."""

    same: Counter[str] = field(default_factory=Counter)
    different: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    """Of owners of whom more has happened meanwhile."""
    differences: list[str] = field(default_factory=list)

    def compare(self, rebuilt: Tables, running: Tables, moved: frozenset[str]) -> None:
        """`moved`: owners that are passed over."""
        for place, ours, theirs in _paired(_entries(rebuilt), _entries(running)):
            table, owner, key = place
            kind = _NAMES[table, key[:1]]
            if owner in moved:
                self.passed_over[kind] += 1
            elif ours == theirs or _known(place, ours) == _known(place, theirs):
                self.same[kind] += 1
            else:
                self._differs(kind, owner, ours, theirs)

    def _differs(self, kind: str, owner: str, ours: bytes | None, theirs: bytes | None) -> None:
        self.different[kind] += 1
        if len(self.differences) < SHOWN:
            which = "is not rebuilt" if ours is None else "is not there" if theirs is None else "differs"
            self.differences.append(f"{owner}: {kind} {which}")


Place = tuple[str, str, bytes]


def _entries(tables: Tables) -> Iterator[tuple[Place, bytes]]:
    for table, owner, key, raw in tables.entries():
        if table != WORKING:
            yield (table, owner, key), raw


def _paired(
    ours: Iterator[tuple[Place, bytes]], theirs: Iterator[tuple[Place, bytes]]
) -> Iterator[tuple[Place, bytes | None, bytes | None]]:
    """Both in the order of their tables' keys, entry beside entry."""
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


def _order(place: Place) -> tuple[str, bytes]:
    table, owner, key = place
    return table, owner.encode() + b"\x00" + key


def _known(place: Place, raw: bytes | None) -> dict[str, Any] | None:
    """The entry without what timers know."""
    if raw is None:
        return None
    entry = _DECODERS[place[0], place[2][:1]].decode(raw)
    return {name: getattr(entry, name) for name in entry.__struct_fields__ if name not in TIMERS}
