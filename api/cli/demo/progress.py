"""How far the played records have come: handled, turned into deliveries, delivered."""

import time
from collections.abc import Iterable

from api.cli.demo.tally import TopicTally
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.group_offsets import GroupOffsets
from streams.topics import (
    COMMANDS,
    DELIVERIES,
    IDENTITY_REQUESTS,
    POISON,
    REJECTIONS,
    WEBHOOK_EVENTS,
    Topic,
)

PATIENCE = 60.0
ANSWERS_WITHIN = 10.0
STAGES: tuple[tuple[str, Topic, tuple[Topic, ...]], ...] = (
    ("loyalty", COMMANDS, (IDENTITY_REQUESTS, COMMANDS)),
    # These two write for each other: they are done once both have handled all and nothing new came of it.
    ("identity", IDENTITY_REQUESTS, (IDENTITY_REQUESTS, COMMANDS, WEBHOOK_EVENTS, REJECTIONS, POISON)),
    ("fan-out", WEBHOOK_EVENTS, (DELIVERIES, POISON)),
    ("sink", DELIVERIES, (POISON,)),
)
"""Each stage's consumer group, what it reads, and what it has written once it has handled all of that."""


class PipelineProgress:
    """Asks the consumer groups and the tally."""

    def __init__(self, connection: Connection, tally: TopicTally) -> None:
        self._connection = connection
        self._tally = tally
        self._onlookers = {group: GroupOffsets(connection, group) for group, _, _ in STAGES}
        self._seen: object = None
        self._moved_at = time.monotonic()
        self.handled = 0

    def over(self, produced: int) -> bool:
        """Whether all `produced` commands are handled and all that came of them is delivered or given up.

        Raises Retryable where nothing has moved for a minute.
        """
        played = self._tally.played.total()
        self.handled = max(0, played - self._lag("loyalty", COMMANDS))
        done = played >= produced and all(self._settled(*stage) for stage in STAGES)
        self._watch()
        return done and self._tally.under_way == 0

    def _settled(self, group: str, source: Topic, written: Iterable[Topic]) -> bool:
        """In the stages' order: that nothing comes after, the stage before has told."""
        return self._lag(group, source) == 0 and self._tally.has_all(written)

    def _lag(self, group: str, source: Topic) -> int:
        """Records seen in `source` that the group has not handled. The offsets' own difference would also
        count the markers that transactions leave."""
        wanted = self._tally.next_offsets(self._connection.topic(source))
        committed = self._onlookers[group].committed(((p.topic, p.partition) for p in wanted), ANSWERS_WITHIN)
        return sum(max(0, p.offset - max(0, committed[p.topic, p.partition])) for p in wanted)

    def _watch(self) -> None:
        tally = self._tally
        now = time.monotonic()
        seen = self.handled, len(tally.deliveries), tally.attempts.total()
        if seen != self._seen:
            self._seen, self._moved_at = seen, now
        elif now - self._moved_at > PATIENCE:
            raise Retryable(
                f"Nothing has moved for {PATIENCE:g} s: {self.handled} of {tally.played.total()} commands "
                f"are handled, {tally.under_way} of {len(tally.deliveries)} deliveries are under way"
            )
