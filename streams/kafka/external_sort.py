"""Sorts more pairs than memory holds, on disk, in a folder that is deleted afterwards."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

from streams.tables.store import RocksStore

PAIRS_FAMILY = "pairs"
WRITE_BATCH = 10_000
Pair = tuple[bytes, bytes]
ScanFrom = Callable[[bytes], Iterator[Pair]]
"""The pairs from a key on, in order."""


@contextmanager
def sort_on_disk(pairs: Iterator[Pair], folder: Path) -> Iterator[ScanFrom]:
    """All pairs are sorted when the block begins. The last of several pairs with the same key wins."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="sorted-", dir=folder) as place,
        closing(RocksStore(Path(place, PAIRS_FAMILY), (PAIRS_FAMILY,))) as store,
    ):
        while some := list(islice(pairs, WRITE_BATCH)):
            store.write((PAIRS_FAMILY, key, value) for key, value in some)
        yield partial(store.scan, PAIRS_FAMILY)
