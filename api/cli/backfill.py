"""`loyalty backfill`: derives webhook events of the past from the facts, for chosen subscriptions."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say
from api.cli.replay import DEFAULT_RATE, EXIT_NOT_DONE, parse_period, parse_rate, run_with_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.delivery.records import Subscription
    from streams.jobs.backfill import Backfill, BackfillArguments

Event = Annotated[str, typer.Argument(help="Which one, as CustomerUpdated: one that is new, or corrected.")]
Since = Annotated[
    str, typer.Option("--from", help="Of what happened since: 24h, 365d ago or a time (of the store).")
]
Until = Annotated[str, typer.Option("--to", help="And before.")]
Chosen = Annotated[list[str] | None, typer.Option(help="For this one, by its id; give it again for more.")]
All = Annotated[str | None, typer.Option(help="For all active ones of this store that ask for it.")]
Member = Annotated[str | None, typer.Option(help="Only of this member, by the id.")]
Corrected = Annotated[
    str | None, typer.Option(help="A correction's name: all are told anew, under ids that follow from it.")
]
Rate = Annotated[str, typer.Option(help="Most events a second, as 100/s; 0: as fast as it goes.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count, and append nothing.")]


def run(
    event: Event,
    *,
    since: Since,
    until: Until = "0s",
    subscription: Chosen = None,
    all_subscriptions: All = None,
    member: Member = None,
    corrected: Corrected = None,
    rate: Rate = DEFAULT_RATE,
    dry_run: DryRun = False,
) -> None:
    """Derive webhook events of the past from the facts, by the rules of now, for chosen subscriptions alone.

    What was told to a subscription already is not told again, unless it is corrected; of members that are
    erased nothing is. Cut short by Ctrl-C or worse, the same command goes on where it was.
    """
    from streams.errors import Misconfigured
    from streams.jobs.backfill import BackfillArguments
    from streams.jobs.rate_limit import SteadyRate, Unlimited

    ids = tuple(sorted(subscription or ()))
    if bool(ids) == bool(all_subscriptions):
        raise Misconfigured("of --subscription and --all-subscriptions one must be given, and one only")
    asked = BackfillArguments(require_webhook(event), since, until, ids, all_subscriptions, member, corrected)
    now, most = datetime.now(UTC), parse_rate(rate)
    parse_period(since, until, now)
    with ExitStack() as stack:
        made, chosen = _open_backfill(stack, asked, now)
        _print_plan(made, chosen, most)
        if dry_run:
            say("dry run: nothing was appended")
            return
        pace = SteadyRate(most) if most else Unlimited()
        sent, done = run_with_bar("backfilling", made, pace, made.found.count)
    say(f"{sent:,} events backfilled{'' if done else '; the same command goes on with the rest'}")
    if not done:
        raise SystemExit(EXIT_NOT_DONE)


def require_webhook(event: str) -> str:
    """The webhook's canonical name, from either spelling. Raises Misconfigured."""
    from streams.errors import Misconfigured
    from streams.webhooks import CATALOGUE
    from streams.webhooks.names import resolve_event_name

    found = resolve_event_name(event)
    if found is None or found not in CATALOGUE:
        raise Misconfigured(f"EVENT {event!r} is not valid: a name as in `loyalty webhooks docs`")
    return found


def _open_backfill(
    stack: ExitStack, asked: "BackfillArguments", now: datetime
) -> tuple["Backfill", "Sequence[Subscription]"]:
    """The backfill with its derived events, and its subscriptions. Raises Misconfigured if these are
    invalid."""
    from api.cli.bars import progress_bar
    from api.cli.processes import process
    from api.cli.redriving import read_zone
    from streams.delivery.backfill_recipients import choose_subscriptions
    from streams.jobs.backfill import Backfill, plan_backfill
    from streams.jobs.backfill_derive import EventDerivation
    from streams.kafka.checkpoint import TransactionalCheckpoint
    from streams.projections.erasures import erased_owners
    from streams.projections.state_snapshot import read_stores, read_subscriptions
    from streams.topics import EVENTS

    settings, connection = stack.enter_context(process("backfill"))
    there, ids = read_subscriptions(connection), asked.subscriptions
    chosen = choose_subscriptions(there, ids, asked.all_of, asked.event_name)
    standpoint = stack.enter_context(TransactionalCheckpoint(connection, f"backfill-{asked.name}", EVENTS))
    period = parse_period(asked.since, asked.until, now, read_zone(connection, chosen[0].store))
    plan = plan_backfill(connection, standpoint, asked.name, asked.wish(chosen[0].store, *period))
    with progress_bar() as tell:
        deriving = EventDerivation(
            connection,
            plan,
            chosen,
            read_stores(connection).get,
            erased_owners(connection),
            settings.home / "tmp",
            tell,
        )
        found = stack.enter_context(deriving.derived())
    return Backfill(standpoint, plan, found), chosen


def _print_plan(made: "Backfill", chosen: "Sequence[Subscription]", rate: int) -> None:
    """Prints how many events go to whom, and how long that takes."""
    count, wish = made.found.count, made.plan.wish
    went_on = "goes on where it was: " if made.plan.resumed else ""
    took = f", {timedelta(seconds=round(count / rate))} at {rate}/s" if rate else ""
    say(f"{went_on}{count:,} {wish.event_name} for {len(chosen):,} subscriptions{took}")
    if made.found.left_out:
        say(f"left out: {made.found.left_out:,} members and documents that are erased")
    for one in chosen:
        if one.active_from and one.active_from > wish.since:
            say(f"{one.subscription_id} is active from {one.active_from:%Y-%m-%d %H:%M}: gets none of before")
