"""`loyalty expiring`: previews the announcements of expiring units, coupons and tiers."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from rich.table import Table

    from streams.domain.preview import AnnouncementPreview
    from streams.domain.store import StoreSettings
    from streams.kafka.clients import Connection
    from streams.settings import Settings

MOST_DAYS = 3660
LATEST = date(9900, 12, 31)
"""Latest first day: the calendar ends in the year 9999."""

app = typer.Typer(no_args_is_help=True, help="Expiring notifications: preview.")


@app.callback()
def _group() -> None:
    """Makes this a group: typer would otherwise take the only command for the whole."""


@app.command()
def preview(
    store: Annotated[str, typer.Option(help="The store's code.")],
    on: Annotated[
        str, typer.Option(help="The first day, as 2026-03-31, in the store's time zone.")
    ] = "today",
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How many days.")] = 1,
    limit: Annotated[int, typer.Option(min=0, help="Most to list: the earliest. All are counted.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """List who will get which announcement of expiring units, coupons and tiers, if nothing else happens
    until then.

    The preview follows the present state and settings: units that are spent later will not be announced. A
    copy of the state is kept under LOYALTY_HOME, so that the next preview reads only what is new.
    """
    import msgspec

    from api.cli.processes import process
    from streams.domain.preview import AnnouncementPreview
    from streams.projections.state_snapshot import read_store_settings

    with process("preview") as (settings, connection):
        rules = read_store_settings(connection, store)
        today = rules.calendar.day(datetime.now(UTC))
        # With stream time, announcements of history may be due in the past.
        earliest = date.min if settings.clock == "stream" else today
        found = AnnouncementPreview(rules, first_day(on, today, earliest), days, limit)
        members = _fill_preview(settings, connection, store, found)
    if json:
        encode = msgspec.json.Encoder(decimal_format="number").encode
        say(encode({**found.tree(), "members": members}).decode())
    else:
        _tables(found, rules, members)


def first_day(on: str, today: date, earliest: date) -> date:
    """Reads `--on`. Raises Misconfigured if it is no day, or none that can be previewed."""
    from streams.errors import Misconfigured

    try:
        day = today if on == "today" else date.fromisoformat(on)
    except ValueError:
        raise Misconfigured(f"--on {on!r} is no day; valid is today, or a day such as 2026-03-31") from None
    if not earliest <= day <= LATEST:
        raise Misconfigured(
            f"--on {on!r} is not valid: from {earliest} to {LATEST}, in the store's time zone"
        )
    return day


def _fill_preview(
    settings: "Settings", connection: "Connection", store: str, found: "AnnouncementPreview"
) -> int:
    """Fills the preview under a progress bar. Returns the number of members."""
    from api.cli.bars import progress_bar
    from streams.projections.state_snapshot import visit_members

    with progress_bar() as tell:
        return visit_members(settings, connection, store, found, tell)


def _tables(found: "AnnouncementPreview", store: "StoreSettings", members: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from streams.domain.preview import ANNOUNCEMENT_KINDS

    console = Console()
    by_day = Table("day", box=box.SIMPLE_HEAD, pad_edge=False)
    for kind in ANNOUNCEMENT_KINDS.values():
        by_day.add_column(kind, justify="right")
    for day, count in found.counts.items():
        by_day.add_row(str(day), *(f"{count[kind]:,}" for kind in ANNOUNCEMENT_KINDS.values()))
    console.print(by_day)
    if found.shown:
        console.print(_list_announcements(found, store))
    left = found.total - len(found.shown)
    more = f"; {left:,} more are not shown: --limit" if left else ""
    console.print(f"{found.total:,} announcements to {members:,} members looked at{more}", highlight=False)


def _list_announcements(found: "AnnouncementPreview", store: "StoreSettings") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from streams.domain.preview import announced_end, describe_announcement
    from streams.domain.text import escape_text

    table = Table("told at", "member", "of what", "which ends at", box=box.SIMPLE_HEAD, pad_edge=False)
    for event in found.shown:
        end = announced_end(event)
        table.add_row(
            _local(event.occurred_at, store),
            event.member_id,
            Text(escape_text(describe_announcement(event))),
            _local(end, store) if end else "",
        )
    return table


def _local(moment: datetime, store: "StoreSettings") -> str:
    from streams.domain.calendar import to_zone

    return f"{to_zone(moment, ZoneInfo(store.time_zone)):%Y-%m-%d %H:%M:%S}"
