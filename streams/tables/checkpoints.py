"""Restore positions of a partition's tables: the changelog offset, the topic's id, and when the table was
complete."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from streams.domain.state import instant, sortable
from streams.tables.store import Store, Write

FAMILY = "checkpoints"
# No table's name begins with a zero byte.
_TOPIC, _AS_OF = b"\x00topic/", b"\x00as-of/"
_ALL_TABLES = ""


class Checkpoints:
    """Positions that are written in the same atomic write as the entries that they describe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def offset(self, table: str) -> int:
        """The table holds its changelog up to, not including, this offset; 0 if the table is empty."""
        return int.from_bytes(self._store.get(FAMILY, table.encode()) or b"", "big")

    def topic(self, table: str) -> str | None:
        """The id of the topic that the offset belongs to, or None if it is not known."""
        raw = self._store.get(FAMILY, _TOPIC + table.encode())
        return raw.decode() if raw else None

    def as_of(self, table: str) -> datetime | None:
        """The latest moment at which the table was complete, or None if it never was."""
        keys = (_AS_OF + table.encode(), _AS_OF + _ALL_TABLES.encode())
        found = [raw for key in keys if (raw := self._store.get(FAMILY, key))]
        return instant(max(found)) if found else None

    def remember(self, topics: Mapping[str, str]) -> None:
        """Stores, by table, the id of the topic that the table is read from."""
        changed = {table: id_ for table, id_ in topics.items() if self.topic(table) != id_}
        self._store.write((FAMILY, _TOPIC + table.encode(), id_.encode()) for table, id_ in changed.items())

    def complete(self, at: datetime, tables: Iterable[str]) -> None:
        """Records that these tables were complete at that moment."""
        self._store.write(as_of_writes(at, tables))


def offset_writes(offsets: Mapping[str, int]) -> Iterator[Write]:
    return ((FAMILY, table.encode(), offset.to_bytes(8, "big")) for table, offset in offsets.items())


def as_of_writes(at: datetime | None, tables: Iterable[str] = (_ALL_TABLES,)) -> Iterator[Write]:
    """The writes that record completeness at `at`: of these tables, or of all of them by default."""
    if at is not None:
        yield from ((FAMILY, _AS_OF + table.encode(), sortable(at)) for table in tables)
