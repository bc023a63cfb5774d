"""`loyalty import`: a CSV file of members, transactions, transfers or matches becomes commands."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.imports import history
from api.cli.lines import say

__all__ = ["history", "run"]

REFUSED = 1
"""Exit code if a line was refused, here or by the programme."""

KindName = Literal["members", "transactions", "transfers", "matches"]
File = Annotated[
    Path | None,
    typer.Argument(help="CSV in UTF-8, by commas, semicolons or tabs; the first line names the columns."),
]
Store = Annotated[str, typer.Option(help="Code of the store.")]
Report = Annotated[Path | None, typer.Option(help="Also write the refused lines to this CSV file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the file, and send nothing.")]
Wait = Annotated[int, typer.Option(min=0, max=86_400, help="Most seconds to wait for one more outcome.")]
Zone = Annotated[
    str | None, typer.Option(help="Time zone of times that name none.", show_default="the store's")
]
Attempt = Annotated[
    str, typer.Option(help="Another one has lines decided anew that were refused before; not of transfers.")
]
Columns = Annotated[bool, typer.Option("--columns", help="Show the columns and an example, and do nothing.")]


def run(
    kind: Annotated[KindName, typer.Argument(help="What its lines are.")],
    file: File = None,
    *,
    store: Store = "DEFAULT",
    report: Report = None,
    dry_run: DryRun = False,
    wait: Wait = 30,
    zone: Zone = None,
    attempt: Attempt = "1",
    columns: Columns = False,
) -> None:
    """Import a CSV file. A refused line does not stop the others. Exit code 1 if any line was refused.

    Importing the same file again changes nothing, even much later: members and documents are unique in the
    programme, and the transferId of an accepted transfer is never forgotten.
    """
    from api.cli.imports.report import Refusals, show_columns
    from api.cli.imports.sending import refused_lines, send_and_wait
    from api.cli.imports.whose import make_run, run_without_store
    from connectors.imports.reader import KINDS, read
    from streams.errors import Misconfigured

    chosen = KINDS[kind]
    if columns:
        show_columns(chosen, run_without_store(store, attempt, zone))
        return
    path, data = read_contents(file)
    order = make_run(chosen, store, zone, attempt)
    with Refusals(report) as refusals:
        try:
            reading = read(chosen, data, order)
        except Misconfigured as error:
            raise Misconfigured(f"{path}: {error}") from None
        refusals.add(reading.refused)
        lines = sum(len(ready.lines) for ready in reading.ready)
        say(f"{path}: {len(reading.ready):,} commands in {lines:,} lines; {refusals.count:,} lines refused")
        try:
            if dry_run:
                say("dry run: nothing was sent")
            elif reading.ready:
                refused = send_and_wait(reading.ready, wait, once=chosen.once)
                refusals.add(refused_lines(reading.ready, refused))
        finally:
            refusals.show()
    if refusals.count:
        raise SystemExit(REFUSED)


def read_contents(file: Path | None) -> tuple[Path, bytes]:
    from streams.errors import Misconfigured

    if file is None:
        raise Misconfigured("FILE is missing: a CSV file, whose columns --columns shows")
    try:
        return file, file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}") from None
