"""One partition's log: records, transactions' markers, its two ends, and compaction."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Headers = list[tuple[str, bytes]]


@dataclass(slots=True)
class Entry:
    """A record, or a marker where `marks` is set. `at` is in seconds."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    at: float
    producer: int | None = None
    marks: bool = False
    aborted: bool = False


@dataclass(slots=True, eq=False)
class Log:
    """`waiting` are called once whenever more can be read."""

    topic: str
    number: int
    compacted: bool = False
    start: int = 0
    end: int = 0
    leader: int | None = 0
    epoch: int = 0
    replicas: tuple[int, ...] = (0,)
    entries: list[Entry] = field(default_factory=list)
    open: dict[int, int] = field(default_factory=dict)
    """Of each producer with an open transaction here, its first offset."""
    waiting: dict[object, Callable[[], None]] = field(default_factory=dict)

    @property
    def stable(self) -> int:
        """The last stable offset: where the first open transaction begins."""
        return min(self.open.values(), default=self.end)

    def append(
        self,
        records: list[tuple[bytes | None, bytes | None, Headers, float]],
        producer: int | None = None,
    ) -> int:
        """The offset of the first. `producer`: within its transaction."""
        first = self.end
        for key, value, headers, at in records:
            self.entries.append(Entry(self.end, key, value, headers, at, producer))
            self.end += 1
        if producer is not None:
            self.open.setdefault(producer, first)
        self.tell()
        return first

    def mark(self, producer: int, *, commit: bool, at: float) -> None:
        """The transaction ends here; its marker takes an offset that nobody is given."""
        first = self.open.pop(producer, None)
        if first is not None and not commit:
            for entry in self._from(first):
                entry.aborted = entry.aborted or entry.producer == producer
        self.entries.append(Entry(self.end, None, None, [], at, producer, marks=True))
        self.end += 1
        self.tell()

    def tell(self) -> None:
        """Whoever waits looks again."""
        waiting, self.waiting = self.waiting, {}
        for call in waiting.values():
            call()

    def _from(self, offset: int) -> Iterator[Entry]:
        at = bisect_left(self.entries, offset, key=lambda entry: entry.offset)
        for index in range(at, len(self.entries)):
            yield self.entries[index]

    def read(self, offset: int, most: int, *, committed: bool) -> tuple[list[Entry], int]:
        """Records from `offset` on, and where to read on: behind what nobody is given."""
        limit = self.stable if committed else self.end
        found: list[Entry] = []
        for entry in self._from(offset):
            if entry.offset >= limit:
                break
            if len(found) == most:
                return found, entry.offset
            if not (entry.marks or (committed and entry.aborted)):
                found.append(entry)
        return found, max(offset, limit)

    def committed(self) -> Iterator[Entry]:
        """What a reader of committed records is given, from the beginning."""
        return iter(self.read(self.start, len(self.entries), committed=True)[0])

    def compact(self) -> int:
        """Drop what was replaced, aborted or only marks, below the last stable offset; offsets stay.
        Tombstones stay too: they go after days only. Returns how many went."""
        stable, before = self.stable, len(self.entries)
        latest = {
            entry.key: entry.offset
            for entry in self.entries
            if entry.offset < stable and not (entry.marks or entry.aborted)
        }
        self.entries = [
            entry
            for entry in self.entries
            if entry.offset >= stable or (not entry.marks and latest.get(entry.key) == entry.offset)
        ]
        return before - len(self.entries)

    def delete_before(self, offset: int) -> None:
        """Retention: the log begins there now."""
        self.start = max(self.start, min(offset, self.stable))
        self.entries = [entry for entry in self.entries if entry.offset >= self.start]
