"""Reads the file's lines to purchases. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from streams.errors import Misconfigured

COLUMNS = ("customer", "sample", "date", "cds", "dollars")
_VALID = {
    "customer": (re.compile(r"[0-9]{1,12}"), "must be 1 to 12 digits"),
    "sample": (re.compile(r"[0-9]{1,12}"), "must be 1 to 12 digits"),
    "date": (re.compile(r"[0-9]{8}"), "must be a day as yyyymmdd"),
    "cds": (re.compile(r"0*[1-9][0-9]{0,5}"), "must be a whole number from 1 to 999999"),
    "dollars": (re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?"), "must be an amount such as 29.33"),
}


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase. `line` is its line in the file, from 1, which distinguishes two purchases of one day."""

    line: int
    customer: str
    day: date
    cds: int
    dollars: Decimal


def purchases(lines: Iterable[str]) -> Iterator[Purchase]:
    """Yields a purchase for each line that is not blank. Raises Misconfigured naming line, field and
    value."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _purchase(number, line.split())


def _purchase(number: int, texts: list[str]) -> Purchase:
    if len(texts) != len(COLUMNS):
        raise Misconfigured(
            f"line {number}: has {len(texts)} fields, expected {len(COLUMNS)}: {', '.join(COLUMNS)}"
        )
    fields = dict(zip(COLUMNS, texts, strict=True))
    for name, text in fields.items():
        pattern, rule = _VALID[name]
        if not pattern.fullmatch(text):
            raise Misconfigured(f"line {number}: {name} {text[:40]!r} {rule}")
    return Purchase(
        line=number,
        customer=fields["customer"],
        day=_day(number, fields["date"]),
        cds=int(fields["cds"]),
        dollars=Decimal(fields["dollars"]),
    )


def _day(number: int, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Misconfigured(f"line {number}: date {text!r} is no day of the calendar: yyyymmdd") from None
