"""Previews reckoned in the background, one after the other: a page shows how far its own has come."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from math import inf
from typing import Literal, Protocol

from streams.domain.preview import AnnouncementPreview
from streams.domain.store import StoreSettings

MAX_SECONDS = 120.0
"""A preview that takes longer is one of the members that were looked at until then."""
KEEP_SECONDS = 60.0
"""Seconds for which the same question gets the same answer."""
UNUSED_SECONDS = 60.0
"""Seconds after which nobody seems to wait for a preview any more."""
MAX_AT_ONCE = 8
MAX_SHOWN = 25
"""Announcements listed one by one."""


class MemberTimers(Protocol):
    """All members of all stores, for a thread that may take its time. Both raise Retryable."""

    def now(self) -> datetime:
        """The time that timers follow."""

    def look(self, preview: AnnouncementPreview, store: str) -> Iterator[int]:
        """Shows `preview` every member of the store; yields how many since the last time."""


@dataclass(slots=True, eq=False)
class Forecast:
    """`preview` may be read once it has ended: `whole`, or `cut short` after so many members."""

    preview: AnnouncementPreview
    asked_at: float
    state: Literal["under way", "whole", "cut short", "given up"] = "under way"
    looked: int = 0
    ended_at: float = 0.0
    done: Future[None] = field(default_factory=Future)

    @property
    def ended(self) -> bool:
        return self.state in {"whole", "cut short"}


class ForecastService:
    """To be stopped. `timer`: seconds, of a clock that never goes back."""

    def __init__(
        self,
        members: MemberTimers,
        timer: Callable[[], float] = time.monotonic,
        unasked: float = UNUSED_SECONDS,
    ) -> None:
        self._members = members
        self._timer = timer
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="forecast")
        self._kept: dict[tuple[StoreSettings, date, int], Forecast] = {}
        self._unasked = unasked
        self._stopping = False

    def now(self) -> datetime:
        """The time that members' timers follow. Raises Retryable."""
        return self._members.now()

    async def of(self, store: StoreSettings, days: int, wait: float = 1.0) -> Forecast:
        """Of `days` days from today on, by those settings: ended, or as far as it is after `wait` seconds.

        Raises Retryable.
        """
        key = store, store.calendar.day(self.now()), days
        found = self._current(key) or self._begun(*key)
        found.asked_at = self._timer()
        # On a thread: the answer outlives the request that asked for it.
        await asyncio.to_thread(futures.wait, [found.done], wait)
        if found.done.done():
            found.done.result()
        return found

    async def stop(self) -> None:
        """Returns when no member is looked at any more."""
        self._stopping = True
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def _current(self, key: tuple[StoreSettings, date, int]) -> Forecast | None:
        found = self._kept.get(key)
        if found is None or found.state == "under way":
            return found
        old = not found.ended or self._timer() - found.ended_at > KEEP_SECONDS
        return None if old else found

    def _begun(self, store: StoreSettings, first: date, days: int) -> Forecast:
        while len(self._kept) >= MAX_AT_ONCE:
            longest_unasked = min(self._kept, key=lambda each: self._kept[each].asked_at)
            self._kept.pop(longest_unasked).asked_at = -inf
        begun = Forecast(AnnouncementPreview(store, first, days, MAX_SHOWN), self._timer())
        self._kept[store, first, days] = begun
        self._pool.submit(self._reckon, begun, store.store)
        return begun

    def _reckon(self, forecast: Forecast, store: str) -> None:
        try:
            became = self._looked(forecast, store)
        except BaseException as error:  # noqa: BLE001 - it is told to whoever waits
            forecast.state = "given up"
            forecast.done.set_exception(error)
        else:
            # In this order: what has ended is asked at once for how long it has been.
            forecast.ended_at = self._timer()
            forecast.state = became
            forecast.done.set_result(None)

    def _looked(self, forecast: Forecast, store: str) -> Literal["whole", "cut short", "given up"]:
        until = self._timer() + MAX_SECONDS
        for more in self._members.look(forecast.preview, store):
            forecast.looked += more
            now = self._timer()
            if self._stopping or now - forecast.asked_at > self._unasked:
                return "given up"
            if now > until:
                return "cut short"
        return "whole"
