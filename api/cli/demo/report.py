"""The tables that the demo shows at its end."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli.demo.player import DemoRecord
from api.cli.demo.reconcile import Row
from api.cli.demo.totals import Totals
from connectors.http.receiver import Sample

_SHOWN_REFUSALS = 12


def show(
    console: Console, records: Iterable[DemoRecord], totals: Totals, rows: list[Row], sample: Sample | None
) -> None:
    """Prints the tables and one webhook, and last how the receiver's messages compare with the events."""
    played = Counter("unreadable" if isinstance(r, bytes) else type(r).__name__ for r in records)
    console.print(_counts_table("records in", played))
    out = Table.grid(padding=(0, 6))
    out.add_row(
        _counts_table("webhook events out", totals.webhook_events),
        _counts_table("deliveries", _outcomes(totals)),
    )
    console.print(out)
    console.print(_refusals(totals))
    if sample:
        _webhook(console, sample)
    console.print(_reconciliation(rows))


def _counts_table(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title, box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(justify="right")
    for name, count in sorted(counts.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{count:,}")
    table.add_row("total", f"{sum(counts.values()):,}", style="bold")
    return table


def _outcomes(totals: Totals) -> dict[str, int]:
    return {
        "delivered": len(totals.delivered),
        "given up": len(totals.given_up),
        "under way": len(totals.deliveries) - len(totals.delivered) - len(totals.given_up),
    }


def _refusals(totals: Totals) -> Table:
    """Refusals grouped by the first words of their reason, each with the first one as the example."""
    alike: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], str] = {}
    for refusal in totals.rejections:
        kind = refusal.command, refusal.field, " ".join(refusal.reason.split()[:3])
        alike[kind] += 1
        first.setdefault(kind, f"{refusal.field} {refusal.value} {refusal.reason}")
    table = Table("refused", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(justify="right")
    table.add_column("for example", overflow="fold")
    for kind, count in alike.most_common(_SHOWN_REFUSALS):
        table.add_row(kind[0], f"{count:,}", Text(first[kind]))
    for poison in totals.poison:
        where = f"{poison.topic}[{poison.partition}] at offset {poison.offset}"
        table.add_row("poison", "1", Text(f"{where} {poison.cause}"))
    return table


def _webhook(console: Console, sample: Sample) -> None:
    console.print("one delivered webhook", style="bold")
    console.print()
    body = msgspec.json.format(bytes(sample.body), indent=2).decode()
    headers = [f"{name}: {value}" for name, value in sample.headers.items()]
    for line in (*headers, "", *body.splitlines()):
        console.print(Text(f"  {line}"), soft_wrap=True)
    console.print()


def _reconciliation(rows: list[Row]) -> Table:
    """The kinds that this history brings, and the number of the others."""
    shown = [row for row in rows if row.webhook_events or not row.agrees]
    quiet = f"{len(rows) - len(shown)} more are subscribed to, for which nothing happens here."
    table = Table("reconciled", box=box.SIMPLE_HEAD, pad_edge=False, caption=quiet, caption_justify="left")
    for title in ("events", "× subscriptions", "= received"):
        table.add_column(title, justify="right")
    table.add_column()
    for row in shown:
        name = f"{row.event_name}, legacy" if row.legacy else row.event_name
        verdict = Text("✓", "bold green") if row.agrees else Text("no", "bold red")
        table.add_row(name, f"{row.webhook_events:,}", f"{row.subscriptions}", f"{row.arrived:,}", verdict)
    return table
