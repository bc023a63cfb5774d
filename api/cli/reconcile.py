"""`loyalty reconcile`: checks that published = delivered + filtered + pending + dead, from the topics alone.
With --state it checks the running state against the facts."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.kafka.clients import Connection
    from streams.reconcile.from_topics import Period
    from streams.reconcile.reconciliation import Reconciliation
    from streams.settings import Settings

DOES_NOT_AGREE = 1
LISTED = 20


def run(
    *,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", help="Webhook events appended since: 90m, 24h, 7d ago or a time (of --store, else UTC)."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="And before.")] = None,
    store: Annotated[str | None, typer.Option(help="Only of this store.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, the differing ids in it.")] = False,
    state: Annotated[
        bool,
        typer.Option("--state", help="Check the running state instead: sums, identifiers, and the facts."),
    ] = False,
) -> None:
    """Count, for each event and subscription, what was published and what became of it. Exit code 1, with the
    ids that differ, if it does not add up.

    Webhook events older than the oldest deliveries that Kafka still keeps are left out.

    With --state the running state is checked while the pipeline runs: lots add up to their wallets, each
    identifier is one member's, and every entry is as the facts make it.
    """
    from api.cli.processes import process
    from api.cli.reconcile_state import check_state
    from api.cli.redriving import parse_optional_moment, read_zone
    from streams.errors import Misconfigured
    from streams.reconcile.from_topics import Period

    if state and (since or until or store):
        raise Misconfigured("--state looks at all there is: --from, --to and --store are not of it")
    if state:
        check_state(json=json)
        return
    for option, text in (("--from", since), ("--to", until)):
        parse_optional_moment(option, text)
    with process("reconcile") as (settings, connection):
        zone = read_zone(connection, store)
        period = Period(
            parse_optional_moment("--from", since, zone), parse_optional_moment("--to", until, zone), store
        )
        books = reconcile_with_progress(settings, connection, period)
    if json:
        say(_json(books))
    else:
        _show(books)
    if not books.agree:
        raise SystemExit(DOES_NOT_AGREE)


def reconcile_with_progress(
    settings: "Settings", connection: "Connection", period: "Period"
) -> "Reconciliation":
    """Reconciles under a progress bar."""
    from rich.progress import TaskProgressColumn

    from api.cli.bars import progress_bar
    from streams.reconcile.from_topics import reconcile_topics

    with progress_bar(TaskProgressColumn()) as tell:
        return reconcile_topics(connection, period, settings.home / "tmp", tell)


def _show(books: "Reconciliation") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from streams.reconcile.reconciliation import OUTCOMES

    console = Console(highlight=False)
    table = Table("event, subscription", box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("published", *(f"= {OUTCOMES[0]}", *(f"+ {name}" for name in OUTCOMES[1:]))):
        table.add_column(title, justify="right")
    table.add_column()
    for group in sorted({*books.published, *books.different}):
        wrong = books.different[group]
        table.add_row(
            Text(f"{group.event_name}\n{group.subscription_id}"),
            f"{books.published[group]:,}",
            *(f"{books.outcomes[group][name]:,}" for name in OUTCOMES),
            Text(f"{wrong:,} differ", "bold red") if wrong else Text("✓", "bold green"),
        )
    console.print(table)
    for one in books.differences[:LISTED]:
        console.print(f"{one.delivery_id} of event {one.webhook_event_id}: {one.reason}", soft_wrap=True)
    console.print(summarize(books), soft_wrap=True)


def summarize(books: "Reconciliation") -> str:
    """The books in one line."""
    from streams.reconcile.reconciliation import OUTCOMES

    counts = [f"{sum(each[name] for each in books.outcomes.values()):,} {name}" for name in OUTCOMES]
    equation = f"{books.published.total():,} published = {' + '.join(counts)}"
    if books.agree:
        return equation
    more = "" if books.different.total() <= LISTED else "; all of up to 1,000 ids: --json"
    return f"{equation} does not add up: {books.different.total():,} differ{more}"


def _json(books: "Reconciliation") -> str:
    import msgspec

    groups = [
        {
            **group._asdict(),
            "published": books.published[group],
            "differ": books.different[group],
            "outcomes": books.outcomes[group],
        }
        for group in sorted({*books.published, *books.different})
    ]
    differences = [one._asdict() for one in books.differences]
    tree = {"agree": books.agree, "groups": groups, "differ": books.different.total()}
    return msgspec.json.encode({**tree, "differences": differences}).decode()
