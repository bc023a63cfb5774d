"""Is the pipeline well, in a sentence; and if not, what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from streams.pipeline_health.figures import StageDelay, StageFigures, fares, rate, records_per_minute
from streams.pipeline_health.samples import LOYALTY, Sample

STALE_AFTER = timedelta(seconds=20)
"""Figures that are older say that Kafka does not answer."""
MIN_SHOWN_RATE = 0.05
"""Records a second that are worth a word."""
TroubleWeight = Literal["bad", "warn"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """`command` is to be run by an operator; `page` lies below the store's."""

    weight: TroubleWeight
    what: str
    todo: str = ""
    command: str = ""
    page: str = ""


def troubles(samples: Sequence[Sample], now: datetime) -> list[Trouble]:
    """Of the whole pipeline, the worst first."""
    silent = _silent(samples, now)
    # What a stage did when Kafka was last heard of says nothing of now.
    stages = [] if silent else fares(samples)
    found = [each for each in (silent, *_absent(stages), *map(_of, stages), _poison(samples, now)) if each]
    return sorted(found, key=lambda trouble: trouble.weight != "bad")


def _silent(samples: Sequence[Sample], now: datetime) -> Trouble | None:
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


def _absent(stages: Sequence[StageFigures]) -> Iterator[Trouble]:
    """One for each kind of process: a worker that is away leaves three stages."""
    for command in dict.fromkeys(fare.stage.command for fare in stages):
        absent = [fare for fare in stages if fare.stage.command == command and fare.word == "nobody"]
        if absent:
            sources = join_names([fare.stage.source for fare in absent])
            waits = _waits(max(absent, key=lambda fare: fare.behind.time), sum(fare.left for fare in absent))
            yield Trouble(
                "bad", f"Nobody works on {sources}: {waits}.", "Start a process that does:", command
            )


def _of(fare: StageFigures) -> Trouble | None:
    stage, waits = fare.stage, _waits(fare, fare.left)
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


def _waits(oldest: StageFigures, left: int) -> str:
    if not left:
        return "nothing waits yet"
    waits = f"{count_text(left, 'record')} {'wait' if left > 1 else 'waits'}"
    return f"{waits}, the oldest for {_told(oldest.behind)}" if oldest.behind.time else waits


def _told(behind: StageDelay) -> str:
    return f"{'more than ' if behind.at_least else 'about '}{duration_text(behind.time)}"


def _poison(samples: Sequence[Sample], now: datetime) -> Trouble | None:
    count = sum(filter(None, records_per_minute(samples, "poison", now).counts))
    if not count:
        return None
    what = f"{count_text(count, 'record')} of the last hour could not be read, and went aside."
    return Trouble("warn", what, "See which, and why:", "loyalty poison list")


def healthy_sentence(
    samples: Sequence[Sample], now: datetime, oldest_pending: timedelta | None, *, whole: bool
) -> str:
    """The sentence where there is no trouble; `whole`: with what goes on in the whole pipeline."""
    came = rate(samples, LOYALTY.source) or 0.0
    commands = (
        f"{rate_text(came)} commands a second, " if came >= MIN_SHOWN_RATE else "no commands just now, "
    )
    late = sum((fare.behind.time for fare in fares(samples)), oldest_pending or timedelta(0))
    if not late and came < MIN_SHOWN_RATE:
        return f"All is well: {commands if whole else ''}everything is delivered."
    age = max(now - samples[-1].at, timedelta(0)) if samples else timedelta(0)
    return (
        f"All is well: {commands if whole else ''}everything delivered up to {duration_text(late + age)} ago."
    )


def join_names(names: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def count_text(count: int, one: str, many: str = "") -> str:
    """3 records; `many` where it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def rate_text(value: float) -> str:
    """Two digits that matter, and no more."""
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
