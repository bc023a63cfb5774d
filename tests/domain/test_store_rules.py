"""Rules of a store's days: ends of days and lead times in its own time zone."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.domain.events import UnitsExpiryAnnounced
from tests.driver import Pipeline, instant
from tests.samples import NOON, SETTINGS, STORE, WALLET_TYPE, add, register, spend, subscription, uid


@pytest.mark.parametrize(
    ("zone", "start", "days", "end"),
    [
        ("UTC", "2026-03-02T12:00:00", 0, "2026-03-02T23:59:59"),
        ("UTC", "2026-03-02T00:00:00", 1, "2026-03-03T23:59:59"),
        # 23:30 in UTC is the next day in Warsaw already.
        ("Europe/Warsaw", "2026-01-10T23:30:00", 1, "2026-01-12T22:59:59"),
        # Clocks go forward on 29 March and back on 25 October 2026.
        ("Europe/Warsaw", "2026-03-28T12:00:00", 0, "2026-03-28T22:59:59"),
        ("Europe/Warsaw", "2026-03-28T12:00:00", 1, "2026-03-29T21:59:59"),
        ("Europe/Warsaw", "2026-10-24T12:00:00", 0, "2026-10-24T21:59:59"),
        ("Europe/Warsaw", "2026-10-24T12:00:00", 1, "2026-10-25T22:59:59"),
        # An instant in the hour that comes twice, the second time.
        ("Europe/Warsaw", "2026-10-25T01:30:00", 0, "2026-10-25T22:59:59"),
        # 03:00 in UTC is the evening before in New York; 8 March and 1 November 2026.
        ("America/New_York", "2026-03-07T03:00:00", 0, "2026-03-07T04:59:59"),
        ("America/New_York", "2026-03-07T12:00:00", 1, "2026-03-09T03:59:59"),
        ("America/New_York", "2026-10-31T12:00:00", 1, "2026-11-02T04:59:59"),
        # In Beirut midnight itself is put back to 23:00: the last hour of 24 October comes twice.
        ("Asia/Beirut", "2026-10-23T12:00:00", 1, "2026-10-24T21:59:59"),
        ("Asia/Beirut", "2026-10-24T20:30:00", 0, "2026-10-24T21:59:59"),
        ("Asia/Beirut", "2026-10-24T21:30:00", 0, "2026-10-24T21:59:59"),
        ("America/New_York", "2024-02-28T12:00:00", 1, "2024-03-01T04:59:59"),
    ],
)
def test_a_day_ends_at_its_last_second_on_the_stores_clock(
    zone: str, start: str, days: int, end: str
) -> None:
    store = replace(SETTINGS, time_zone=zone)

    assert store.calendar.end_of_day(instant(start), days) == instant(end)


@pytest.mark.parametrize(
    ("zone", "end", "days", "told"),
    [
        ("UTC", "2026-03-22T23:59:59", 10, "2026-03-12T23:59:59"),
        # Over the change of clocks a day has 23 or 25 hours: the time of day stays.
        ("Europe/Warsaw", "2026-03-29T21:59:59", 1, "2026-03-28T22:59:59"),
        ("Europe/Warsaw", "2026-10-25T22:59:59", 1, "2026-10-24T21:59:59"),
        ("America/New_York", "2026-03-09T03:59:59", 1, "2026-03-08T04:59:59"),
        ("America/New_York", "2026-11-02T04:59:59", 7, "2026-10-26T03:59:59"),
    ],
)
def test_a_lead_time_is_counted_in_days_of_the_stores_calendar(
    zone: str, end: str, days: int, told: str
) -> None:
    store = replace(SETTINGS, time_zone=zone)

    assert store.calendar.days_before(instant(end), days) == instant(told)


def told(run: Pipeline) -> list[tuple[int, str]]:
    """Remaining units and when they end, as told."""
    return [(b["remainingUnits"], b["pointsWillExpire"][:10]) for b in run.bodies("PointsWillExpire")]


def _announced(run: Pipeline) -> list[UnitsExpiryAnnounced]:
    return run.facts(UnitsExpiryAnnounced)


def expiring(*days: int) -> Pipeline:
    run = Pipeline(replace(SETTINGS, units_expiring_days=days), now=NOON)
    run.subscribe(subscription("PointsWillExpire"))
    return run


def test_each_lead_time_is_told_once_with_what_remains_then() -> None:
    run = expiring(14, 7, 1)
    run.when(register(), add("50", expires_in_days=20))

    run.at(instant("2026-03-09"))
    assert told(run) == [(50, "2026-03-22")]
    run.when(spend("20", at=run.now))
    run.at(instant("2026-03-16"))
    assert told(run)[1:] == [(30, "2026-03-22")]
    run.at(instant("2026-03-22"))
    run.at(instant("2026-04-22"))

    assert told(run)[2:] == [(30, "2026-03-22")]


def test_points_earned_within_a_lead_time_are_told_of_at_once_for_each_lead_time_passed() -> None:
    run = expiring(14, 7, 1)

    run.when(register(), add("50", expires_in_days=3))

    assert [e.days for e in _announced(run)] == [14, 7]


def test_a_notice_that_is_late_is_sent_late_rather_than_never_but_not_after_the_end() -> None:
    run = expiring(10)
    run.when(register(), add("50", expires_in_days=20), add("5", expires_in_days=12))

    run.at(instant("2026-03-15"))

    assert told(run) == [(50, "2026-03-22")]


def test_without_lead_times_nothing_is_told() -> None:
    run = expiring()
    run.when(register(), add("50", expires_in_days=20))

    run.at(instant("2026-06-01"))

    assert told(run) == []


def test_a_shorter_lead_time_holds_for_what_is_not_announced_yet() -> None:
    run = expiring(10)
    run.when(register(), add("50", expires_in_days=20))
    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(3,))

    run.at(instant("2026-03-19"))
    assert told(run) == []
    run.at(instant("2026-03-20"))

    assert [e.days for e in _announced(run)] == [3]


def test_what_was_announced_is_not_announced_again_when_the_lead_times_change() -> None:
    run = expiring(10, 5)
    run.when(register(), add("50", expires_in_days=20))
    run.at(instant("2026-03-13"))

    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(12, 10, 2))
    run.at(instant("2026-03-18"))
    run.at(instant("2026-03-21"))

    assert [e.days for e in _announced(run)] == [10, 2]


def test_a_longer_lead_time_is_told_at_once_of_what_is_within_it() -> None:
    run = expiring(3)
    run.when(register(), add("50", expires_in_days=20), add("5", expires_in_days=40))

    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(30, 3))
    run.at(instant("2026-03-03"))

    assert [(e.days, e.units) for e in _announced(run)] == [(30, Decimal(50))]


def test_lead_times_that_begin_to_be_set_are_told_at_once_too() -> None:
    run = expiring()
    run.when(register(), add("50", expires_in_days=20))

    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(30,))
    run.at(instant("2026-03-03"))

    assert [e.days for e in _announced(run)] == [30]


def test_a_wallet_has_lead_times_of_its_own_or_none() -> None:
    further = [
        replace(WALLET_TYPE, wallet_type_id=uid(801 + index), code=code, is_default=False, expiring_days=days)
        for index, (code, days) in enumerate({"gold": (5, 2), "mute": ()}.items())
    ]
    run = Pipeline(replace(SETTINGS, wallets=(WALLET_TYPE, *further), units_expiring_days=(10,)), now=NOON)
    units = (replace(add("1", expires_in_days=20), wallet=code) for code in ("default", "gold", "mute"))
    run.when(register(), *units)

    run.at(instant("2026-03-13"))
    run.at(instant("2026-03-21"))

    assert [(e.wallet, e.days) for e in _announced(run)] == [("default", 10), ("gold", 5), ("gold", 2)]
