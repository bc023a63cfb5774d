"""Intersects the sorted entries of several index terms."""

from collections.abc import Iterator, Sequence

from streams.tables.store import Store

MAX_STEPS_BEFORE_SEEK = 8
"""After so many steps a seek costs less than further steps."""


class IndexCursor:
    """A forward-only cursor over the positions of one term."""

    __slots__ = ("_family", "_here", "_keys", "_store", "_term", "steps")

    def __init__(self, store: Store, family: str, term: bytes) -> None:
        self._store = store
        self._family = family
        self._term = term
        self._keys: Iterator[tuple[bytes, bytes]] = iter(())
        self._here: bytes | None = b""
        self.steps = 0

    def at_least(self, place: bytes) -> bytes | None:
        """The first position that is not before `place`, or None at the end."""
        for _ in range(MAX_STEPS_BEFORE_SEEK if self.steps else 0):
            if self._here is None or self._here >= place:
                return self._here
            self._step()
        if self.steps and (self._here is None or self._here >= place):
            return self._here
        self._keys = self._store.scan(self._family, self._term + place)
        self._step()
        return self._here

    def _step(self) -> None:
        self.steps += 1
        key = next(self._keys, (b"",))[0]
        self._here = key[len(self._term) :] if key.startswith(self._term) else None


def intersect_indexes(
    walks: Sequence[IndexCursor], start: bytes, most: int
) -> Iterator[tuple[bytes | None, bytes]]:
    """Yields (position, where to continue) for each position from `start` on that all cursors have, in order.

    After about `most` steps without a match it yields (None, where to continue) and ends."""
    at, begun = start, 0
    while True:
        places = []
        for walk in walks:
            here = walk.at_least(at)
            if here is None:
                return
            places.append(here)
            at = max(at, here)
        steps = sum(walk.steps for walk in walks)
        if all(here == at for here in places):
            found, at, begun = at, at + b"\x00", steps
            yield found, at
        elif steps - begun > most:
            yield None, at
            return
