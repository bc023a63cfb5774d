"""Measurements of the pipeline at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage. `name` is also that of its consumer group, without the prefix."""

    name: str
    source: str
    command: str
    """The command that starts another process of it."""


LOYALTY = Stage("loyalty", "commands", "loyalty worker")
IDENTITY = Stage("identity", "identity-requests", "loyalty worker")
FAN_OUT = Stage("fan-out", "webhook-events", "loyalty worker")
SINK = Stage("sink", "deliveries", "loyalty sink")
STAGES = (LOYALTY, IDENTITY, FAN_OUT, SINK)
"""In the order in which data passes them."""
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
    """Counts of a topic. `appended` is counted from a moment that all samples of a process share."""

    appended: int
    kept: int


@dataclass(frozen=True, slots=True)
class StageCounts:
    """Counts of a stage: unread records, and processes in its consumer group."""

    left: int
    members: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts by topic and by stage. `stages` is empty if only the topics' past was read."""

    at: datetime
    topics: Mapping[str, TopicCounts]
    stages: Mapping[str, StageCounts]

    def appended(self, topic: str) -> int:
        found = self.topics.get(topic)
        return found.appended if found else 0

    def done(self, stage: Stage) -> int | None:
        """Records that it has handled, counted like `appended`; None if it was not measured."""
        stand = self.stages.get(stage.name)
        return None if stand is None else self.appended(stage.source) - stand.left
