"""`loyalty dead-letters`: lists deliveries that were given up, and sends them again."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.delivery.records import DeadLetter
    from streams.jobs.redrive import RedriveCandidate
    from streams.jobs.redrive_sources import DeadLetterFilter

app = typer.Typer(no_args_is_help=True, help="Deliveries given up: list, show, redrive.")

Times = "90m, 24h, 7d ago or an ISO 8601 time, of UTC where it names no zone"
Subscriptions = Annotated[
    list[str] | None, typer.Option("--subscription", help="Only of this one, by its id.")
]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Only of this store.")]
Events = Annotated[list[str] | None, typer.Option("--event", help="Only of this event, as CustomerUpdated.")]
Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", help="Only those whose last answer was this: 404, 5xx, or none for no answer."),
]
From = Annotated[str | None, typer.Option("--from", help=f"Only those given up since: {Times}.")]
Until = Annotated[str | None, typer.Option("--to", help=f"Only those given up before: {Times}.")]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this one, by its id in the list.")]


@app.command("list")
def listed(
    *,
    subscription: Subscriptions = None,
    store: Stores = None,
    event: Events = None,
    status: Statuses = None,
    since: From = None,
    until: Until = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, the body's data in it.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most to show in a table: the newest.")] = 50,
) -> None:
    """Each dead letter: of which subscription and event, when and why given up, and whether sent again."""
    from dataclasses import replace as copy

    from api.cli.processes import process
    from streams.jobs.redrive import read_candidates
    from streams.jobs.redrive_sources import dead_letter_source

    wanted = _make_filter(
        subscriptions=subscription,
        stores=store,
        events=event,
        statuses=status,
        times=(since, until),
        ids=None,
    )
    with process("dead-letters") as (_, connection):
        found = read_candidates(connection, dead_letter_source(connection), wanted)
        if json:
            for one in found:
                say(_to_json(one))
        else:
            # The table shows no bodies, so they are not kept in memory.
            _print_table([copy(one, record=_without_body(one.record)) for one in found], limit)


@app.command()
def show(id: Annotated[str, typer.Argument(help="Its id in the list.")]) -> None:
    """One dead letter, whole, as JSON."""
    from api.cli.processes import process
    from api.cli.redriving import parse_ids
    from streams.errors import Misconfigured
    from streams.jobs.redrive import read_candidates
    from streams.jobs.redrive_sources import DeadLetterFilter, dead_letter_source

    wanted = DeadLetterFilter(ids=parse_ids([id], "dead-letters"))
    with process("dead-letters") as (_, connection):
        found = next(read_candidates(connection, dead_letter_source(connection), wanted), None)
    if found is None:
        raise Misconfigured(f"{id}: no dead letter is there; `loyalty dead-letters list` shows them")
    import msgspec

    say(*msgspec.json.format(_to_json(found)).splitlines())


@app.command()
def redrive(
    *,
    subscription: Subscriptions = None,
    store: Stores = None,
    event: Events = None,
    status: Statuses = None,
    since: From = None,
    until: Until = None,
    id: Ids = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and send nothing.")] = False,
) -> None:
    """Deliver them again, each once: same messageId, the whole retry schedule before it.

    Cut short, it is run again: what was sent is not sent twice.
    """
    from api.cli.processes import process
    from api.cli.redriving import run_redrive
    from streams.jobs.redrive import Redrive
    from streams.jobs.redrive_sources import dead_letter_source

    wanted = _make_filter(
        subscriptions=subscription,
        stores=store,
        events=event,
        statuses=status,
        times=(since, until),
        ids=id,
    )
    with process("dead-letters") as (_, connection):
        run = Redrive(connection, dead_letter_source(connection), wanted)
        run_redrive(run, "dead letter", "dead-letters", dry_run)


def _make_filter(
    *,
    subscriptions: list[str] | None,
    stores: list[str] | None,
    events: list[str] | None,
    statuses: list[str] | None,
    times: tuple[str | None, str | None],
    ids: list[str] | None = None,
) -> "DeadLetterFilter":
    from api.cli.redriving import parse_ids, parse_optional_moment
    from streams.errors import Misconfigured
    from streams.jobs.redrive_sources import DeadLetterFilter
    from streams.webhooks.names import resolve_event_name

    for event in events or ():
        if resolve_event_name(event) is None:
            raise Misconfigured(f"--event {event!r} is not valid: a name as in `loyalty webhooks docs`")
    return DeadLetterFilter(
        subscriptions=frozenset(subscriptions or ()),
        stores=frozenset(stores or ()),
        events=frozenset(resolve_event_name(event) or event for event in events or ()),
        statuses=frozenset(code for status in statuses or () for code in parse_statuses(status)),
        since=parse_optional_moment("--from", times[0]),
        until=parse_optional_moment("--to", times[1]),
        ids=parse_ids(ids, "dead-letters"),
    )


def parse_statuses(status: str) -> "list[int | None]":
    """The statuses that `404`, `5xx` or `none` stands for. Raises Misconfigured."""
    from streams.errors import Misconfigured

    if status == "none":
        return [None]
    if re.fullmatch(r"[1-5]xx", status):
        return list(range(int(status[0]) * 100, int(status[0]) * 100 + 100))
    if re.fullmatch(r"[1-5]\d\d", status, re.ASCII):
        return [int(status)]
    raise Misconfigured(f"--status {status!r} is not valid: 404, 5xx, or none for those without an answer")


def _without_body(letter: "DeadLetter") -> "DeadLetter":
    from msgspec.structs import replace

    return replace(letter, delivery=replace(letter.delivery, data=""))


def _print_table(found: "list[RedriveCandidate[DeadLetter]]", limit: int) -> None:
    from api.cli.redriving import print_candidates as shown

    def describe(letter: "DeadLetter") -> tuple[str, str, str]:
        delivery = letter.delivery
        return f"{delivery.event_name} of {delivery.store}", delivery.subscription_id, letter.reason

    headings = "event, given up at", "subscription and reason"
    shown(found, limit, "dead letters", headings, at=lambda letter: letter.given_up_at, describe=describe)


def _to_json(found: "RedriveCandidate[DeadLetter]") -> str:
    import msgspec

    letter = found.record
    delivery = {name: getattr(letter.delivery, name) for name in letter.delivery.__struct_fields__}
    return msgspec.json.encode(
        {
            "id": str(found.id),
            "reason": letter.reason,
            "attempts": letter.attempts,
            "status": letter.status,
            "given_up_at": letter.given_up_at,
            "redriven_at": found.redriven_at,
            "delivery": {**delivery, "data": msgspec.Raw(letter.delivery.data.encode())},
        }
    ).decode()
