"""Splits bytes into lines of cells: UTF-8, separated by commas, semicolons, tabs or bars. Pure."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.errors import Misconfigured

AS_CSV = "save it as CSV UTF-8 (comma delimited)"
_SEPARATORS = ",;\t|"
_NAMED = re.compile(r"sep=([,;\t|])\r?")
"""A first line in which a spreadsheet program names the separator."""
_OTHERS = {
    b"PK\x03\x04": "a workbook (.xlsx or .ods) or another archive",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "compressed",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
"""Files that are often taken for CSV, by their first bytes."""


class Line(NamedTuple):
    """A line's cells, stripped of blanks. `number` is the line of the file, from 1, at which it begins."""

    number: int
    cells: list[str]
    fault: str | None = None
    """Why the line cannot be split into cells, or None."""


def read_lines(data: bytes) -> Iterator[Line]:
    """Yields the lines that are not blank. Bytes that are not UTF-8 stay in their cell as surrogates, so that
    only their line is refused.

    Raises Misconfigured if the file is of another kind.
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
    """Starts anew after a line that is not CSV, so that an unclosed quote makes one line unusable."""
    while start < len(physical):
        for line, following in _records(physical, start, separator):
            start = following
            if line.fault or any(line.cells):
                yield line


def _records(physical: Sequence[str], start: int, separator: str) -> Iterator[tuple[Line, int]]:
    """Yields the lines from `start` on, each with the start of the next. Ends after the first that is not
    CSV."""
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
    """Whether the cell was UTF-8 without zero bytes."""
    return not any("\ud800" <= letter <= "\udfff" or letter == "\x00" for letter in cell)


def _physical(text: str) -> list[str]:
    """Splits at line feeds only, because `str.splitlines` also splits at characters that a name may hold. A
    text without line feeds is split at carriage returns (old Macs)."""
    end = "\n" if "\n" in text else "\r"
    return text.removesuffix(end).split(end) if text else []


def _separator(physical: Sequence[str]) -> str:
    """The most frequent separator in the header, because column names rarely hold any."""
    header = next((line for line in physical if line.strip()), "")
    return max(_SEPARATORS, key=header.count)
