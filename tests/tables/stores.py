"""Both sides of the port `Store`, opened, closed and opened again."""

from collections.abc import Callable, Iterable
from pathlib import Path

from streams.tables.store import MemoryStore, RocksStore, Store

Open = Callable[[Iterable[str]], Store]
"""Open a store of those families; once it was closed, the same one again."""


def memory(_: Path) -> Open:
    kept: dict[tuple[str, ...], MemoryStore] = {}

    def opened(families: Iterable[str]) -> Store:
        names = tuple(families)
        return kept.setdefault(names, MemoryStore(names))

    return opened


def rocks(folder: Path) -> Open:
    return lambda families: RocksStore(folder / "store", families)


SIDES = {"memory": memory, "rocks": rocks}
