"""What the redriving commands share: ids and times, counts, a table, a progress bar."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.console import Console

if TYPE_CHECKING:
    from streams.jobs.redrive import CandidateId, Redrive, RedriveCandidate, RedriveCount
    from streams.kafka.clients import Connection

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def run_redrive(run: "Redrive[Any]", what: str, command: str, dry_run: bool) -> None:
    """Prints what would be sent, then sends it. Raises Misconfigured for an id that does not exist."""
    from streams.errors import Misconfigured

    console = Console(soft_wrap=True, highlight=False)
    count = run.count()
    if count.unknown:
        ids = ", ".join(map(str, sorted(count.unknown)))
        raise Misconfigured(f"--id {ids}: no {what} is there; `loyalty {command} list` shows them")
    console.print(_describe_count(count, what))
    if dry_run:
        console.print("dry run: nothing was sent")
    elif count.to_send:
        console.print(f"{_run_with_bar(run, count.to_send)} records re-driven")


def _run_with_bar(run: "Redrive[Any]", total: int) -> int:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("re-driving"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=total)
        return run.run(lambda more: progress.advance(bar, more))


def _describe_count(count: "RedriveCount", what: str) -> str:
    parts = [f"{count.matching:,} of {count.all:,} {what}s match"]
    parts += [f"{n:,} {why}" for why, n in sorted(count.obstacles.items())]
    to = ", ".join(f"{n:,} to {topic}" for topic, n in sorted(count.sent_to.items()))
    return "; ".join([*parts, f"to re-drive: {to or 'none'}"])


def print_candidates(
    found: "list[RedriveCandidate[Any]]",
    limit: int,
    what: str,
    headings: tuple[str, str],
    *,
    at: Callable[[Any], datetime],
    describe: Callable[[Any], tuple[str, str, str]],
) -> None:
    """The newest as a table, and how many there are. `describe` of a record: what it is about, and two lines
    more; `at`: since when it has been there."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from streams.domain.text import escape_text

    console = Console()
    newest = sorted(found, key=lambda one: at(one.record))[-limit:]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("id", no_wrap=True)
    table.add_column(headings[0], ratio=2)
    table.add_column(headings[1], ratio=3, overflow="fold")
    table.add_column("re-driven", ratio=1)
    for one in newest:
        about, *lines = describe(one.record)
        table.add_row(
            str(one.id),
            Text(f"{escape_text(about)}\n{_format_moment(at(one.record))}"),
            Text("\n".join(map(escape_text, lines))),
            _format_moment(one.redriven_at) if one.redriven_at else one.obstacle or "no",
        )
    if newest:
        console.print(table)
    states = Counter(one.obstacle or "to re-drive" for one in found)
    total = ", ".join(f"{n:,} {state}" for state, n in sorted(states.items())) or "there are none"
    console.print(f"{len(newest):,} of {len(found):,} {what} shown: {total}")


def _format_moment(parse_optional_moment: datetime) -> str:
    return f"{parse_optional_moment:%Y-%m-%d %H:%M:%S} UTC"


def parse_ids(ids: list[str] | None, command: str) -> "frozenset[CandidateId]":
    """Raises Misconfigured for an invalid id."""
    from streams.errors import Misconfigured
    from streams.jobs.redrive import CandidateId

    for one in ids or ():
        if not re.fullmatch(r"\d{1,9}:\d{1,18}", one, re.ASCII):
            raise Misconfigured(
                f"--id {one!r} is not valid: partition:offset, as in `loyalty {command} list`"
            )
    return frozenset(CandidateId(*map(int, one.split(":"))) for one in ids or ())


def parse_optional_moment(option: str, text: str | None, zone: tzinfo = UTC) -> datetime | None:
    """The time, if one is given. Raises Misconfigured."""
    return None if text is None else parse_moment(option, text, datetime.now(UTC), zone)


def parse_moment(option: str, text: str, now: datetime, zone: tzinfo = UTC) -> datetime:
    """A time, or a duration such as `90m` before `now`. A time without a zone is of `zone`. Raises
    Misconfigured."""
    from streams.domain.instants import INSTANT_RANGE, OutOfRange, parse_instant
    from streams.errors import Misconfigured

    ago = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return parse_instant(text, zone)
    except OutOfRange:
        raise Misconfigured(f"{option} {text!r} {INSTANT_RANGE}") from None
    except (ValueError, OverflowError):
        raise Misconfigured(
            f"{option} {text!r} is not valid: 90m, 24h, 7d or a time such as 2026-03-02T12:00:00Z"
        ) from None


def read_zone(connection: "Connection", store: str | None) -> tzinfo:
    """The store's time zone; UTC for all stores together, and for one without settings."""
    from streams.projections.state_snapshot import read_stores

    settings = read_stores(connection).get(store) if store else None
    return ZoneInfo(settings.time_zone) if settings else UTC
