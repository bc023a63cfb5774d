"""Reports of imports: refused lines, and the columns of each kind of file."""

import csv
import io
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connectors.imports.kind import FileKind, ImportRun
from connectors.imports.reader import RefusedLine
from streams.domain.text import escape_text
from streams.errors import Misconfigured

SHOWN = 50


class Refusals:
    """Counts refused lines, writes them to a file, and shows the first of them. `advice` says how to see
    all."""

    def __init__(self, report: Path | None, advice: str = "; --report FILE.csv writes all") -> None:
        self.count = 0
        self._advice = advice
        self._report = report
        self._first: list[RefusedLine] = []
        # Opened before anything is sent: an error must come before, not after it.
        self._file: IO[str] = io.StringIO() if report is None else _open_report(report)
        self._lines = csv.writer(self._file)
        self._lines.writerow(("line", "field", "value", "reason"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, refused: Iterable[RefusedLine]) -> None:
        for one in refused:
            self.count += 1
            self._lines.writerow(one)
            if len(self._first) < SHOWN:
                self._first.append(one)

    def show(self) -> None:
        if not self.count:
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("line", justify="right")
        table.add_column("field")
        table.add_column("value", overflow="fold")
        table.add_column("why it is refused", overflow="fold")
        for one in self._first:
            table.add_row(str(one.line), *(Text(escape_text(text)) for text in one[1:]))
        console = Console(highlight=False)
        console.print(table)
        where = f"; all are in {self._report}" if self._report else ""
        if self.count > len(self._first):
            where = where or self._advice
        console.print(f"{len(self._first):,} of {self.count:,} refused lines shown{where}", soft_wrap=True)


def _open_report(report: Path) -> IO[str]:
    try:
        return report.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise Misconfigured(f"--report {report} cannot be written: {error.strerror}") from None


def show_columns(kind: FileKind, run: ImportRun) -> None:
    """Shows the columns of a kind of file, and an example."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("column", no_wrap=True)
    table.add_column("what it holds")
    for column in kind.columns(run):
        table.add_row(Text(column.name, "bold" if column.required else ""), Text(column.meaning))
    console = Console(highlight=False)
    console.print(f"{kind.name}: {kind.meaning}. Bold columns must be there, and filled.", soft_wrap=True)
    console.print(table)
    console.print("An example:\n")
    print(example(kind))


def example(kind: FileKind) -> str:
    """The example file of this kind, which comes with the package."""
    return (files("connectors.imports") / "examples" / f"{kind.name}.csv").read_text(encoding="utf-8")
