"""Laws of days and months, in any zone and over any change of its clocks."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.domain.calendar import Calendar, date_in_year

SECOND = timedelta(seconds=1)
# Clocks that change at midnight, that changed by half an hour, that lost a day, that changed in 2026.
ZONES = (
    "UTC",
    "Europe/Warsaw",
    "America/New_York",
    "Asia/Beirut",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
)
CALENDARS = st.sampled_from(ZONES).map(Calendar)
INSTANTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
MOMENT = timedelta(microseconds=1)
MONTH_DAYS = st.sampled_from(["01-01", "02-28", "02-29", "03-29", "10-25", "12-31"])


@given(CALENDARS, INSTANTS, st.integers(1, 300))
def test_months_are_counted_up_from_the_moment_at_which_they_are_over(
    calendar: Calendar, start: datetime, months: int
) -> None:
    """What a tier of months waits for has come when its timer wakes it, and not before."""
    later = calendar.months_later(start, months)

    assert calendar.whole_months(start, later) >= months
    assert calendar.whole_months(start, later - MOMENT) < months
    assert calendar.months_later(start, months - 1) < later


@given(CALENDARS, INSTANTS)
def test_the_end_of_a_day_is_on_that_day_and_the_next_begins_after_it(
    calendar: Calendar, start: datetime
) -> None:
    day = calendar.day(start)
    end = calendar.end_of(day)

    assert calendar.day(end) == day
    assert calendar.day(calendar.start_of(day)) == day
    assert calendar.start_of(day) <= end
    assert calendar.day(end + timedelta(seconds=1)) > day


@given(CALENDARS, INSTANTS, st.integers(0, 500))
def test_a_lead_time_comes_before_its_end_and_a_longer_one_no_later(
    calendar: Calendar, end: datetime, days: int
) -> None:
    assert calendar.days_before(end, days) <= end + timedelta(hours=2)
    assert calendar.days_before(end, days + 1) < calendar.days_before(end, days)


@given(CALENDARS, INSTANTS, st.lists(MONTH_DAYS, min_size=1, max_size=3).map(tuple))
def test_the_next_of_some_dates_is_after_now_and_within_a_year(
    calendar: Calendar, now: datetime, dates: tuple[str, ...]
) -> None:
    found = calendar.next_start_of_day(now, dates)

    assert now < found <= now + timedelta(days=367)
    before, day = calendar.day(found - SECOND), calendar.day(found)
    wanted = [date_in_year(year, each) for year in (before.year, day.year) for each in dates]
    # More than one day lies between the two where a zone skipped one: Kiribati had no 31 December 1994.
    assert any(before < each <= day for each in wanted)


@given(CALENDARS, INSTANTS, MONTH_DAYS)
def test_units_for_a_chosen_date_end_on_it_and_not_before_they_begin(
    calendar: Calendar, now: datetime, date: str
) -> None:
    end = calendar.next_end_of_day(now, date)

    day, after = calendar.day(end), calendar.day(end + SECOND)
    # The date itself, or the day before it where the zone skipped it.
    assert day <= date_in_year(day.year, date) < after
    assert now < end + SECOND
