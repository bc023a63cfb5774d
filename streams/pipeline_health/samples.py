"""What was seen of the pipeline at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stage:
    """`name`: of its consumer group too, without the prefix."""

    name: str
    source: str
    command: str
    """By which one more of it is started."""


LOYALTY = Stage("loyalty", "commands", "loyalty worker")
IDENTITY = Stage("identity", "identity-requests", "loyalty worker")
FAN_OUT = Stage("fan-out", "webhook-events", "loyalty worker")
SINK = Stage("sink", "deliveries", "loyalty sink")
STAGES = (LOYALTY, IDENTITY, FAN_OUT, SINK)
"""In the order of the data's way."""
TOPICS = (
    *(stage.source for stage in STAGES),
    "events",
    "rejections",
    "attempts",
    "dead-letters",
    "poison",
)


@dataclass(frozen=True, slots=True)
class TopicCounts:
    """Of a topic. `appended`: records since some moment that all samples of a process share."""

    appended: int
    kept: int


@dataclass(frozen=True, slots=True)
class StageCounts:
    """Of a stage: records that it has still to read, and processes that work on it."""

    left: int
    members: int


@dataclass(frozen=True, slots=True)
class Sample:
    """By the names of topics and stages. `stages` is empty where only the topics' past was looked up."""

    at: datetime
    topics: Mapping[str, TopicCounts]
    stages: Mapping[str, StageCounts]

    def appended(self, topic: str) -> int:
        found = self.topics.get(topic)
        return found.appended if found else 0

    def done(self, stage: Stage) -> int | None:
        """Records that it has handled, counted as those appended are; None: not looked at."""
        stand = self.stages.get(stage.name)
        return None if stand is None else self.appended(stage.source) - stand.left
