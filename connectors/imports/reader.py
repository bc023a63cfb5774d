"""Reads a whole file to the commands that are ready, and the lines that are refused. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from connectors.imports.columns import Column, Row, cells_of, match_columns, read_row
from connectors.imports.kind import FileKind, ImportRun, ReadyCommand
from connectors.imports.matches import MATCHES
from connectors.imports.members import MEMBERS
from connectors.imports.table import Line, read_lines
from connectors.imports.transactions import TRANSACTIONS
from connectors.imports.transfers import TRANSFERS
from streams.codec.avro import encode
from streams.errors import Misconfigured, Rejected
from streams.rejections import MAX_COMMAND_BYTES

KINDS: Mapping[str, FileKind] = {kind.name: kind for kind in (MEMBERS, TRANSACTIONS, TRANSFERS, MATCHES)}


class RefusedLine(NamedTuple):
    """A line that is refused, and why."""

    line: int
    field: str
    value: str
    reason: str


@dataclass(slots=True)
class Reading:
    """The result of reading a file. Each line, but for the header and blank ones, is either in a ready
    command or refused."""

    ready: list[ReadyCommand] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)

    def refuse(self, line: int, refusal: Rejected) -> None:
        self.refused.append(RefusedLine(line, refusal.field, str(refusal.value), refusal.reason))


def read(kind: FileKind, data: bytes, run: ImportRun) -> Reading:
    """Reads a file. Raises Misconfigured if its columns are not the kind's; then no line is read."""
    found = read_lines(data)
    header = next(found, None)
    if header is None or header.fault:
        number, fault = (header.number, f"it {header.fault}") if header else (1, "it is empty")
        raise Misconfigured(f"line {number}: must name the columns, and {fault}")
    reading = Reading()
    groups, spoilt = _group_lines(kind, match_columns(kind.columns(run), header), found, reading)
    for key, rows in groups.items():
        if key in spoilt:
            _spoil(rows, spoilt[key], reading)
        else:
            _make(kind, rows, run, reading)
    reading.refused.sort()
    return reading


def _group_lines(
    kind: FileKind, columns: Mapping[str, Column], found: Iterable[Line], reading: Reading
) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The lines by key; and by key the refused line that makes the key's other lines unusable."""
    groups: dict[str, list[Row]] = {}
    spoilt: dict[str, int] = {}
    last, stray = "", 0
    for line in found:
        about = _about(kind, columns, line)
        try:
            one = read_row(columns, line)
            kind.check(one)
            _agree(kind, groups.get(about, []), one)
        except Rejected as refusal:
            reading.refuse(line.number, refusal)
            # The key of a refused line may be unreadable. Lines of a document are neighbours, so the last key
            # is taken.
            spoilt.setdefault(about or last, line.number)
            stray = 0 if about else line.number
        else:
            groups.setdefault(about, []).append(one)
            if stray:
                spoilt.setdefault(about, stray)
            stray = 0
        last = about or last
    return groups, spoilt if kind.shared is not None else {}


def _agree(kind: FileKind, earlier: list[Row], one: Row) -> None:
    if not earlier:
        return
    first = earlier[0]
    if kind.shared is None:
        raise Rejected("line", kind.key(one), f"is in line {first.line} already")
    for name in kind.shared:
        if one.get(name) != first.get(name):
            reason = f"must be the same as in line {first.line} of its document"
            raise Rejected(name, str(one.get(name) or ""), reason)


def _about(kind: FileKind, columns: Mapping[str, Column], line: Line) -> str:
    """The key of a line, even of a refused one; empty if it cannot be read."""
    cells = cells_of(columns, line)
    if cells is None:
        return ""
    return kind.key(Row(line.number, {name: cell for name, cell in cells.items() if cell}, ""))


def _spoil(rows: Iterable[Row], by: int, reading: Reading) -> None:
    for one in rows:
        reading.refuse(one.line, Rejected("line", f"line {by}", "of the same document is refused"))


def _make(kind: FileKind, rows: list[Row], run: ImportRun, reading: Reading) -> None:
    try:
        ready = kind.make(rows, run)
        _require_small(ready)
    except Rejected as refusal:
        for one in rows:
            reading.refuse(one.line, refusal)
    else:
        reading.ready.append(ready)


def _require_small(ready: ReadyCommand) -> None:
    size = len(encode(ready.record)[0])
    if size > MAX_COMMAND_BYTES:
        reason = f"of one command are too many: {MAX_COMMAND_BYTES:,} at most"
        raise Rejected("line", f"{size:,} bytes", reason)
