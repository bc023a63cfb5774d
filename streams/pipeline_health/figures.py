"""What follows from samples, the oldest first: rates, how long a stage is behind, records a minute."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from streams.pipeline_health.samples import STAGES, Sample, Stage

RATE_WINDOW = timedelta(seconds=30)
"""What "now" is made of: of a shorter time a rate would jump."""
MINUTE = timedelta(minutes=1)
SLOW_AFTER = timedelta(seconds=10)
"""Behind by less than this is nobody's trouble."""

StageStatus = Literal["well", "catching up", "behind", "stands still", "nobody"]


@dataclass(frozen=True, slots=True)
class StageDelay:
    """How old the first record is that is not read. `at_least`: older than what was seen."""

    time: timedelta
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class StageFigures:
    """How a stage fares. `rate`: records a second that it handles, None while that is not known."""

    stage: Stage
    left: int
    members: int
    behind: StageDelay
    rate: float | None
    word: StageStatus
    done_in: timedelta | None = None
    """When it will have caught up, if things go on like this."""


def recent_samples(samples: Sequence[Sample], span: timedelta = RATE_WINDOW) -> Sequence[Sample]:
    """Those of the last `span`, and one before."""
    if not samples:
        return samples
    begins = samples[-1].at - span
    return samples[max(0, bisect_right(samples, begins, key=lambda sample: sample.at) - 1) :]


def rate(samples: Sequence[Sample], topic: str) -> float | None:
    """Records a second that came to a topic just now; None: it takes two samples to know."""
    return _a_second(recent_samples(samples), [sample.appended(topic) for sample in recent_samples(samples)])


def _a_second(samples: Sequence[Sample], counts: Sequence[int]) -> float | None:
    if len(samples) < 2:
        return None
    seconds = (samples[-1].at - samples[0].at).total_seconds()
    return max(0.0, (counts[-1] - counts[0]) / seconds) if seconds else None


def fares(samples: Sequence[Sample]) -> list[StageFigures]:
    """Of each stage that the latest sample knows."""
    return [_fare(samples, stage) for stage in STAGES if samples and stage.name in samples[-1].stages]


def _fare(samples: Sequence[Sample], stage: Stage) -> StageFigures:
    stand, late = samples[-1].stages[stage.name], behind(samples, stage)
    seen = [sample for sample in recent_samples(samples) if stage.name in sample.stages]
    done = _a_second(seen, [sample.done(stage) or 0 for sample in seen])
    # A burst of half a minute ago does not hide that there is less every time.
    lately = recent_samples(seen, SLOW_AFTER)
    lefts = [sample.stages[stage.name].left for sample in lately]
    fewer = _a_second(lately, [lefts[0] - left for left in lefts]) or 0.0
    word = _word(seen, stage, late, done, fewer)
    ends = timedelta(seconds=stand.left / fewer) if word == "catching up" else None
    return StageFigures(stage, stand.left, stand.members, late, done, word, ends)


def _word(
    seen: Sequence[Sample], stage: Stage, late: StageDelay, done: float | None, fewer: float
) -> StageStatus:
    """`fewer`: by how many a second what is left gets less."""
    if not seen[-1].stages[stage.name].members:
        return "nobody"
    if late.time < SLOW_AFTER:
        return "well"
    if done == 0 and seen[-1].at - seen[0].at >= SLOW_AFTER:
        return "stands still"
    return "catching up" if fewer else "behind"


def behind(samples: Sequence[Sample], stage: Stage) -> StageDelay:
    """When as many records had come as are handled now: between two samples they are taken to come evenly."""
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
    """Records in each minute, by when it began; None: before the first sample."""

    begins: Sequence[datetime]
    counts: Sequence[int | None]


def records_per_minute(samples: Sequence[Sample], topic: str, now: datetime, many: int = 60) -> MinuteCounts:
    """The last `many`, the one under way among them. Their sum is what came, whatever looks were missed."""
    first = now.replace(second=0, microsecond=0) - (many - 1) * MINUTE
    bounds = [first + n * MINUTE for n in range(many + 1)]
    counts = [_at(samples, topic, bound) for bound in bounds]
    pairs = pairwise(counts)
    came = [
        None if end is None else max(0, end - (samples[0].appended(topic) if begin is None else begin))
        for begin, end in pairs
    ]
    return MinuteCounts(bounds[:-1], came)


def _at(samples: Sequence[Sample], topic: str, moment: datetime) -> int | None:
    """How many had been appended by then, None: not known; after the latest sample as many as in it."""
    after = bisect_right(samples, moment, key=lambda sample: sample.at)
    if after == 0:
        return None
    before = samples[after - 1]
    if after == len(samples):
        return before.appended(topic)
    share = (moment - before.at) / (samples[after].at - before.at)
    return round(before.appended(topic) + share * (samples[after].appended(topic) - before.appended(topic)))
