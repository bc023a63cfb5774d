"""What a state made from facts takes over from the running one: the handled commands, what waits, and what
timers have announced. So nothing is announced twice, and no command is handled twice.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from streams.migration.compare import (
    TIMER_FIELDS,
    WORKING_TABLE,
    Comparison,
    Place,
    decode_entry,
    pair_entries,
)
from streams.tables.owner_entries import OWNER_END
from streams.tables.store import Write
from streams.tables.tables import Tables

_ENCODE = msgspec.msgpack.Encoder().encode


def carry_over(found: Comparison, rebuilt: Tables, running: Tables, moved: frozenset[str]) -> Iterator[Write]:
    """Compares as `found` does, and yields what is to be written over the rebuilt state. Nothing of whoever
    differs or is passed over; the working memory is taken as it is."""
    for place, ours, theirs in pair_entries(rebuilt, running):
        if place[0] == WORKING_TABLE:
            if ours != theirs:
                yield _write(place, theirs)
        elif found.judge(place, ours, theirs, moved) and ours and theirs and ours != theirs:
            entry = _timed(decode_entry(place, ours), decode_entry(place, theirs), found.layout.added)
            raw = _ENCODE(entry)
            if raw != ours:
                yield _write(place, raw)


def _write(place: Place, raw: bytes | None) -> Write:
    table, owner, key = place
    return table, owner.encode() + OWNER_END + key, raw


def _timed(ours: Any, theirs: Any, added: frozenset[str]) -> Any:
    """Ours, with what timers know as it is in theirs; of lots inside it too."""
    if type(ours) is not type(theirs):
        return ours
    if isinstance(ours, tuple) and len(ours) == len(theirs):
        return tuple(_timed(our, their, added) for our, their in zip(ours, theirs, strict=True))
    if not isinstance(ours, msgspec.Struct):
        return ours
    kind = type(ours).__name__
    return replace(
        ours,
        **{
            name: getattr(theirs, name)
            if name in TIMER_FIELDS
            else _timed(getattr(ours, name), getattr(theirs, name), added)
            for name in ours.__struct_fields__
            if f"{kind}.{name}" not in added
        },
    )
