"""Previews in the background: no page waits for all members, and none is reckoned twice."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from api.panel.forecasts import Forecast, ForecastService
from streams.domain.preview import AnnouncementPreview
from streams.domain.store import StoreSettings
from streams.errors import Retryable
from tests.scenarios.store import SETTINGS


class Crowd:
    """Members in slices of 2000; before each it waits until it is let go on."""

    def __init__(self, slices: int, *, held: bool = False) -> None:
        self.slices = slices
        self.looks = 0
        self.seconds = 1000.0
        self.each = 0.0
        self.broken = False
        self.goes_on = threading.Semaphore(0 if held else 1_000_000)
        self.begun = threading.Event()

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 12, tzinfo=UTC)

    def look(self, preview: AnnouncementPreview, store: str) -> Iterator[int]:  # noqa: ARG002
        self.looks += 1
        self.begun.set()
        if self.broken:
            raise Retryable("the members are still being read")
        for _ in range(self.slices):
            self.goes_on.acquire()
            self.seconds += self.each
            yield 2000

    def timer(self) -> float:
        return self.seconds


def asked(crowd: Crowd, *stores: StoreSettings, wait: float = 20.0) -> list[Forecast]:
    async def each() -> list[Forecast]:
        forecasts = ForecastService(crowd, crowd.timer)
        found = [await forecasts.of(store, 28, wait) for store in stores]
        crowd.goes_on.release(1_000_000)
        await forecasts.stop()
        return found

    return asyncio.run(each())


def other(days: int) -> StoreSettings:
    return replace(SETTINGS, units_expiring_days=(days,))


def test_all_members_are_looked_at_once_for_one_question() -> None:
    crowd = Crowd(3)

    first, again, another = asked(crowd, SETTINGS, SETTINGS, other(3))

    assert (first.state, first.looked) == ("whole", 6000)
    assert first is again
    assert another is not first
    assert crowd.looks == 2


def test_a_page_does_not_wait_for_the_end() -> None:
    crowd = Crowd(3, held=True)

    (found, again) = asked(crowd, SETTINGS, SETTINGS, wait=0.01)

    assert found is again
    assert crowd.looks == 1


def test_what_takes_too_long_is_cut_short_and_says_after_how_many() -> None:
    crowd = Crowd(100)
    crowd.each = 50.0

    async def cut() -> Forecast:
        forecasts = ForecastService(crowd, crowd.timer, unasked=1000.0)
        found = await forecasts.of(SETTINGS, 28, 20.0)
        await forecasts.stop()
        return found

    found = asyncio.run(cut())

    assert (found.state, found.looked) == ("cut short", 6000)


def test_what_nobody_waits_for_any_more_is_given_up_and_begun_anew() -> None:
    crowd = Crowd(3, held=True)

    async def left() -> tuple[Forecast, Forecast]:
        forecasts = ForecastService(crowd, crowd.timer)
        first = await forecasts.of(SETTINGS, 28, 0)
        crowd.seconds += 61
        crowd.goes_on.release(1)
        await asyncio.wait([asyncio.wrap_future(first.done)])
        crowd.goes_on.release(3)
        second = await forecasts.of(SETTINGS, 28, 20.0)
        await forecasts.stop()
        return first, second

    first, second = asyncio.run(left())

    assert first.state == "given up"
    assert (second.state, second.looked) == ("whole", 6000)


def test_it_stops_while_members_are_left() -> None:
    crowd = Crowd(1000, held=True)

    async def stopped() -> Forecast:
        forecasts = ForecastService(crowd, crowd.timer)
        found = await forecasts.of(SETTINGS, 28, 0)
        await asyncio.to_thread(crowd.begun.wait)
        stopping = asyncio.create_task(forecasts.stop())
        await asyncio.sleep(0)
        crowd.goes_on.release(2)
        await stopping
        return found

    assert asyncio.run(stopped()).looked <= 4000


def test_members_that_cannot_be_read_yet_are_told_of_and_asked_for_again() -> None:
    crowd = Crowd(1)
    crowd.broken = True

    async def twice() -> Forecast:
        forecasts = ForecastService(crowd, crowd.timer)
        with pytest.raises(Retryable, match="still being read"):
            await forecasts.of(SETTINGS, 28, 20.0)
        crowd.broken = False
        found = await forecasts.of(SETTINGS, 28, 20.0)
        await forecasts.stop()
        return found

    assert asyncio.run(twice()).state == "whole"


def test_a_result_is_kept_for_a_minute() -> None:
    crowd = Crowd(1)

    async def later() -> list[int]:
        forecasts, looks = ForecastService(crowd, crowd.timer), []
        for seconds in (0, 59, 2):
            crowd.seconds += seconds
            await forecasts.of(SETTINGS, 28, 20.0)
            looks.append(crowd.looks)
        await forecasts.stop()
        return looks

    assert asyncio.run(later()) == [1, 1, 2]
