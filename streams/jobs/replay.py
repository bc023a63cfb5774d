"""Webhook events read again and appended to the deliveries: once each, in order, no faster than is wanted.

A replay is what was asked for: its name is made of that. Where it stands, and where it is to end, is
committed with its deliveries (`streams.kafka.checkpoint`): so it may be killed anywhere and is begun again by
the same words.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Self

from streams.delivery.records import Delivery, Subscription
from streams.delivery.replay_selection import ReplayScope, ReplaySelection
from streams.delivery.subscription import require_active
from streams.domain.ids import derived_id
from streams.domain.values import Value
from streams.errors import Retryable
from streams.jobs.event_reader import DeliveryCount, EventReader
from streams.jobs.rate_limit import Over, Pace
from streams.kafka.checkpoint import Position, TransactionalCheckpoint, output_record
from streams.kafka.clients import Connection
from streams.kafka.log_reader import OffsetRange, time_range
from streams.projections.state_snapshot import read_subscriptions
from streams.topics import DELIVERIES, WEBHOOK_EVENTS, Topic

Progress = Callable[[int], None]
"""Called with how many deliveries were appended since the last call."""
ProgressRecord = Callable[[int, int, bool], tuple[Topic, str, Value] | None]
"""A record, with topic and key, to append in the same transaction: called with how many deliveries that has,
by how many offsets the reading has come on, and whether that is remembered by it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A replay in its asker's words. `since` and `until` are as they were put: they are part of its name."""

    subscription_id: str
    since: str
    until: str
    event_name: str | None = None
    member_id: str | None = None
    only: ReplayScope = "all"

    @property
    def name(self) -> str:
        words = (self.since, self.until, self.event_name or "", self.member_id or "", self.only)
        return derived_id(self.subscription_id, *words)[:13]


def read_subscription(connection: Connection, subscription_id: str) -> Subscription:
    """As it is now. Raises Misconfigured where there is none, or nothing is sent to it; Retryable."""
    return require_active(read_subscriptions(connection).get(subscription_id), subscription_id)


@dataclass(slots=True)
class ReplayPlan:
    """What is left to be read, and by partition where it ends."""

    stretch: OffsetRange
    resumed: bool


class Replay:
    """To make one fences any other of the same name, and ends what that left open. Raises Retryable where the
    cluster does not answer: the same words go on with it."""

    def __init__(
        self,
        connection: Connection,
        selection: ReplaySelection,
        *,
        period: tuple[datetime | None, datetime | None],
        note: ProgressRecord = lambda _sent, _read, _stands: None,
    ) -> None:
        self._note = note
        self._turn, self._whole = threading.Lock(), True
        self._standpoint = TransactionalCheckpoint(connection, f"replay-{selection.name}", WEBHOOK_EVENTS)
        self.plan = self._resumed() or ReplayPlan(
            time_range(connection, WEBHOOK_EVENTS, *period), resumed=False
        )
        self._reread = EventReader(connection, selection, self.plan.stretch)
        self._at = {number: start for number, (start, _) in self.plan.stretch.bounds.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._standpoint.close()

    def count(self, over: Over = lambda: False) -> DeliveryCount:
        """Deliveries that `run` would append now; see `Reread.count`."""
        return self._reread.count(over)

    def run(self, pace: Pace, progress: Progress, over: Over) -> bool:
        """Whether all is done; else it was told to end, and goes on when it is run again."""
        done = self.play(pace, progress, over)
        if done:
            self.forget()
        return done

    def play(self, pace: Pace, progress: Progress, over: Over) -> bool:
        """As `run`, but that it is remembered: until it is forgotten, the same words find nothing left."""
        if not self.plan.resumed:
            self._commit([], self._at)
        for chunk, positions in self._reread.chunks(pace.chunk):
            if not pace.wait(len(chunk), over):
                return False
            self._commit(chunk, positions)
            pace.appended(chunk)
            progress(len(chunk))
        return True

    def tell(self) -> None:
        """Appends the note alone. From any thread; raises Retryable, above all where another one plays it."""
        self._commit([], {})

    def forget(self) -> None:
        """It is over: the same words begin another one."""
        self._standpoint.forget()

    def _commit(self, chunk: list[Delivery], positions: dict[int, int]) -> None:
        bounds = self.plan.stretch.bounds
        with self._turn, self._once_whole():
            read = sum(at - self._at[n] for n, at in positions.items())
            note = self._note(len(chunk), read, bool(positions))
            noted = (output_record(*note),) if note else ()
            made = (output_record(DELIVERIES, delivery.subscription_id, delivery) for delivery in chunk)
            stands = {n: Position(at, str(bounds[n][1])) for n, at in positions.items()}
            self._standpoint.commit(chain(noted, made), stands)
        self._at |= positions

    @contextmanager
    def _once_whole(self) -> Iterator[None]:
        """After one that failed there is none: what it noted has not been."""
        if not self._whole:
            raise Retryable("its transaction failed: run it again")
        self._whole = False
        yield
        self._whole = True

    def _resumed(self) -> ReplayPlan | None:
        found = self._standpoint.positions()
        if found is None:
            return None
        bounds = {n: (at.offset, int(at.note or 0)) for n, at in found.items()}
        return ReplayPlan(OffsetRange(WEBHOOK_EVENTS, bounds), resumed=True)
