"""A partition's tables as their changelogs have them: for readers outside the process that owns it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

from streams.domain.state import E, Entry
from streams.tables.owner_entries import OWNER_END
from streams.tables.store import Store, Write
from streams.tables.tables import Tables, UnindexedTables, families

OWNERS = "owners"
"""The family in which entries that have ids of their own are found without their owner."""
Records = list[tuple[bytes, bytes | None]]
RestoreListener = Callable[[str, Records, int], None]
"""Called with a table's name, its records that are in the store now, and the offset behind them."""


class MemberReplica(UnindexedTables):
    """Follows changelogs and is never changed otherwise. Entries of `found` kinds are found by their key.

    One thread restores; any may read through `of_owner` and `holders`.
    """

    def __init__(
        self, store: Store, kinds: Sequence[type[Entry]], found: Sequence[type[Entry]], told: RestoreListener
    ) -> None:
        super().__init__(store, kinds)
        self._all_kinds = kinds
        self._found = {(kind.table, kind.letter) for kind in found}
        self._told = told
        self._ends: dict[str, int] = {}

    @staticmethod
    def families(kinds: Iterable[type[Entry]]) -> list[str]:
        """What its store must hold."""
        return [*families(kinds), OWNERS]

    def restore(self, table: str, records: Iterable[tuple[bytes, bytes | None]], offset: int) -> None:
        latest = list(dict(records).items())
        if not latest and self._ends.get(table) == offset:
            return
        self._ends[table] = offset
        # Before the checkpoint: written again after a crash, it says the same.
        self._store.write(list(self._owners(table, latest)))
        super().restore(table, latest, offset)
        self._told(table, latest, offset)

    def _owners(self, table: str, records: Records) -> Iterator[Write]:
        for key, value in records:
            owner, _, rest = key.partition(OWNER_END)
            if (table, rest[:1]) in self._found:
                place = _place(table, rest) + OWNER_END + owner
                yield OWNERS, place, None if value is None else b""

    def clear(self) -> None:
        super().clear()
        self._store.clear(OWNERS)

    def of_owner(self, owner: str) -> "Committed":
        return Committed(self._store, owner.encode() + OWNER_END)

    def beside(self) -> Tables:
        """Tables over the same entries for one thread that plays ahead: its changes stay its own, and must
        not be committed."""
        return Tables(self._store, self._all_kinds)

    def holders(self, kind: type[Entry], key: bytes) -> Iterator[str]:
        """Whose entries of that kind have that key."""
        start = _place(kind.table, kind.letter + key) + OWNER_END
        for place, _ in self._store.scan(OWNERS, start):
            if not place.startswith(start):
                return
            yield place[len(start) :].decode()


class Committed:
    """One owner's entries as they are committed: a `State` for readers."""

    __slots__ = ("_owner", "_store")

    def __init__(self, store: Store, owner: bytes) -> None:
        self._store = store
        self._owner = owner

    def get(self, kind: type[E], key: bytes = b"") -> E | None:
        raw = self._store.get(kind.table, self._owner + kind.letter + key)
        return None if raw is None else decode_entry(kind, raw)

    def scan(self, kind: type[E], prefix: bytes = b"") -> Iterator[E]:
        start = self._owner + kind.letter + prefix
        for key, raw in self._store.scan(kind.table, start):
            if not key.startswith(start):
                return
            yield decode_entry(kind, raw)


def decode_entry(kind: type[E], raw: bytes) -> E:
    entry: E = _decoder(kind).decode(raw)
    return entry


@cache
def _decoder(kind: type[Entry]) -> Any:
    return msgspec.msgpack.Decoder(kind)


def _place(table: str, key: bytes) -> bytes:
    return table.encode() + b"/" + key
