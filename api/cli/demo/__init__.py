"""`loyalty demo`: purchases in, webhooks out, on real parts, with the books balanced in the end.

run         the command
scene       its processes and their surroundings, up and down
admin       who signs in to its panel
children    one process
player      the records that go in
tally       what comes out, counted from the topics
course      how far it has come
reconcile   whether the receiver got what was published (pure)
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
