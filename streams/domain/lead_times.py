"""Lead times: how many days before an end it is announced to the member, once per lead time."""

from collections.abc import Iterable
from datetime import datetime

from streams.domain.calendar import Calendar


def unannounced_days(days: Iterable[int], announced: Iterable[int]) -> list[int]:
    """Lead times that are not announced yet, the longest first. After a shorter one was announced, a longer
    one that was configured later is skipped."""
    told = min(announced, default=None)
    return sorted({each for each in days if told is None or each < told}, reverse=True)


def reached_days(
    unannounced_days: Iterable[int], end: datetime | None, now: datetime, calendar: Calendar
) -> list[int]:
    """The lead times whose moment has come; empty if there is no end."""
    return (
        [] if end is None else [days for days in unannounced_days if calendar.days_before(end, days) <= now]
    )


def next_timer_at(
    unannounced_days: Iterable[int], end: datetime, earliest: datetime, calendar: Calendar
) -> datetime:
    """The next due time of a timer for `end`. If a lead time has started already, that is `earliest`, not a
    time in the past."""
    return min([end, *(max(earliest, calendar.days_before(end, days)) for days in unannounced_days)])
