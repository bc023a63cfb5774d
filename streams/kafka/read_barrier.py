"""Waits until a reader has passed the end that a topic had at the call: read your own writes."""

import asyncio
from collections.abc import Iterable

from streams.kafka.end_offsets import EndOffsets
from streams.kafka.offsets import Place


class ReadBarrier:
    """To be made inside its event loop. The reader may be a thread."""

    def __init__(self, ends: EndOffsets) -> None:
        self._ends = ends
        self._loop = asyncio.get_running_loop()
        self._positions: dict[Place, int] = {}
        self._waiting: dict[asyncio.Future[None], dict[Place, int]] = {}

    def read(self, place: Place, offset: int) -> None:
        """The reader has passed everything before `offset`. May be called from any thread."""
        if self._positions.get(place) != offset:
            self._positions[place] = offset
            self._loop.call_soon_threadsafe(self._moved)

    async def all(self, places: Iterable[Place]) -> None:
        """Returns once everything that was committed before the call has been read. Raises Retryable."""
        missing = self._missing(await self._ends.of(list(places)))
        if missing:
            arrived: asyncio.Future[None] = self._loop.create_future()
            self._waiting[arrived] = missing
            # It may have come between the look and the entry.
            self._moved()
            try:
                await arrived
            finally:
                del self._waiting[arrived]

    def _missing(self, ends: dict[Place, int]) -> dict[Place, int]:
        return {place: end for place, end in ends.items() if self._positions.get(place, 0) < end}

    def _moved(self) -> None:
        for arrived, ends in list(self._waiting.items()):
            if not arrived.done() and not self._missing(ends):
                arrived.set_result(None)
