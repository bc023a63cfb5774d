"""How far the tables of a partition have come in their changelogs, of which topics, and as of when."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from streams.domain.state import instant, sortable
from streams.tables.store import Store, Write

FAMILY = "checkpoints"
# No table's name begins so.
_TOPIC, _AS_OF = b"\x00topic/", b"\x00as-of/"
_ALL_TABLES = ""


class Checkpoints:
    """What is read here was written together with the entries that it speaks of."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def offset(self, table: str) -> int:
        """Before which offset all of its changelog is in the table; 0 where it holds nothing."""
        return int.from_bytes(self._store.get(FAMILY, table.encode()) or b"", "big")

    def topic(self, table: str) -> str | None:
        """The id of the topic that the offset is of; None: it was not told."""
        raw = self._store.get(FAMILY, _TOPIC + table.encode())
        return raw.decode() if raw else None

    def as_of(self, table: str) -> datetime | None:
        """A moment at which the table lacked nothing; None: there was none yet."""
        keys = (_AS_OF + table.encode(), _AS_OF + _ALL_TABLES.encode())
        found = [raw for key in keys if (raw := self._store.get(FAMILY, key))]
        return instant(max(found)) if found else None

    def remember(self, topics: Mapping[str, str]) -> None:
        """By table, the id of the topic that it is read from."""
        changed = {table: id_ for table, id_ in topics.items() if self.topic(table) != id_}
        self._store.write((FAMILY, _TOPIC + table.encode(), id_.encode()) for table, id_ in changed.items())

    def complete(self, at: datetime, tables: Iterable[str]) -> None:
        """At that moment these tables lacked nothing."""
        self._store.write(as_of_writes(at, tables))


def offset_writes(offsets: Mapping[str, int]) -> Iterator[Write]:
    return ((FAMILY, table.encode(), offset.to_bytes(8, "big")) for table, offset in offsets.items())


def as_of_writes(at: datetime | None, tables: Iterable[str] = (_ALL_TABLES,)) -> Iterator[Write]:
    """Without `tables`: of all."""
    if at is not None:
        yield from ((FAMILY, _AS_OF + table.encode(), sortable(at)) for table in tables)
