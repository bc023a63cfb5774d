"""Lists, as the contract has them everywhere: filters with operators, ordering, pages."""

import base64
import json
import operator
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Query

from api.problems import Complaint, Invalid, shorten_json
from streams.domain.instants import OutOfRange, parse_instant

T = TypeVar("T")
ColumnTest = Callable[[Any], bool]
ColumnKind = Literal["text", "flag", "instant", "number"]

MAX_PAGE_SIZE = 50
MAX_PAGES = 10_000
"""Rows that pages are cut from where a list is not read whole."""
PageNumber = Annotated[int, Query(alias="_page", ge=1, le=MAX_PAGES)]
PageSize = Annotated[int, Query(alias="_itemsOnPage", ge=1, le=MAX_PAGE_SIZE)]
_PARAMETER = re.compile(r"(?P<name>[A-Za-z_0-9:]+)(\[(?P<inner>[A-Za-z0-9:]*)\])?")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
OPERATORS: dict[ColumnKind, tuple[str, ...]] = {
    "text": ("eq", "like", "IN", "hasValue", "notHasValue"),
    "flag": ("eq", "IN", "hasValue", "notHasValue"),
    "instant": ("eq", *_COMPARE, "hasValue", "notHasValue"),
    "number": ("eq", *_COMPARE, "hasValue", "notHasValue"),
}


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A field of the rows, as clients see it, or several values, as a tuple. `spelled` turns a filter's text
    into the stored spelling."""

    kind: ColumnKind
    read: Callable[[T], Any]
    spelled: Callable[[str], str] = str

    def values(self, row: T) -> tuple[Any, ...]:
        read = self.read(row)
        return read if isinstance(read, tuple) else (read,)

    def first(self, row: T) -> Any:
        return next(iter(self.values(row)), None)


@dataclass(slots=True)
class ListQuery:
    """The filters, order and page that a client asked for."""

    tests: list[tuple[str, ColumnTest]] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    page: int = 1
    size: int = 10
    scroll: tuple[str, ...] | None = None
    """The place behind which to go on; empty: at the beginning."""

    def passes(self, row: T, columns: Mapping[str, "Column[T]"]) -> bool:
        """Tells whether the row passes all tests; of several values in a field, one must pass."""
        return all(any(test(value) for value in columns[name].values(row)) for name, test in self.tests)


def page(
    rows: Sequence[T],
    parameters: Sequence[tuple[str, str]],
    columns: Mapping[str, Column[T]],
    place: Callable[[T], tuple[str, ...]],
    shorten_json: Callable[[T], dict[str, Any]],
) -> dict[str, Any]:
    """The answer to a list's request. Raises Invalid naming every bad parameter.

    `rows` stand in the order of `place`, as do those that the order asked for does not tell apart.
    """
    query = parse_query(parameters, columns)
    kept = [row for row in rows if query.passes(row, columns)] if query.tests else rows
    if query.scroll is not None:
        return _scrolled(kept, query, place, shorten_json)
    for name, descending in reversed(query.order):
        read = columns[name].first
        # Rows without a value come first; None cannot be compared.
        kept = sorted(kept, key=lambda row: (read(row) is not None, read(row)), reverse=descending)
    start = (query.page - 1) * query.size
    return {
        "items": [shorten_json(row) for row in kept[start : start + query.size]],
        "total": {"all": len(rows), "filtered": len(kept), "estimated": False},
    }


def slice_page(
    rows: Sequence[T], page: int, size: int, shorten_json: Callable[[T], object]
) -> dict[str, Any]:
    """That page of rows, of which there are MOST at most."""
    start, count = (page - 1) * size, len(rows)
    return {
        "items": [shorten_json(row) for row in rows[start : start + size]],
        "total": {"all": count, "filtered": count, "estimated": count >= MAX_PAGES},
    }


def _scrolled(
    kept: Sequence[T],
    query: ListQuery,
    place: Callable[[T], tuple[str, ...]],
    shorten_json: Callable[[T], dict[str, Any]],
) -> dict[str, Any]:
    """What stands behind the place that was reached, whatever has come and gone meanwhile."""
    start = bisect_right(kept, query.scroll or (), key=place)
    some = kept[start : start + query.size]
    return {
        "items": [shorten_json(row) for row in some],
        "scroll": {"next": encode_cursor(place(some[-1]))} if some else {},
    }


def encode_cursor(place: tuple[str, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def decode_cursor(encode_cursor: str) -> tuple[str, ...]:
    if not encode_cursor:
        return ()
    try:
        read = json.loads(base64.urlsafe_b64decode(encode_cursor.encode()))
    except ValueError:
        read = None
    if not isinstance(read, list) or not all(isinstance(part, str) for part in read):
        raise ValueError("must be empty, or what scroll.next said")
    return tuple(read)


def parse_query(parameters: Sequence[tuple[str, str]], columns: Mapping[str, Column[Any]]) -> ListQuery:
    query, complaints = ListQuery(), []
    for parameter, value in parameters:
        try:
            _add(query, parameter, value, columns)
        except ValueError as error:
            complaints.append(Complaint(parameter, f"{shorten_json(value)} {error}", "invalid", value))
        except LookupError as error:
            complaints.append(Complaint(parameter, str(error.args[0]), "unknown", value))
    if query.scroll is not None and any(name.startswith(("_page", "_orderBy")) for name, _ in parameters):
        message = "cannot be combined with _page or _orderBy."
        complaints.append(Complaint("_scroll", message, "conflict"))
    if complaints:
        raise Invalid(*complaints)
    return query


def _add(query: ListQuery, parameter: str, value: str, columns: Mapping[str, Column[Any]]) -> None:
    """Raises LookupError for a parameter that there is not, ValueError for a value that it cannot have."""
    match = _PARAMETER.fullmatch(parameter)
    name, inner = (match["name"], match["inner"]) if match else (parameter, None)
    if name == "_page" and inner is None:
        query.page = parse_integer(value, 1, 10**9)
    elif name == "_scroll" and inner is None:
        query.scroll = decode_cursor(value)
    elif name == "_itemsOnPage" and inner is None:
        query.size = parse_integer(value, 1, MAX_PAGE_SIZE)
    elif name == "_orderBy" and inner is not None and inner in columns:
        query.order.append((inner, _descending(value)))
    elif name in columns and inner is None:
        query.tests.append((name, _test(columns[name], "eq", value)))
    elif name in columns and inner in OPERATORS[columns[name].kind]:
        query.tests.append((name, _test(columns[name], inner, value)))
    else:
        raise LookupError(_valid(name, columns))


def _valid(name: str, columns: Mapping[str, Column[Any]]) -> str:
    fields = ", ".join(columns)
    if name in columns:
        operators = ", ".join(OPERATORS[columns[name].kind])
        return f"{name} has no such operator; valid: {operators}"
    if name == "_orderBy":
        return f"cannot be ordered by; valid: _orderBy[field] with field one of {fields}"
    return f"no such parameter; valid: {fields}, _page, _itemsOnPage, _scroll, _orderBy[field]"


def _test(column: Column[Any], name: str, value: str) -> ColumnTest:
    if name in {"hasValue", "notHasValue"}:
        wanted = name == "hasValue"
        return lambda actual: (actual is not None) is wanted
    if name == "like":
        part = value.casefold()
        return lambda actual: actual is not None and part in actual.casefold()
    if name == "IN":
        among = {_READ[column.kind](column.spelled(each)) for each in value.split(",")}
        return lambda actual: actual in among
    expected = _READ[column.kind](column.spelled(value))
    compare: Callable[[Any, Any], bool] = _COMPARE.get(name, operator.eq)
    return lambda actual: actual is not None and compare(actual, expected)


def parse_integer(value: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", value) or not least <= int(value) <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return int(value)


def _descending(value: str) -> bool:
    if value.lower() not in {"asc", "desc"}:
        raise ValueError("must be asc or desc")
    return value.lower() == "desc"


def _flag(value: str) -> bool:
    if value not in {"true", "false", "1", "0"}:
        raise ValueError("must be true or false")
    return value in {"true", "1"}


def _number(value: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", value):
        raise ValueError("must be a number such as 29.33")
    return Decimal(value)


def read_instant(value: str) -> datetime:
    """Reads an instant; one without an offset is in UTC. Raises ValueError."""
    # In a query a plus sign that is not encoded means a blank.
    text = re.sub(r" (?=\d\d:\d\d$)", "+", value) if "T" in value else value
    try:
        return parse_instant(text)
    except OutOfRange:
        raise
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 instant such as 2025-10-20T13:18:38+02:00") from None


def read_instant_at(path: str, text: str) -> datetime:
    """As `read_instant`, of the parameter `path`. Raises Invalid."""
    try:
        return read_instant(text)
    except ValueError as error:
        raise Invalid(Complaint(path, f"{shorten_json(text)} {error}.", "invalid", text)) from None


_READ: dict[ColumnKind, Callable[[str], object]] = {
    "text": lambda value: value,
    "flag": _flag,
    "instant": read_instant,
    "number": _number,
}
