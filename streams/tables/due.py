"""The due index: finds the entry whose timer is due next. Its cost grows with the number of due entries, not
of stored ones."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import islice

from streams.domain.state import FOREVER, Entry, instant, sortable
from streams.tables.store import Store, Write

FAMILY = "due"
MAX_SAMPLED_GROUPS = 200
_TICK = timedelta(microseconds=1)


def due_key(entry: Entry, due: datetime, key: bytes) -> bytes:
    """Sorts within the entry's group by time, then by owner and key, so that every replay fires timers in the
    same order."""
    return entry.due_group() + sortable(due) + key + b"\x00" + entry.table.encode()


def parse_due_key(due: bytes, group_size: int) -> tuple[str, bytes]:
    """The table and the key of the entry that a due key points to."""
    key, _, table = due[group_size + 8 :].rpartition(b"\x00")
    return table.decode(), key


class DueIndex:
    """The committed index with the changes of the current batch over it."""

    def __init__(self, store: Store, group_size: int) -> None:
        self._store = store
        self._group_size = group_size
        # By group, a key before which nothing committed lies. Without it every read would walk over the
        # RocksDB tombstones of all timers that have fired.
        self._first_possible: dict[bytes, bytes] = {}
        self._reset()

    def _reset(self) -> None:
        self._added: set[bytes] = set()
        self._removed: set[bytes] = set()
        self._heap: list[bytes] = []
        self._committed: Iterator[bytes] | None = None
        self._head = FOREVER

    def add(self, key: bytes) -> None:
        self._removed.discard(key)
        self._added.add(key)
        heappush(self._heap, key)
        group = key[: self._group_size]
        if key < self._first_possible.get(group, b""):
            self._first_possible[group] = key

    def remove(self, key: bytes) -> None:
        self._added.discard(key)
        self._removed.add(key)

    def first(self, now: datetime) -> bytes | None:
        """The earliest key of the nameless group that is due at `now`, or None."""
        while self._heap and self._heap[0] not in self._added:
            heappop(self._heap)
        added = self._heap[0] if self._heap else FOREVER
        earliest = min(added, self._first_committed())
        return earliest if earliest[:8] <= sortable(now) else None

    def _first_committed(self) -> bytes:
        if self._committed is None:
            self._committed = self._scan_from(b"")
            self._head = next(self._committed, FOREVER)
        while self._head in self._removed:
            self._head = next(self._committed, FOREVER)
        return self._head

    def _scan_from(self, group: bytes) -> Iterator[bytes]:
        for key, _ in self._store.scan(FAMILY, self._first_possible.get(group, group)):
            if not key.startswith(group):
                return
            yield key

    def within(self, group: bytes, now: datetime) -> Iterator[bytes]:
        """Committed keys of the group that are due at `now`, in order."""
        first = True
        for key in self._scan_from(group):
            if first:
                self._first_possible[group], first = key, False
            if key[len(group) : len(group) + 8] > sortable(now):
                return
            yield key

    def after(self, group: bytes, now: datetime) -> datetime | None:
        """When the group's next committed key after `now` is due, or None."""
        start = max(self._first_possible.get(group, group), group + sortable(now + _TICK))
        key, _ = next(self._store.scan(FAMILY, start), (b"", b""))
        return instant(key[len(group) : len(group) + 8]) if key.startswith(group) and key else None

    def earliest(self, now: datetime) -> datetime | None:
        """Since when the earliest committed key that is due at `now` has been due, of MAX_SAMPLED_GROUPS
        groups at most; None if none is."""
        size = self._group_size
        groups = islice(self.groups(), MAX_SAMPLED_GROUPS) if size else iter((b"",))
        heads = (next(self.within(group, now), None) for group in groups)
        return min((instant(key[size : size + 8]) for key in heads if key), default=None)

    def writes(self) -> Iterator[Write]:
        """The batch's changes, to be written with its entries."""
        for key in self._removed:
            yield FAMILY, key, None
        for key in self._added:
            yield FAMILY, key, b""

    def committed(self) -> None:
        """To be called once the writes are on disk."""
        if self._committed is not None:
            self._first_possible[b""] = min([self._first_committed(), *self._added])
        self._reset()

    def aborted(self) -> None:
        self._reset()

    def groups(self) -> Iterator[bytes]:
        """The groups that have a committed key, each found by one seek."""
        start = b""
        while True:
            key, _ = next(self._store.scan(FAMILY, start), (None, b""))
            if key is None:
                return
            yield key[: self._group_size]
            start = key[: self._group_size] + FOREVER

    def forget(self) -> None:
        """To be called when the family was changed without this index: reads start from its beginning
        again."""
        self._first_possible.clear()
        self._reset()
