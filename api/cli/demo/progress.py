"""Follows the demo's commands to their end: first handled by the stages, then delivered or given up."""

import time
from collections.abc import Iterable
from pathlib import Path

import httpx
import msgspec

from api.cli.demo.player import DemoRecord
from connectors.http.receiver import Stats
from streams.domain.commands import AdvanceClock
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.projections.command_outcomes import CommandOutcomes
from streams.reconcile.from_topics import Period, reconcile_topics
from streams.reconcile.reconciliation import Reconciliation
from streams.topics import Topic

PATIENCE = 60.0
"""Seconds without any progress after which the demo gives up."""


class PipelineProgress:
    """Asks what became of the commands, the receiver, and the books. Make it before the commands are sent."""

    def __init__(self, connection: Connection, records: Iterable[DemoRecord], folder: Path) -> None:
        """`folder`: where the books are sorted."""
        commands = [record for record in records if not isinstance(record, bytes)]
        self.stats = Stats()
        """What the receiver has got."""
        self._connection = connection
        self._folder = folder
        self._outcomes = CommandOutcomes(connection, frozenset(command.command_id for command in commands))
        self._clocks = {command.command_id for command in commands if isinstance(command, AdvanceClock)}
        self._seen = (0, 0)
        self._moved_at = time.monotonic()

    def close(self) -> None:
        self._outcomes.close()

    @property
    def handled(self) -> int:
        """Commands that led to a fact or were refused."""
        return self._outcomes.answered

    def note_sent(self, topic: Topic, partition: int, offset: int) -> None:
        self._outcomes.sent(topic, partition, offset)

    def look(self, receiver: str, seconds: float) -> None:
        """Reads outcomes for about so long, and the receiver's counts. Raises Retryable if nothing moves."""
        self._outcomes.read(seconds)
        answer = httpx.get(f"{receiver}/stats", trust_env=False)
        self.stats = msgspec.json.decode(answer.content, type=Stats)
        seen, now = (self.handled, self.stats.requests), time.monotonic()
        if seen != self._seen:
            self._seen, self._moved_at = seen, now
        elif now - self._moved_at > PATIENCE:
            raise Retryable(
                f"Nothing has moved for {PATIENCE:g} s: {self.handled} commands are handled, and the "
                f"receiver has {self.stats.requests} requests"
            )

    def final_books(self) -> Reconciliation | None:
        """The books once every command is handled and no delivery is pending, else None."""
        # Nothing answers a clock; that it was handled shows by the group's offsets.
        if self._outcomes.unanswered - self._clocks or not self._outcomes.over():
            return None
        books = reconcile_topics(self._connection, Period(), self._folder, lambda *_: None)
        return None if any(outcomes["pending"] for outcomes in books.outcomes.values()) else books
