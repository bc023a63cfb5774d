"""Webhook events read again and appended to `deliveries`: once each, in order, within a rate limit.

A replay's name is derived from its arguments. Its position and its end are committed with its deliveries
(`streams.kafka.checkpoint`), so that it may be killed anywhere, and the same arguments resume it.
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
from streams.jobs.rate_limit import RateLimit, StopCallback
from streams.kafka.checkpoint import Position, TransactionalCheckpoint, output_record
from streams.kafka.clients import Connection
from streams.kafka.log_reader import OffsetRange, time_range
from streams.projections.state_snapshot import read_subscriptions
from streams.topics import DELIVERIES, WEBHOOK_EVENTS, Topic

ProgressCallback = Callable[[int], None]
"""Called with how many deliveries were appended since the last call."""
ProgressRecord = Callable[[int, int, bool], tuple[Topic, str, Value] | None]
"""Makes a record, with topic and key, to append in the same transaction. It is called with how many
deliveries the transaction has, how many offsets were read since the last one, and whether it commits a
position."""


@dataclass(frozen=True, slots=True)
class ReplayArguments:
    """A replay's arguments. `since` and `until` are as they were typed: its name is derived from them."""

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
    """The present subscription. Raises Misconfigured if it does not exist or is not active, and Retryable."""
    return require_active(read_subscriptions(connection).get(subscription_id), subscription_id)


@dataclass(slots=True)
class ReplayPlan:
    """What is left to read; `resumed`: whether an earlier run began it."""

    stretch: OffsetRange
    resumed: bool


class Replay:
    """Creating one fences any other run of the same name, and aborts its open transaction. Raises Retryable
    if the cluster does not answer; the same arguments resume it."""

    def __init__(
        self,
        connection: Connection,
        selection: ReplaySelection,
        *,
        period: tuple[datetime | None, datetime | None],
        note: ProgressRecord = lambda _sent, _read, _stands: None,
    ) -> None:
        self._progress_record = note
        self._turn, self._is_whole = threading.Lock(), True
        self._standpoint = TransactionalCheckpoint(connection, f"replay-{selection.name}", WEBHOOK_EVENTS)
        self.plan = self._find_resumed() or ReplayPlan(
            time_range(connection, WEBHOOK_EVENTS, *period), resumed=False
        )
        self._reader = EventReader(connection, selection, self.plan.stretch)
        self._positions = {number: start for number, (start, _) in self.plan.stretch.bounds.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._standpoint.close()

    def count(self, over: StopCallback = lambda: False) -> DeliveryCount:
        """Deliveries that `run` would append now; see `EventReader.count`."""
        return self._reader.count(over)

    def run(self, pace: RateLimit, progress: ProgressCallback, over: StopCallback) -> bool:
        """Whether it is complete; if not, it was stopped, and resumes when it is run again."""
        done = self.play(pace, progress, over)
        if done:
            self.forget()
        return done

    def play(self, pace: RateLimit, progress: ProgressCallback, over: StopCallback) -> bool:
        """As `run`, but keeps the position: until `forget`, the same arguments find nothing left to send."""
        if not self.plan.resumed:
            self._commit([], self._positions)
        for chunk, positions in self._reader.chunks(pace.chunk):
            if not pace.wait(len(chunk), over):
                return False
            self._commit(chunk, positions)
            pace.appended(chunk)
            progress(len(chunk))
        return True

    def tell(self) -> None:
        """Appends the progress record alone. Any thread may call it. Raises Retryable, also if another run
        fenced this one."""
        self._commit([], {})

    def forget(self) -> None:
        """Removes the position: the same arguments start a new replay."""
        self._standpoint.forget()

    def _commit(self, chunk: list[Delivery], positions: dict[int, int]) -> None:
        bounds = self.plan.stretch.bounds
        with self._turn, self._fail_after_failure():
            read = sum(at - self._positions[n] for n, at in positions.items())
            note = self._progress_record(len(chunk), read, bool(positions))
            noted = (output_record(*note),) if note else ()
            made = (output_record(DELIVERIES, delivery.subscription_id, delivery) for delivery in chunk)
            stands = {n: Position(at, str(bounds[n][1])) for n, at in positions.items()}
            self._standpoint.commit(chain(noted, made), stands)
        self._positions |= positions

    @contextmanager
    def _fail_after_failure(self) -> Iterator[None]:
        """Allows no transaction after a failed one, whose progress was not committed."""
        if not self._is_whole:
            raise Retryable("its transaction failed: run it again")
        self._is_whole = False
        yield
        self._is_whole = True

    def _find_resumed(self) -> ReplayPlan | None:
        found = self._standpoint.positions()
        if found is None:
            return None
        bounds = {n: (at.offset, int(at.note or 0)) for n, at in found.items()}
        return ReplayPlan(OffsetRange(WEBHOOK_EVENTS, bounds), resumed=True)
