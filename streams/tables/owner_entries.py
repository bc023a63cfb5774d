"""One owner's entries within a partition's tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from streams.domain.state import Change, E, Entry
from streams.tables.due import due_key

if TYPE_CHECKING:
    from streams.tables.tables import Tables

OWNER_END = b"\x00"


class OwnerState:
    """One owner's entries: decisions read them as a `State`, and their changes are applied here."""

    __slots__ = ("_owner", "_tables")

    def __init__(self, tables: "Tables", owner: bytes) -> None:
        self._tables = tables
        self._owner = owner

    @property
    def owner(self) -> str:
        return self._owner[: -len(OWNER_END)].decode()

    def get(self, kind: type[E], key: bytes = b"") -> E | None:
        return self._tables.get(kind, self._owner + kind.letter + key)

    def scan(self, kind: type[E], prefix: bytes = b"") -> Iterator[E]:
        return self._tables.scan(kind, self._owner, prefix)

    def apply(self, change: Change) -> None:
        self._tables.apply(self._owner, change)

    def due_key(self, entry: Entry) -> bytes:
        """The key by which `due_entry` finds the entry, committed or not. The entry must have a due time."""
        assert entry.due is not None, "it is due some time"  # noqa: S101
        return due_key(entry, entry.due, self._owner + entry.letter + entry.key())
