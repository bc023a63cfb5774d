"""A verdict on the pipeline, in sentences: whether it is healthy, and otherwise what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from streams.pipeline_health.figures import (
    StageDelay,
    StageFigures,
    append_rate,
    records_per_minute,
    stage_figures,
)
from streams.pipeline_health.samples import LOYALTY, Sample

STALE_AFTER = timedelta(seconds=20)
"""Older samples mean that Kafka does not answer."""
MIN_SHOWN_RATE = 0.05
"""Records per second below which a rate is not shown."""
TroubleWeight = Literal["bad", "warn"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """`command` is to be run by an operator; `page` lies below the store's."""

    weight: TroubleWeight
    what: str
    todo: str = ""
    command: str = ""
    page: str = ""


def find_troubles(samples: Sequence[Sample], now: datetime) -> list[Trouble]:
    """The troubles of the pipeline, the worst first."""
    silent = _kafka_trouble(samples, now)
    # Stage figures from before Kafka stopped answering do not describe the present.
    stages = [] if silent else stage_figures(samples)
    found = [
        each
        for each in (
            silent,
            *_absent_troubles(stages),
            *map(_stage_trouble, stages),
            _poison_trouble(samples, now),
        )
        if each
    ]
    return sorted(found, key=lambda trouble: trouble.weight != "bad")


def _kafka_trouble(samples: Sequence[Sample], now: datetime) -> Trouble | None:
    todo = "See that the broker runs, and that this process can reach it:"
    if not samples or not samples[-1].stages:
        return Trouble(
            "bad", "Nothing is known yet: Kafka has not answered so far.", todo, "loyalty broker status"
        )
    age = now - samples[-1].at
    if age < STALE_AFTER:
        return None
    what = f"Kafka has not answered for {duration_text(age)}: what stands here is as old as that."
    return Trouble("bad", what, todo, "loyalty broker status")


def _absent_troubles(stages: Sequence[StageFigures]) -> Iterator[Trouble]:
    """One for each kind of process, as a missing worker leaves three stages."""
    for command in dict.fromkeys(fare.stage.command for fare in stages):
        absent = [fare for fare in stages if fare.stage.command == command and fare.word == "nobody"]
        if absent:
            sources = join_names([fare.stage.source for fare in absent])
            waits = _backlog_text(
                max(absent, key=lambda fare: fare.behind.time), sum(fare.left for fare in absent)
            )
            yield Trouble(
                "bad", f"Nobody works on {sources}: {waits}.", "Start a process that does:", command
            )


def _stage_trouble(fare: StageFigures) -> Trouble | None:
    stage, waits = fare.stage, _backlog_text(fare, fare.left)
    match fare.word:
        case "well" | "nobody":
            return None
        case "stands still":
            what = f"The {stage.name} stage stands still: {waits}."
            todo = "It may be reading its tables anew, which its log tells; if not, start it again:"
            return Trouble("bad", what, todo, stage.command)
        case "behind":
            what = f"The {stage.name} stage falls behind: {waits}."
            return Trouble("warn", what, "Start another beside it, on any machine:", stage.command)
        case "catching up":
            ends = f", done in about {duration_text(fare.done_in)}" if fare.done_in else ""
            return Trouble(
                "warn", f"The {stage.name} stage catches up: {waits}{ends}.", "Nothing need be done."
            )


def _backlog_text(oldest: StageFigures, left: int) -> str:
    if not left:
        return "nothing waits yet"
    waits = f"{count_text(left, 'record')} {'wait' if left > 1 else 'waits'}"
    return f"{waits}, the oldest for {_delay_text(oldest.behind)}" if oldest.behind.time else waits


def _delay_text(behind: StageDelay) -> str:
    return f"{'more than ' if behind.at_least else 'about '}{duration_text(behind.time)}"


def _poison_trouble(samples: Sequence[Sample], now: datetime) -> Trouble | None:
    count = sum(filter(None, records_per_minute(samples, "poison", now).counts))
    if not count:
        return None
    what = f"{count_text(count, 'record')} of the last hour could not be read, and went aside."
    return Trouble("warn", what, "See which, and why:", "loyalty poison list")


def healthy_sentence(
    samples: Sequence[Sample], now: datetime, oldest_pending: timedelta | None, *, whole: bool
) -> str:
    """The sentence if there is no trouble. `whole` adds the rate of the whole pipeline."""
    came = append_rate(samples, LOYALTY.source) or 0.0
    commands = (
        f"{rate_text(came)} commands a second, " if came >= MIN_SHOWN_RATE else "no commands just now, "
    )
    late = sum((fare.behind.time for fare in stage_figures(samples)), oldest_pending or timedelta(0))
    if not late and came < MIN_SHOWN_RATE:
        return f"All is well: {commands if whole else ''}everything is delivered."
    age = max(now - samples[-1].at, timedelta(0)) if samples else timedelta(0)
    return (
        f"All is well: {commands if whole else ''}everything delivered up to {duration_text(late + age)} ago."
    )


def join_names(names: Sequence[str]) -> str:
    """Joins names: one, two and three."""
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def count_text(count: int, one: str, many: str = "") -> str:
    """A count with its noun, such as "3 records"; `many` is the plural if it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def rate_text(value: float) -> str:
    """A rate with two significant digits."""
    if 0 < value < MIN_SHOWN_RATE:
        return "under 0.1"
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def duration_text(time: timedelta) -> str:
    """A length of time in one unit, rounded up where it is short: 1 s, 3 min, 5 h, 2 days."""
    seconds = max(1, -(-time // timedelta(seconds=1)))
    if seconds < 100:
        return f"{seconds} s"
    if seconds < 100 * 60:
        return f"{seconds // 60} min"
    hours = seconds // 3600
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
