"""A read-only copy of a partition's tables, restored from their changelogs, for processes that do not own the
partition."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

from streams.domain.state import E, Entry
from streams.tables.owner_entries import OWNER_END
from streams.tables.store import Store, Write
from streams.tables.tables import Tables, UnindexedTables, table_families

OWNERS = "owners"
"""The family that finds the owner of an entry by the entry's own key."""
Records = list[tuple[bytes, bytes | None]]
RestoreListener = Callable[[str, Records, int], None]
"""Called with a table's name, the records that were just stored, and the offset after them."""


class MemberReplica(UnindexedTables):
    """Only changelog records change it. Entries of the kinds `found` can be looked up by their key alone.

    One thread restores; any thread may read through `of_owner` and `holders`.
    """

    def __init__(
        self, store: Store, kinds: Sequence[type[Entry]], found: Sequence[type[Entry]], told: RestoreListener
    ) -> None:
        super().__init__(store, kinds)
        self._all_kinds = kinds
        self._kinds_by_key = {(kind.table, kind.letter) for kind in found}
        self._on_restore = told
        self._restored_offsets: dict[str, int] = {}

    @staticmethod
    def families(kinds: Iterable[type[Entry]]) -> list[str]:
        """The families that its store must have."""
        return [*table_families(kinds), OWNERS]

    def restore(self, table: str, records: Iterable[tuple[bytes, bytes | None]], offset: int) -> None:
        latest = list(dict(records).items())
        if not latest and self._restored_offsets.get(table) == offset:
            return
        self._restored_offsets[table] = offset
        # Before the checkpoint: after a crash it is written again, with the same content.
        self._store.write(list(self._holder_writes(table, latest)))
        super().restore(table, latest, offset)
        self._on_restore(table, latest, offset)

    def _holder_writes(self, table: str, records: Records) -> Iterator[Write]:
        for key, value in records:
            owner, _, rest = key.partition(OWNER_END)
            if (table, rest[:1]) in self._kinds_by_key:
                place = _holder_key(table, rest) + OWNER_END + owner
                yield OWNERS, place, None if value is None else b""

    def clear(self) -> None:
        super().clear()
        self._store.clear(OWNERS)

    def of_owner(self, owner: str) -> "CommittedState":
        return CommittedState(self._store, owner.encode() + OWNER_END)

    def beside(self) -> Tables:
        """Tables over the same entries for one thread that simulates the future. Its changes must not be
        committed."""
        return Tables(self._store, self._all_kinds)

    def holders(self, kind: type[Entry], key: bytes) -> Iterator[str]:
        """The owners of the entries of that kind and key."""
        start = _holder_key(kind.table, kind.letter + key) + OWNER_END
        for place, _ in self._store.scan(OWNERS, start):
            if not place.startswith(start):
                return
            yield place[len(start) :].decode()


class CommittedState:
    """One owner's committed entries, as a read-only `State`."""

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


def _holder_key(table: str, key: bytes) -> bytes:
    return table.encode() + b"/" + key
