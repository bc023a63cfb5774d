"""The columns of import files: reads a line's cells to values. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.imports.table import AS_CSV, Line, is_text
from streams.domain import identifiers
from streams.domain.identifiers import Rules, trimmed
from streams.domain.instants import OutOfRange, parse_day, parse_instant
from streams.domain.values import MAX_AMOUNT, Attribute, IdentifierKind
from streams.errors import Misconfigured, Rejected

Parse = Callable[[str], Any]
"""Reads a cell that is not empty. Raises ValueError that says what is valid: `must be …`."""
KEY_PLACEHOLDER = "KEY"
"""The part of a column's name that the file's author chooses: `attribute:KEY`."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_WHOLE = re.compile(r"[0-9]{1,10}")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    parse: Parse
    meaning: str
    required: bool = False

    @property
    def prefix(self) -> str | None:
        """The fixed part of a column's name that may occur many times, or None."""
        return self.name.removesuffix(KEY_PLACEHOLDER) if self.name.endswith(f":{KEY_PLACEHOLDER}") else None


class Row(NamedTuple):
    """A line's values by column, without empty cells. `content` is the line's text, in a form that does not
    depend on the order of columns."""

    line: int
    values: dict[str, Any]
    content: str

    def get(self, column: str) -> Any:
        return self.values.get(column)

    def family(self, prefix: str) -> tuple[Attribute, ...]:
        """The values of the columns with that prefix, by the rest of their names."""
        return tuple(
            Attribute(key=name.removeprefix(prefix), value=value)
            for name, value in self.values.items()
            if name.startswith(prefix)
        )


def match_columns(columns: Sequence[Column], header: Line) -> dict[str, Column]:
    """The file's columns, in its order. Raises Misconfigured naming a column that is unknown, missing or
    repeated."""
    valid = f"valid are: {', '.join(column.name for column in columns)}"
    found: dict[str, Column] = {}
    for name in _names(header):
        column = next((c for c in columns if _matches_name(c, name)), None)
        if not is_text(name):
            raise Misconfigured(
                f"line {header.number}: column {printable(name)!r} is no UTF-8 text: {AS_CSV}"
            )
        if column is None:
            raise Misconfigured(f"line {header.number}: column {printable(name)!r} is unknown; {valid}")
        if name in found:
            raise Misconfigured(f"line {header.number}: column {name!r} is there twice")
        found[name] = column
    for column in columns:
        if column.required and column.name not in found:
            raise Misconfigured(f"line {header.number}: column {column.name!r} is missing; {valid}")
    return found


def _names(header: Line) -> list[str]:
    """The header's names without empty ones at the end, which spreadsheets write for their widest line."""
    names = [trimmed(cell) for cell in header.cells]
    while names and not names[-1]:
        names.pop()
    return names


def cells_of(columns: Mapping[str, Column], line: Line) -> dict[str, str] | None:
    """The cells by column, or None if their number differs from the header's."""
    cells = line.cells[: len(columns)]
    if line.fault or len(cells) < len(columns) or any(line.cells[len(columns) :]):
        return None
    return dict(zip(columns, cells, strict=True))


def read_row(columns: Mapping[str, Column], line: Line) -> Row:
    """Reads a line's cells. Raises Rejected naming the column, the cell and what is valid."""
    if line.fault:
        raise Rejected("line", "", line.fault)
    cells = cells_of(columns, line)
    if cells is None:
        raise Rejected("line", f"{len(line.cells)} cells", f"must have {len(columns)}, as the first line has")
    values = {name: _value(columns[name], name, cell) for name, cell in cells.items() if cell}
    for name, column in columns.items():
        if column.required and name not in values:
            raise Rejected(name, "", f"is empty: {column.meaning}")
    content = "\x1f".join(f"{name}={cell}" for name, cell in sorted(cells.items()) if cell)
    return Row(line.number, values, content)


def printable(cell: str) -> str:
    """The cell in a form that can be printed, at most 255 characters."""
    return cell.encode("utf-8", "backslashreplace").decode()[:255]


def _matches_name(column: Column, name: str) -> bool:
    if column.prefix:
        return name.startswith(column.prefix) and len(column.prefix) < len(name) <= 255
    return name == column.name


