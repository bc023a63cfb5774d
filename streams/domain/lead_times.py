"""Lead times: how long before an end a member is told of it, each once."""

from collections.abc import Iterable
from datetime import datetime

from streams.domain.calendar import Calendar


def unannounced_days(days: Iterable[int], announced: Iterable[int]) -> list[int]:
    """Lead times still to be told of, the longest first. Who was told already when less time was left is not
    told of a longer one that was set later."""
    told = min(announced, default=None)
    return sorted({each for each in days if told is None or each < told}, reverse=True)


def reached_days(
    unannounced_days: Iterable[int], end: datetime | None, now: datetime, calendar: Calendar
) -> list[int]:
    """Those whose moment has come; none where nothing ends."""
    return (
        [] if end is None else [days for days in unannounced_days if calendar.days_before(end, days) <= now]
    )


def next_timer_at(
    unannounced_days: Iterable[int], end: datetime, earliest: datetime, calendar: Calendar
) -> datetime:
    """When a timer must look at what ends at `end`. What is within its lead time already is told of at
    `earliest`, not in the past."""
    return min([end, *(max(earliest, calendar.days_before(end, days)) for days in unannounced_days)])
