"""One owner's committed keys in a table, read in order as far as they were asked for, and kept for a batch.

A command asks an owner's table for several ranges that lie beside each other, and the next command of the
same owner asks again: each is one walk in RocksDB, which costs more than all that is read in it.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice

from streams.tables.store import Store

FIRST_READ = 4
MOST_READ = 4096
"""Pairs that one walk reads: few at first, as most ranges are short, then twice as many each time."""


class OwnerScan:
    """Keys that begin with `owner`, from `start` on. The store must not change while it is used."""

    __slots__ = ("_ended", "_owner", "_size", "_start", "_store", "_table", "keys", "values")

    def __init__(self, store: Store, table: str, owner: bytes, start: bytes) -> None:
        self._store = store
        self._table = table
        self._owner = owner
        self._start = start
        self._size = FIRST_READ
        self._ended = False
        self.keys: list[bytes] = []
        self.values: list[bytes] = []
        self._read(start)

    def covers(self, start: bytes) -> bool:
        """Whether a range from there needs no walk of its own to begin."""
        return self._start <= start and (self._ended or start <= self.keys[-1])

    def pairs(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Those whose key begins with `prefix`, from which it must be covered, in key order."""
        at = bisect_left(self.keys, prefix)
        while True:
            while at < len(self.keys):
                key = self.keys[at]
                if not key.startswith(prefix):
                    return
                yield key, self.values[at]
                at += 1
            if self._ended:
                return
            self._read(self.keys[-1] + b"\x00")

    def _read(self, start: bytes) -> None:
        size, self._size = self._size, min(2 * self._size, MOST_READ)
        count = 0
        for key, value in islice(self._store.scan(self._table, start), size):
            if not key.startswith(self._owner):
                break
            self.keys.append(key)
            self.values.append(value)
            count += 1
        self._ended = count < size


def merge_keys(stored: Iterator[bytes], changed: list[bytes]) -> Iterator[bytes]:
    """Merges two sorted sequences of keys, without duplicates."""
    waiting = iter(changed)
    new = next(waiting, None)
    for old in stored:
        while new is not None and new < old:
            yield new
            new = next(waiting, None)
        if new == old:
            new = next(waiting, None)
        yield old
    while new is not None:
        yield new
        new = next(waiting, None)
