"""`loyalty audit`: lists who changed what, when and from where."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.access import Change
    from streams.kafka.clients import Connection

app = typer.Typer(
    no_args_is_help=True, help="Changes of subscriptions, settings, admins and keys, members erased: list."
)


@app.command("list")
def list_changes(
    subject: Annotated[str | None, typer.Option("--id", help="Only of what has this id.")] = None,
    who: Annotated[str | None, typer.Option(help="Only by this caller.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most to show: the newest.")] = 100,
) -> None:
    """List changes, oldest first. A change is recorded before it is made: one that was answered 503 may be
    missing."""
    import msgspec

    from api.cli.failures import print_note
    from api.cli.processes import process

    with process("audit") as (_, connection):
        found = asyncio.run(_read(connection, subject, who, limit))
    if not found:
        print_note(_describe_nothing(subject, who))
    for change in found:
        say(msgspec.json.encode(change).decode() if json else _line(change))


def _describe_nothing(subject: str | None, who: str | None) -> str:
    chosen = [f"--id {subject}"] if subject else []
    chosen += [f"--who {who}"] if who else []
    return f"no change fits {' and '.join(chosen)}" if chosen else "nothing has been changed yet"


async def _read(
    connection: "Connection", subject: str | None, who: str | None, limit: int
) -> "deque[Change]":
    from streams.access import Change
    from streams.kafka.compacted_view import CompactedView
    from streams.topics import AUDIT

    found: deque[Change] = deque(maxlen=limit)

    def take(_: str, change: Change | None) -> None:
        if change and subject in (None, change.subject_id) and who in (None, change.who):
            found.append(change)

    view = CompactedView(connection, AUDIT, Change, take)
    try:
        await view.start()
    finally:
        await view.stop()
    return found


def _line(change: "Change") -> str:
    where = f" from {change.address}" if change.address else ""
    made = f"{change.subject} {change.subject_id} {change.action} by {change.who}{where}"
    return f"{change.at:%Y-%m-%d %H:%M:%S} UTC  {made}"
