"""Parses instants and days, and limits them to plausible years.

Other years are mistakes, such as a platform's default date or a number in the wrong unit. Near the ends of
`datetime`, a change of the time zone would overflow.
"""

from datetime import UTC, date, datetime, time, tzinfo

EARLIEST, END = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
INSTANT_RANGE = "must lie between 1900-01-01 and 2199-12-31"


def is_in_range(moment: datetime) -> bool:
    return EARLIEST <= moment < END


def parse_instant(text: str, zone: tzinfo = UTC) -> datetime:
    """Parses an instant to UTC; without an offset it is in `zone`. Raises OutOfRange, or another ValueError
    if it is not an instant."""
    read = datetime.fromisoformat(text)
    zoned = read if read.tzinfo else read.replace(tzinfo=zone)
    if not is_in_range(zoned):
        raise OutOfRange
    return zoned.astimezone(UTC)


def parse_day(text: str) -> datetime:
    """The day as it is written, without its time and offset, in the form of `day_to_stored` has it. Raises
    as `parse_instant`."""
    day = day_to_stored(datetime.fromisoformat(text).date())
    if not is_in_range(day):
        raise OutOfRange
    return day


def day_to_stored(day: date) -> datetime:
    """A day as it is stored: midnight in UTC, because the schemas have an instant there."""
    return datetime.combine(day, time(), UTC)


class OutOfRange(ValueError):
    def __init__(self) -> None:
        super().__init__(INSTANT_RANGE)
