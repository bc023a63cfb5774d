"""`loyalty poison`: what no stage could read, looked at and sent again after a fix."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from streams.kafka.redrive import Count, Found, Redrive, Wanted

app = typer.Typer(no_args_is_help=True, help="Poison records: list, redrive.")

Topics = Annotated[list[str] | None, typer.Option("--topic", help="Only those that came in this topic.")]
Since = Annotated[str | None, typer.Option(help="Only those found since: 90m, 24h, 7d or an ISO 8601 time.")]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this one, by its id in `poison list`.")]
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def show(
    topic: Topics = None,
    since: Since = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, bytes as base64.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most to show in a table: the newest.")] = 50,
) -> None:
    """Each poison record: where it came from, when, why, and whether it was sent again."""
    from msgspec.structs import replace

    from api.command_line.processes import process
    from streams.kafka.redrive import put_aside

    wanted = _wanted(topic, since, None)
    with process("poison") as (_, connection):
        found = put_aside(connection, wanted)
        if json:
            for one in found:
                print(_json(one))
        else:
            # The table shows no bytes: they need not be in memory, however many records there are.
            _table([one._replace(record=replace(one.record, value=None)) for one in found], limit)


@app.command()
def redrive(
    topic: Topics = None,
    since: Since = None,
    id: Ids = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and send nothing.")] = False,
) -> None:
    """Send them again to where they came from, each once: key, headers and bytes as they were.

    Cut short, it is run again: what was sent is not sent twice.
    """
    from api.command_line.processes import process
    from streams.errors import Misconfigured
    from streams.kafka.redrive import Redrive

    wanted = _wanted(topic, since, id)
    console = Console(soft_wrap=True, highlight=False)
    with process("poison") as (_, connection):
        run = Redrive(connection, wanted)
        count = run.count()
        if count.unknown:
            ids = ", ".join(map(str, sorted(count.unknown)))
            raise Misconfigured(f"--id {ids}: no poison record is there; `loyalty poison list` shows them")
        console.print(_counted(count))
        if dry_run:
            console.print("dry run: nothing was sent")
        elif count.to_send:
            console.print(f"{_watched(run, count.to_send)} records re-driven")


def _watched(run: "Redrive", total: int) -> int:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("re-driving"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=total)
        return run.run(lambda more: progress.advance(bar, more))


def _counted(count: "Count") -> str:
    parts = [f"{count.matching:,} of {count.all:,} poison records match"]
    parts += [f"{n:,} {why}" for why, n in sorted(count.obstacles.items())]
    to = ", ".join(f"{n:,} to {topic}" for topic, n in sorted(count.sent_to.items()))
    return "; ".join([*parts, f"to re-drive: {to or 'none'}"])


def _wanted(topics: list[str] | None, since: str | None, ids: list[str] | None) -> "Wanted":
    from streams.errors import Misconfigured
    from streams.kafka.redrive import Id, Wanted
    from streams.kafka.topics import TOPICS

    names = {topic.name for topic in TOPICS}
    for topic in topics or ():
        if topic not in names:
            raise Misconfigured(f"--topic {topic!r} is not valid: one of {', '.join(sorted(names))}")
    places = []
    for one in ids or ():
        if not re.fullmatch(r"\d+:\d+", one, re.ASCII):
            raise Misconfigured(f"--id {one!r} is not valid: partition:offset, as in `loyalty poison list`")
        places.append(Id(*map(int, one.split(":"))))
    moment = None if since is None else parsed(since, datetime.now(UTC))
    return Wanted(frozenset(topics or ()), moment, frozenset(places))


def parsed(since: str, now: datetime) -> datetime:
    """`90m` before `now`, or the time that is meant: in UTC where it says no zone. Raises Misconfigured."""
    from streams.errors import Misconfigured

    ago = re.fullmatch(r"(\d{1,6})([smhd])", since, re.ASCII)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(since)
    except (ValueError, OverflowError):
        raise Misconfigured(
            f"--since {since!r} is not valid: 90m, 24h, 7d or a time such as 2026-03-02T12:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _table(found: "list[Found]", limit: int) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = Console()
    newest = sorted(found, key=lambda one: one.record.found_at)[-limit:]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("id", no_wrap=True)
    table.add_column("came in, found at", ratio=2)
    table.add_column("key and cause", ratio=3, overflow="fold")
    table.add_column("re-driven", ratio=1)
    for one in newest:
        poison = one.record
        place = f"{poison.topic}[{poison.partition}] at offset {poison.offset}"
        key = (poison.key or b"").decode(errors="replace")
        table.add_row(
            str(one.id),
            f"{place}\n{poison.found_at:%Y-%m-%d %H:%M:%S} UTC",
            Text(f"{key[:100]}\n{poison.cause}"),
            f"{one.redriven_at:%Y-%m-%d %H:%M:%S} UTC" if one.redriven_at else one.obstacle or "no",
        )
    if newest:
        console.print(table)
    states = Counter(one.obstacle or "to re-drive" for one in found)
    total = ", ".join(f"{n:,} {state}" for state, n in sorted(states.items())) or "there are none"
    console.print(f"{len(newest):,} of {len(found):,} poison records shown: {total}")


def _json(found: "Found") -> str:
    import msgspec

    return msgspec.json.encode(
        {
            "id": str(found.id),
            **{name: getattr(found.record, name) for name in found.record.__struct_fields__},
            "redriven_at": found.redriven_at,
        }
    ).decode()
