"""`loyalty poison`: lists records that no stage could read, and sends them again after a fix."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.jobs.redrive import RedriveCandidate
    from streams.jobs.redrive_sources import PoisonFilter
    from streams.rejections import PoisonRecord

app = typer.Typer(no_args_is_help=True, help="Poison records: list, redrive.")

Topics = Annotated[list[str] | None, typer.Option("--topic", help="Only those that came in this topic.")]
Since = Annotated[
    str | None, typer.Option(help="Only those found since: 90m, 24h, 7d or an ISO 8601 time (UTC).")
]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this one, by its id in `poison list`.")]


@app.command("list")
def show(
    topic: Topics = None,
    since: Since = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, bytes as base64.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most to show in a table: the newest.")] = 50,
) -> None:
    """Each poison record: where it came from, when, why, and whether it was sent again."""
    from dataclasses import replace as copy

    from msgspec.structs import replace

    from api.cli.processes import process
    from streams.jobs.redrive import read_candidates
    from streams.jobs.redrive_sources import PoisonSource

    wanted = _make_filter(topic, since, None)
    with process("poison") as (_, connection):
        found = read_candidates(connection, PoisonSource(), wanted)
        if json:
            for one in found:
                say(_to_json(one))
        else:
            # The table shows no bytes, so they are not kept in memory.
            _print_table([copy(one, record=replace(one.record, value=None)) for one in found], limit)


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
    from api.cli.processes import process
    from api.cli.redriving import run_redrive
    from streams.jobs.redrive import Redrive
    from streams.jobs.redrive_sources import PoisonSource

    wanted = _make_filter(topic, since, id)
    with process("poison") as (_, connection):
        run_redrive(Redrive(connection, PoisonSource(), wanted), "poison record", "poison", dry_run)


def _make_filter(topics: list[str] | None, since: str | None, ids: list[str] | None) -> "PoisonFilter":
    from api.cli.redriving import parse_ids, parse_optional_moment
    from streams.errors import Misconfigured
    from streams.jobs.redrive_sources import PoisonFilter
    from streams.topics import TOPICS

    names = {topic.name for topic in TOPICS}
    for topic in topics or ():
        if topic not in names:
            raise Misconfigured(f"--topic {topic!r} is not valid: one of {', '.join(sorted(names))}")
    return PoisonFilter(
        frozenset(topics or ()), parse_optional_moment("--since", since), parse_ids(ids, "poison")
    )


def _print_table(found: "list[RedriveCandidate[PoisonRecord]]", limit: int) -> None:
    from api.cli.redriving import print_candidates

    def describe(poison: "PoisonRecord") -> tuple[str, str, str]:
        place = f"{poison.topic}[{poison.partition}] at offset {poison.offset}"
        return place, (poison.key or b"").decode(errors="replace")[:100], poison.cause

    headings = "came in, found at", "key and cause"
    print_candidates(
        found, limit, "poison records", headings, at=lambda poison: poison.found_at, describe=describe
    )


def _to_json(found: "RedriveCandidate[PoisonRecord]") -> str:
    import msgspec

    return msgspec.json.encode(
        {
            "id": str(found.id),
            **{name: getattr(found.record, name) for name in found.record.__struct_fields__},
            "redriven_at": found.redriven_at,
        }
    ).decode()
