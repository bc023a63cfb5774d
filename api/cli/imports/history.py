"""`loyalty load-history`: loads members and transactions of the past in the order of their times."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from connectors.imports.reader import Reading
    from streams.rejections import LateRejection

REFUSED = 1
"""Exit code if a line was refused, here or by the programme."""


def load(
    *,
    members: Annotated[Path, typer.Option(help="CSV of members, each with its registeredAt.")],
    transactions: Annotated[Path, typer.Option(help="CSV of their transactions.")],
    store: Annotated[str, typer.Option(help="Code of the store.")] = "DEFAULT",
    zone: Annotated[
        str | None, typer.Option(help="Time zone of times that name none.", show_default="the store's")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the files, and send nothing.")] = False,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="Send the others where the files have refused lines.")
    ] = False,
    wait: Annotated[
        int, typer.Option(min=0, max=86_400, help="Most seconds to wait for one more outcome.")
    ] = 30,
) -> None:
    """Load years of history in the order of their times: each line happens at its own time.

    Workers must run with LOYALTY_CLOCK=stream, before the programme goes live: see docs/operations.md.
    `loyalty import members --columns` shows the columns. If a line of the files is refused, nothing is sent,
    because the line could not be played at its own time later. Exit code 1 if any line was refused.
    """
    from api.cli.imports import read_contents
    from api.cli.imports.whose import make_run
    from connectors.imports.history import date_commands
    from connectors.imports.reader import KINDS, read
    from streams.errors import Misconfigured

    files = {
        kind: read_contents(file) for kind, file in (("members", members), ("transactions", transactions))
    }
    run = make_run(KINDS["members"], store, zone, "1")
    readings: dict[Path, Reading] = {}
    for kind, (path, data) in files.items():
        try:
            readings[path] = date_commands(read(KINDS[kind], data, run), run)
        except Misconfigured as error:
            raise Misconfigured(f"{path}: {error}") from None
    whole = skip_refused or not any(reading.refused for reading in readings.values())
    if _show_refused(readings, _send(readings, wait, dry_run=dry_run or not whole)):
        raise SystemExit(REFUSED)


def _send(readings: "Mapping[Path, Reading]", wait: int, *, dry_run: bool) -> "Mapping[str, LateRejection]":
    """Sends the commands. Returns the programme's refusals by command id."""
    from api.cli.imports.sending import send_and_wait
    from connectors.imports.history import sort_by_time

    ready = sort_by_time(*(reading.ready for reading in readings.values()))
    if ready:
        first, last = ready[0].record.issued_at, ready[-1].record.issued_at
        say(f"{len(ready):,} commands, from {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    if dry_run:
        say("nothing was sent")
    return send_and_wait(ready, wait, once=False) if ready and not dry_run else {}


def _show_refused(readings: "Mapping[Path, Reading]", refused: "Mapping[str, LateRejection]") -> int:
    """Shows the refused lines of each file. Returns their number."""
    from api.cli.imports.report import Refusals
    from api.cli.imports.sending import refused_lines

    count = 0
    for path, reading in readings.items():
        with Refusals(None, "") as refusals:
            refusals.add(reading.refused)
            refusals.add(refused_lines(reading.ready, refused))
            say(f"{path}: {refusals.count:,} lines refused")
            refusals.show()
        count += refusals.count
    return count
