"""Calendar arithmetic in a store's time zone, across changes of its clocks."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo


def to_zone(moment: datetime, zone: tzinfo) -> datetime:
    """`moment` in `zone`. Near the ends of `datetime` it stays in UTC, so that every stored instant can be
    shown."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


class Calendar:
    """Calendar arithmetic in one time zone. Arguments and results are aware; results are in UTC."""

    __slots__ = ("_zone",)

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)

    def day(self, instant: datetime) -> date:
        return to_zone(instant, self._zone).date()

    def stored_to_day(self, stored: datetime) -> date:
        """The day that a stored instant, such as a birthday, stands for: the store's day if it is midnight in
        the store's zone, otherwise the UTC day, as days are stored now."""
        here = to_zone(stored, self._zone)
        return here.date() if here.time() == time() else stored.astimezone(UTC).date()

    def midnight(self, day: date) -> datetime:
        """The day's midnight with the store's offset, rounded to whole minutes as ISO 8601 requires, because
        offsets of local mean time have seconds. If the clocks skip midnight, the offset before the change
        applies."""
        offset = datetime.combine(day, time(), self._zone).utcoffset() or timedelta(0)
        minutes = round(offset / timedelta(minutes=1))
        return datetime.combine(day, time(), timezone(timedelta(minutes=minutes)))

    def start_of(self, day: date) -> datetime:
        return to_zone(datetime.combine(day, time(), self._zone), UTC)

    def end_of(self, day: date) -> datetime:
        """The day's last 23:59:59; the later one if clocks repeat it."""
        return to_zone(datetime.combine(day, time(23, 59, 59, fold=1), self._zone), UTC)

    def end_of_day(self, start: datetime, days: int) -> datetime:
        """The end of the day that is `days` calendar days after `start`'s."""
        return self.end_of(self.day(start) + timedelta(days=days))

    def days_before(self, end: datetime, days: int) -> datetime:
        """The same time of day, `days` calendar days before `end`."""
        return to_zone(to_zone(end, self._zone) - timedelta(days=days), UTC)

    def end_of_month(self, start: datetime) -> datetime:
        day = self.day(start)
        return self.end_of(day.replace(day=monthrange(day.year, day.month)[1]))

    def end_of_year(self, start: datetime, years: int) -> datetime:
        """The end of the year that is `years` after `start`'s."""
        return self.end_of(date(self.day(start).year + years, 12, 31))

    def next_end_of_day(self, start: datetime, month_day: str) -> datetime:
        """The end of the first day of that month and day that is not before `start`'s."""
        day = self.day(start)
        found = date_in_year(day.year, month_day)
        return self.end_of(found if found >= day else date_in_year(day.year + 1, month_day))

    def next_start_of_day(self, after: datetime, month_days: tuple[str, ...]) -> datetime:
        """The first beginning, after `after`, of a day of one of those months and days."""
        year = self.day(after).year
        starts = [self.start_of(date_in_year(y, each)) for y in (year, year + 1) for each in month_days]
        return min(start for start in starts if start > after)

    def months_later(self, start: datetime, months: int) -> datetime:
        """The start of the day `months` months after `start`'s, or of the month's last day if the month is
        shorter."""
        day = self.day(start)
        year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
        return self.start_of(date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])))

    def whole_months(self, start: datetime, end: datetime) -> int:
        """Whole months from `start`'s day to `end`'s."""
        first, last = self.day(start), self.day(end)
        months = (last.year - first.year) * 12 + last.month - first.month
        short = last.day < min(first.day, monthrange(last.year, last.month)[1])
        return max(0, months - short)


def date_in_year(year: int, month_day: str) -> date:
    """The date of a month and day in that year; 29 February becomes 28 February if the year is not a leap
    year."""
    month, day = (int(part) for part in month_day.split("-"))
    return date(year, month, min(day, monthrange(year, month)[1]))
