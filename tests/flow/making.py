"""Samples of a pipeline, five seconds apart unless told otherwise."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from streams.pipeline_health.samples import STAGES, TOPICS, Sample, StageCounts, TopicCounts

START = datetime(2025, 10, 20, 13, 18, 0, tzinfo=UTC)


def sample(seconds: float, members: int = 1, **counts: int) -> Sample:
    """`commands=7`: so many appended by then; `loyalty=3`: so many left to that stage. 0 where not told."""
    said = {name.replace("_", "-"): count for name, count in counts.items()}
    assert set(said) <= {*TOPICS, *(stage.name for stage in STAGES)}
    return Sample(
        START + timedelta(seconds=seconds),
        {topic: TopicCounts(said.get(topic, 0), 1000 + said.get(topic, 0)) for topic in TOPICS},
        {stage.name: StageCounts(said.get(stage.name, 0), members) for stage in STAGES},
    )


def table(rows: Iterable[tuple[int, int]], members: int = 1) -> list[Sample]:
    """Commands appended, and how many of them are left to the loyalty stage, every five seconds."""
    return [sample(5 * n, members, commands=came, loyalty=left) for n, (came, left) in enumerate(rows)]
