"""What a process leaves on its disk: as RocksDB, each write whole or not at all; after a power cut, without
the newest writes that were not synchronised."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from streams.tables.store import MemoryStore, Write

UNSYNCED = 6
"""So many writes at most does a power cut take back."""
_Undo = list[Write]


@dataclass(slots=True)
class Disk:
    """Of one machine: its stores by folder. A dead process writes nothing; a store has one owner."""

    stores: dict[Path, "_Kept"] = field(default_factory=dict)

    def opened(self, alive: Callable[[], bool]) -> Callable[[Path, Sequence[str]], "DiskStore"]:
        def open_store(folder: Path, families: Sequence[str]) -> DiskStore:
            kept = self.stores.get(folder)
            if kept is None:
                kept = self.stores[folder] = _Kept(MemoryStore(families), tuple(families))
            if kept.owner is not None and kept.owner():
                raise OSError(f"{folder} is open already")
            kept.owner = alive
            return DiskStore(kept, alive)

        return open_store

    def wipe(self) -> None:
        self.stores.clear()

    def cut_power(self, rng: Random) -> None:
        for kept in self.stores.values():
            kept.take_back(rng.randint(0, UNSYNCED))

    def release(self) -> None:
        """Its process is gone, and so are its locks."""
        for kept in self.stores.values():
            kept.owner = None


@dataclass(slots=True)
class _Kept:
    values: MemoryStore
    families: tuple[str, ...]
    owner: Callable[[], bool] | None = None
    undo: list[_Undo] = field(default_factory=list)

    def write(self, writes: list[Write]) -> None:
        before: dict[tuple[str, bytes], bytes | None] = {}
        for family, key, _ in writes:
            before.setdefault((family, key), self.values.get(family, key))
        self.undo.append([(family, key, value) for (family, key), value in before.items()])
        del self.undo[:-UNSYNCED]
        self.values.write(writes)

    def take_back(self, count: int) -> None:
        for _ in range(min(count, len(self.undo))):
            self.values.write(self.undo.pop())


class DiskStore:
    """A store of a disk, as its process sees it."""

    def __init__(self, kept: _Kept, alive: Callable[[], bool]) -> None:
        self._kept = kept
        self._alive = alive

    def get(self, family: str, key: bytes) -> bytes | None:
        return self._kept.values.get(family, key)

    def scan(self, family: str, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self._kept.values.scan(family, start)

    def write(self, writes: Iterable[Write]) -> None:
        if self._alive():
            self._kept.write(list(writes))

    def clear(self, family: str) -> None:
        if self._alive():
            self._kept.write([(family, key, None) for key, _ in self._kept.values.scan(family, b"")])

    def check(self) -> None: ...

    def close(self) -> None:
        if self._alive():
            self._kept.owner = None
