"""Figures computed from samples, the oldest first: rates, delays and records per minute."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from streams.pipeline_health.samples import STAGES, Sample, Stage

RATE_WINDOW = timedelta(seconds=30)
"""The window of current rates. Over a shorter one they would fluctuate."""
MINUTE = timedelta(minutes=1)
SLOW_AFTER = timedelta(seconds=10)
"""A stage with a shorter delay is well."""

StageStatus = Literal["well", "catching up", "behind", "stands still", "nobody"]


@dataclass(frozen=True, slots=True)
class StageDelay:
    """The age of the oldest unread record. `at_least`: it is older than all samples."""

    time: timedelta
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class StageFigures:
    """A stage's figures. `append_rate` is in records per second, None if it is not known."""

    stage: Stage
    left: int
    members: int
    behind: StageDelay
    rate: float | None
    word: StageStatus
    done_in: timedelta | None = None
    """The time until it has caught up, at the current rate."""


def recent_samples(samples: Sequence[Sample], span: timedelta = RATE_WINDOW) -> Sequence[Sample]:
    """The samples of the last `span`, and the one before them."""
    if not samples:
        return samples
    begins = samples[-1].at - span
    return samples[max(0, bisect_right(samples, begins, key=lambda sample: sample.at) - 1) :]


def append_rate(samples: Sequence[Sample], topic: str) -> float | None:
    """Records per second appended to a topic; None with fewer than two samples."""
    return _rate_of(recent_samples(samples), [sample.appended(topic) for sample in recent_samples(samples)])


def _rate_of(samples: Sequence[Sample], counts: Sequence[int]) -> float | None:
    if len(samples) < 2:
        return None
    seconds = (samples[-1].at - samples[0].at).total_seconds()
    return max(0.0, (counts[-1] - counts[0]) / seconds) if seconds else None


def stage_figures(samples: Sequence[Sample]) -> list[StageFigures]:
    """The figures of each stage in the latest sample."""
    return [_figures_of(samples, stage) for stage in STAGES if samples and stage.name in samples[-1].stages]


def _figures_of(samples: Sequence[Sample], stage: Stage) -> StageFigures:
    stand, late = samples[-1].stages[stage.name], stage_delay(samples, stage)
    seen = [sample for sample in recent_samples(samples) if stage.name in sample.stages]
    done = _rate_of(seen, [sample.done(stage) or 0 for sample in seen])
    # Over a shorter window, so that an earlier burst does not hide that the backlog shrinks.
    lately = recent_samples(seen, SLOW_AFTER)
    lefts = [sample.stages[stage.name].left for sample in lately]
    fewer = _rate_of(lately, [lefts[0] - left for left in lefts]) or 0.0
    word = _status_of(seen, stage, late, done, fewer)
    ends = timedelta(seconds=stand.left / fewer) if word == "catching up" else None
    return StageFigures(stage, stand.left, stand.members, late, done, word, ends)


def _status_of(
    seen: Sequence[Sample], stage: Stage, late: StageDelay, done: float | None, fewer: float
) -> StageStatus:
    """`fewer`: by how many records per second the backlog shrinks."""
    if not seen[-1].stages[stage.name].members:
        return "nobody"
    if late.time < SLOW_AFTER:
        return "well"
    if done == 0 and seen[-1].at - seen[0].at >= SLOW_AFTER:
        return "stands still"
    return "catching up" if fewer else "behind"


def stage_delay(samples: Sequence[Sample], stage: Stage) -> StageDelay:
    """The time since as many records were appended as are handled now, interpolated between two samples."""
    latest = samples[-1]
    handled = latest.done(stage)
    if handled is None or not latest.stages[stage.name].left:
        return StageDelay(timedelta(0))
    counts = [sample.appended(stage.source) for sample in samples]
    after = bisect_right(counts, handled)
    if after == 0:
        return StageDelay(latest.at - samples[0].at, at_least=True)
    before = samples[after - 1]
    if after == len(samples):
        return StageDelay(timedelta(0))
    share = (handled - counts[after - 1]) / (counts[after] - counts[after - 1])
    return StageDelay(latest.at - before.at - share * (samples[after].at - before.at))


@dataclass(frozen=True, slots=True)
class MinuteCounts:
    """Records in each minute, by its start; None before the first sample."""

    begins: Sequence[datetime]
    counts: Sequence[int | None]


def records_per_minute(samples: Sequence[Sample], topic: str, now: datetime, many: int = 60) -> MinuteCounts:
    """The last `many` minutes, the current one included. Their sum is exact even if samples are missing."""
    first = now.replace(second=0, microsecond=0) - (many - 1) * MINUTE
    bounds = [first + n * MINUTE for n in range(many + 1)]
    counts = [_count_at(samples, topic, bound) for bound in bounds]
    pairs = pairwise(counts)
    came = [
        None if end is None else max(0, end - (samples[0].appended(topic) if begin is None else begin))
        for begin, end in pairs
    ]
    return MinuteCounts(bounds[:-1], came)


def _count_at(samples: Sequence[Sample], topic: str, moment: datetime) -> int | None:
    """Records appended up to `moment`, interpolated; None before the first sample; the latest sample's count
    after it."""
    after = bisect_right(samples, moment, key=lambda sample: sample.at)
    if after == 0:
        return None
    before = samples[after - 1]
    if after == len(samples):
        return before.appended(topic)
    share = (moment - before.at) / (samples[after].at - before.at)
    return round(before.appended(topic) + share * (samples[after].appended(topic) - before.appended(topic)))