def _value(column: Column, name: str, cell: str) -> Any:
    if not is_text(cell):
        raise Rejected(name, printable(cell), f"must be UTF-8 text: {AS_CSV} where it was made")
    try:
        return column.parse(cell)
    except ValueError as error:
        raise Rejected(name, printable(cell), str(error)) from None


def text(cell: str) -> str:
    if len(cell) > 255:
        raise ValueError(f"must have 255 characters at most, not {len(cell)}")
    return cell


def own_id(cell: str) -> str:
    """An id that the file's author gave. Refuses forms in which spreadsheets make different ids equal, like
    `1.2E+15`."""
    identifiers.require_own_id(trimmed(cell))
    return text(cell)


def uuid(cell: str) -> str:
    if not _UUID.fullmatch(cell.lower()):
        raise ValueError("must be a UUID such as 5e675676-f5fb-5a30-9e6a-9cf3649afbc4")
    return cell.lower()


def code(cell: str) -> str:
    if not _CODE.fullmatch(cell):
        raise ValueError("must be 1 to 64 letters, digits, dots, dashes or underscores")
    return cell


def new_identifier(kind: IdentifierKind, rules: Rules) -> Parse:
    """Parses an identifier that a member gets. The text is sent as typed, and the identity stage normalizes
    it."""

    def parse(cell: str) -> str:
        identifiers.read(kind, cell, rules)
        return text(cell)

    return parse


def known_identifier(kind: IdentifierKind, rules: Rules) -> Parse:
    """Parses an identifier that a member is looked up by. Forms from before the store had rules are valid
    too."""

    def parse(cell: str) -> str:
        identifiers.sought(kind, cell, rules)
        return text(cell)

    return parse


def amount(cell: str) -> Decimal:
    if not _AMOUNT.fullmatch(cell):
        raise ValueError(
            f"must be an amount such as 29.33, from 0 to {MAX_AMOUNT}, with at most six decimals"
        )
    return Decimal(cell)


def positive_amount(cell: str) -> Decimal:
    if amount(cell) == 0:
        raise ValueError("must be more than 0")
    return amount(cell)


def whole_number(most: int) -> Parse:
    def parse(cell: str) -> int:
        if not _WHOLE.fullmatch(cell) or not 1 <= int(cell) <= most:
            raise ValueError(f"must be a whole number from 1 to {most}")
        return int(cell)

    return parse


def one_of(*valid: str) -> Parse:
    def parse(cell: str) -> str:
        if cell not in valid:
            raise ValueError(f"must be {' or '.join(valid)}")
        return cell

    return parse


def yes_or_no(cell: str) -> bool:
    if cell.lower() not in _YES + _NO:
        raise ValueError(f"must be one of {', '.join(_YES + _NO)}")
    return cell.lower() in _YES


def day(cell: str) -> datetime:
    """Reads a birthday. It has no zone: a time of day beside it is ignored."""
    try:
        return parse_day(cell)
    except OutOfRange as error:
        raise ValueError(f"must be a day such as 1990-05-31, and {error}") from None
    except ValueError:
        raise ValueError("must be a day such as 1990-05-31") from None


def instant(zone: tzinfo) -> Parse:
    """Parses a time. A time without a zone is in `zone`."""

    def parse(cell: str) -> datetime:
        try:
            return parse_instant(cell, zone)
        except OutOfRange as error:
            raise ValueError(f"must be a time such as 2026-03-02T12:00:00+01:00, and {error}") from None
        except (ValueError, OverflowError):
            raise ValueError("must be a time such as 2026-03-02T12:00:00+01:00, or a day") from None

    return parse


MEMBER = (
    Column("memberId", uuid, "the member's UUID"),
    Column("memberExternalId", own_id, "the member's id in your system, as in the file of members"),
)
KINDS_OF_IDENTIFIER: tuple[IdentifierKind, ...] = ("loyaltyCardNumber", "phone", "email")
IDENTIFIERS: Mapping[IdentifierKind, str] = {
    "email": "e-mail address",
    "phone": "phone number: +48600100200, or as it is dialled in the store's phone_region",
    "loyaltyCardNumber": "card number",
}


def identifier_columns(parse: Callable[[IdentifierKind, Rules], Parse], rules: Rules) -> tuple[Column, ...]:
    return tuple(Column(kind, parse(kind, rules), meaning) for kind, meaning in IDENTIFIERS.items())
