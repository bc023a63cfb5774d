"""`loyalty demo`: plays real purchases through the whole pipeline, and checks that the books balance.

play        the demo from its first line to its last
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
) -> None:
    """Play real purchases through the whole pipeline, and show what came of them."""
    from api.cli.demo.play import play

    play(keep, purchases)
