"""Bytes to lines of cells: UTF-8, between commas, semicolons, tabs or bars. Pure."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.errors import Misconfigured

AS_CSV = "save it as CSV UTF-8 (comma delimited)"
_SEPARATORS = ",;\t|"
_NAMED = re.compile(r"sep=([,;\t|])\r?")
"""A first line by which a spreadsheet program names the separator."""
_OTHERS = {
    b"PK\x03\x04": "a workbook (.xlsx or .ods) or another archive",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "compressed",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
"""By how they begin, files that are often taken for CSV."""


class Line(NamedTuple):
    """A line's cells without the blanks around them; `number` is where it begins in the file, from 1."""

    number: int
    cells: list[str]
    fault: str | None = None
    """Why it is no line of cells, if so."""


def read_lines(data: bytes) -> Iterator[Line]:
    """Those that are not blank. What is no UTF-8 stays in its cell, for that line to be refused.

    Raises Misconfigured for what is another kind of file.
    """
    for beginning, what in _OTHERS.items():
        if data.startswith(beginning):
            raise Misconfigured(f"it is {what}, and no CSV: {AS_CSV}")
    text = data.decode("utf-8-sig", errors="surrogateescape")
    if text[1:2] == "\x00" or text[:1] == "\x00":
        raise Misconfigured(f"it is UTF-16 text or no text at all: {AS_CSV}")
    physical = _physical(text)
    named = _NAMED.fullmatch(physical[0]) if physical else None
    return _read(physical, 1 if named else 0, named[1] if named else _separator(physical))


def _read(physical: Sequence[str], start: int, separator: str) -> Iterator[Line]:
    """What follows a line that is no CSV is read anew: a quote that is never closed spoils one line."""
    while start < len(physical):
        for line, following in _records(physical, start, separator):
            start = following
            if line.fault or any(line.cells):
                yield line


def _records(physical: Sequence[str], start: int, separator: str) -> Iterator[tuple[Line, int]]:
    """The lines from `start` on, each with where the next begins; ends after the first that is no CSV."""
    ahead = (f"{physical[index]}\n" for index in range(start, len(physical)))
    reader = csv.reader(ahead, delimiter=separator, strict=True)
    ended = start
    try:
        for cells in reader:
            begun, ended = ended, start + reader.line_num
            yield Line(begun + 1, [cell.strip() for cell in cells]), ended
    except csv.Error as error:
        yield Line(ended + 1, [], f"is no CSV ({error})"), ended + 1


def is_text(cell: str) -> bool:
    """Whether it was UTF-8, and can be a text of ours."""
    return not any("\ud800" <= letter <= "\udfff" or letter == "\x00" for letter in cell)


def _physical(text: str) -> list[str]:
    """At line feeds alone: `splitlines` would also split at characters that may stand in a name. Where there
    is none, at carriage returns, as spreadsheets for old Macs write."""
    end = "\n" if "\n" in text else "\r"
    return text.removesuffix(end).split(end) if text else []


def _separator(physical: Sequence[str]) -> str:
    """Columns' names seldom hold any, so that the first line that is not blank tells."""
    header = next((line for line in physical if line.strip()), "")
    return max(_SEPARATORS, key=header.count)
