"""`loyalty demo`: plays real purchases through the whole pipeline, and checks that the books balance.

play        the demo from its first line to its last
welcome     how to reach what it starts
scene       its processes, topics and folders, up and down
processes   one process
admin       who signs in to its panel
player      the records that go in
progress    how far they have come
totals      what the topics hold in the end
reconcile   compares the receiver's messages with the events (pure)
report      the tables
"""

from pathlib import Path
from typing import Annotated

import typer


def run(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards, until Ctrl-C.")] = False,
    purchases: Annotated[
        Path | None,
        typer.Option(help="File of purchases.", show_default="the CDNOW sample, or an extract of it"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only the extract: 60 members.")] = False,
) -> None:
    """Play real purchases through the whole pipeline, and show what came of them.

    Their days are moved, so that the last ones are of yesterday.
    """
    from api.cli.demo.play import play
    from connectors import cdnow
    from streams.errors import Misconfigured

    if quick and purchases:
        raise Misconfigured(
            f"--quick plays the extract, and --purchases {purchases} another file: leave one out"
        )
    play(keep, cdnow.EXTRACT if quick else purchases)
