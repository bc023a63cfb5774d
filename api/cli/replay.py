"""`loyalty replay`: sends webhooks of the past again from the log."""

import re
import signal
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

from api.cli.replay_state import state

if TYPE_CHECKING:
    from streams.delivery.records import Subscription
    from streams.delivery.replay_selection import ReplaySelection
    from streams.jobs.rate_limit import RateLimit, StopCallback
    from streams.jobs.replay import ProgressCallback, Replay, ReplayArguments
    from streams.kafka.clients import Connection

EXIT_NOT_DONE = 130
DEFAULT_RATE = "100/s"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

app = typer.Typer(no_args_is_help=True, help="The past again, from the log: webhooks, state.")
app.command()(state)


@app.command()
def webhooks(
    *,
    subscription: Annotated[str, typer.Option(help="To which one, by its id.")],
    since: Annotated[
        str,
        typer.Option(
            "--from", help="Webhook events appended since: 90m, 24h, 7d ago or a time (of the store)."
        ),
    ],
    until: Annotated[str, typer.Option("--to", help="And before.")] = "0s",
    event: Annotated[str | None, typer.Option(help="Only of this event, as CustomerUpdated.")] = None,
    member: Annotated[str | None, typer.Option(help="Only of this member, by the id.")] = None,
    only: Annotated[
        Literal["all", "missing", "failed"],
        typer.Option(
            help="missing: of which no delivery was made; failed: given up and not delivered since."
        ),
    ] = "all",
    rate: Annotated[
        str, typer.Option(help="Most deliveries a second, as 100/s; 0: as fast as it goes.")
    ] = DEFAULT_RATE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and send nothing.")] = False,
) -> None:
    """Deliver webhook events again, as the subscription is now, with the same messageIds and in order.

    Cut short by Ctrl-C or worse, the same command goes on where it was; once it is done, it begins anew. It
    never has more than a second's worth on the way to the endpoint: what happens meanwhile hardly waits.
    Of members that are erased nothing is sent again.
    """
    from api.cli.processes import process
    from api.cli.redriving import read_zone
    from streams.jobs.delivery_outcomes import outcome_lookup
    from streams.jobs.replay import Replay, ReplayArguments, read_subscription
    from streams.projections.erasures import erased_owners

    asked = ReplayArguments(subscription, since, until, parse_event_name(event), member, only)
    now, most = datetime.now(UTC), parse_rate(rate)
    parse_period(since, until, now)
    with ExitStack() as stack:
        settings, connection = stack.enter_context(process("replay"))
        chosen = read_subscription(connection, subscription)
        period = parse_period(since, until, now, read_zone(connection, chosen.store))
        selection = make_selection(chosen, asked)
        selection = replace(selection, erased=erased_owners(connection))
        if only != "all":
            found = outcome_lookup(connection, subscription, period[0], settings.home / "tmp")
            selection = replace(selection, outcome_of=stack.enter_context(found))
        run = stack.enter_context(Replay(connection, selection, period=period))
        _run_replay(run, connection, subscription, most, dry_run)


def parse_event_name(name: str | None) -> str | None:
    """The event's canonical name. Raises Misconfigured if there is none."""
    from streams.errors import Misconfigured
    from streams.webhooks.names import resolve_event_name

    found = None if name is None else resolve_event_name(name)
    if name is not None and found is None:
        raise Misconfigured(f"--event {name!r} is not valid: a name as in `loyalty webhooks docs`")
    return found


def parse_period(since: str, until: str, now: datetime, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
    """The period; times without a zone are of `zone`. Raises Misconfigured for invalid times or an empty
    period."""
    from api.cli.redriving import parse_moment
    from streams.errors import Misconfigured

    first, last = parse_moment("--from", since, now, zone), parse_moment("--to", until, now, zone)
    if first >= last:
        raise Misconfigured(f"--from {since!r} is not valid: it must be before --to {until!r}")
    return first, last


def parse_rate(rate: str) -> int:
    """The rate a second; 0: no limit. Raises Misconfigured."""
    from streams.errors import Misconfigured

    found = re.fullmatch(r"(\d{1,6})(/s)?", rate, re.ASCII)
    if not found:
        raise Misconfigured(
            f"--rate {rate!r} is not valid: deliveries a second, as {DEFAULT_RATE}; 0 for no bound"
        )
    return int(found[1])


def make_selection(subscription: "Subscription", asked: "ReplayArguments") -> "ReplaySelection":
    """Raises Misconfigured if the subscription does not want that event, or if `only` cannot be decided for
    it."""
    from streams.delivery.replay_selection import ReplaySelection
    from streams.errors import Misconfigured

    found = ReplaySelection(subscription, asked.name, asked.event_name, asked.member_id, asked.only)
    if asked.event_name and not found.names(asked.event_name):
        raise Misconfigured(f"--event {asked.event_name!r} is not valid: the subscription does not want it")
    if asked.only != "all" and found.arrays:
        names = ", ".join(found.arrays)
        raise Misconfigured(
            f"--only {asked.only!r} is not valid: bodies of {names} are arrays, whose items are not "
            "looked up; use all, or name another --event"
        )
    return found


def _run_replay(run: "Replay", connection: "Connection", subscription: str, rate: int, dry_run: bool) -> None:
    """Raises SystemExit if it was stopped before it was complete."""
    from rich.console import Console

    from streams.jobs.rate_limit import AttemptLimited, Unlimited

    console = Console(soft_wrap=True, highlight=False)
    total = run.count().deliveries
    console.print(_describe_count(total, run.plan.stretch.size, rate, resumed=run.plan.resumed))
    if dry_run:
        console.print("dry run: nothing was sent")
        return
    pace = AttemptLimited(connection, subscription, rate) if rate else Unlimited()
    try:
        sent, done = run_with_bar("replaying", run, pace, total)
    finally:
        pace.close()
    console.print(f"{sent:,} deliveries replayed{'' if done else '; the same command goes on with the rest'}")
    if not done:
        raise SystemExit(EXIT_NOT_DONE)


def _describe_count(total: int, offsets: int, rate: int, *, resumed: bool) -> str:
    went_on = "goes on where it was: " if resumed else ""
    took = f", {timedelta(seconds=round(total / rate))} at {rate}/s or longer" if rate else ""
    return f"{went_on}{total:,} deliveries of {offsets:,} webhook events{took}"


class RunnableJob(Protocol):
    """A job that runs until it is complete or stopped."""

    def run(self, pace: "RateLimit", progress: "ProgressCallback", over: "StopCallback") -> bool: ...


def run_with_bar(doing: str, run: RunnableJob, pace: "RateLimit", total: int) -> tuple[int, bool]:
    """How many were sent, and whether that was all. Ctrl-C and SIGTERM stop it in order."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    told: list[int] = []
    before = {number: signal.signal(number, lambda n, _: told.append(n)) for number in _STOP_SIGNALS}
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    sent = 0
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("", total=total)

            def tell(more: int) -> None:
                nonlocal sent
                sent += more
                progress.advance(bar, more)

            done = run.run(pace, tell, lambda: bool(told))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return sent, done
