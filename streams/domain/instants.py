"""Instants and days as people write them, and between which years the programme takes them.

Beyond these years lie mistakes: the default date of a platform, a number of the wrong unit. Next to the ends
of the calendar, a change of the time zone would leave it.
"""

from datetime import UTC, date, datetime, time, tzinfo

EARLIEST, END = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
INSTANT_RANGE = "must lie between 1900-01-01 and 2199-12-31"


def is_in_range(moment: datetime) -> bool:
    return EARLIEST <= moment < END


def parse_instant(text: str, zone: tzinfo = UTC) -> datetime:
    """In UTC; `zone` is meant where none is named. Raises ValueError: RANGE, or another one for what is no
    instant."""
    read = datetime.fromisoformat(text)
    zoned = read if read.tzinfo else read.replace(tzinfo=zone)
    if not is_in_range(zoned):
        raise OutOfRange
    return zoned.astimezone(UTC)


def parse_day(text: str) -> datetime:
    """The day as it is written, whatever time and offset stand beside it, as `day_to_stored` has it.
    Raises as `parse_instant`."""
    day = day_to_stored(datetime.fromisoformat(text).date())
    if not is_in_range(day):
        raise OutOfRange
    return day


def day_to_stored(day: date) -> datetime:
    """How a day is kept, which has no zone: its midnight in UTC, for the schemas have an instant there."""
    return datetime.combine(day, time(), UTC)


class OutOfRange(ValueError):
    def __init__(self) -> None:
        super().__init__(INSTANT_RANGE)
