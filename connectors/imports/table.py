"""Bytes to lines of cells: UTF-8, with a byte order mark or not, between commas or semicolons. Pure."""

import csv
from collections.abc import Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """A line's cells without the blanks around them; `number` is where it begins in the file, from 1."""

    number: int
    cells: list[str]
    fault: str | None = None
    """Why it is no line of cells, if so."""


def lines(data: bytes) -> Iterator[Line]:
    """Those that are not blank. What is no UTF-8 stays in its cell, for that line to be refused."""
    text = data.decode("utf-8-sig", errors="surrogateescape")
    reader = csv.reader(_physical(text), delimiter=_separator(text), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            ends = reader.line_num
            rest = f", nor is anything from it to line {ends}" if ends > number else ""
            yield Line(number, [], f"is no CSV ({error}){rest}")
            continue
        if any(cells):
            yield Line(number, cells)


def is_text(cell: str) -> bool:
    """Whether it was UTF-8, and can be a text of ours."""
    return not any("\ud800" <= letter <= "\udfff" or letter == "\x00" for letter in cell)


def _physical(text: str) -> Iterator[str]:
    """At line feeds alone: `splitlines` would also split at characters that may stand in a name."""
    return (f"{line}\n" for line in text.removesuffix("\n").split("\n"))


def _separator(text: str) -> str:
    """Columns' names hold neither, so that the first line tells."""
    header = text.lstrip().partition("\n")[0]
    return ";" if header.count(";") > header.count(",") else ","
