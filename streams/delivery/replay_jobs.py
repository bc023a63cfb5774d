"""Replays that were asked for over HTTP: what was asked, and how far each has come.

Who asks writes orders, and the one process that plays a replay writes its progress: neither overwrites the
other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from streams.delivery.replay_selection import ReplayScope
from streams.domain.values import Code, Instant, Text, Uuid, Value

ReplayState = Literal["asked", "running", "cancelling", "done", "cancelled", "failed"]
REPLAY_STATES: tuple[ReplayState, ...] = ("asked", "running", "cancelling", "done", "cancelled", "failed")
MAX_REPLAY_RATE = 10_000
ReplayListener = Callable[[str], None]
"""Called with the replay's id."""


class ReplayOrder(Value):
    """A replay that was asked for. Key: `replay_id`; written again to cancel it; a tombstone forgets it."""

    replay_id: Uuid
    store: Code
    subscription_id: Uuid
    since: Instant
    """Webhook events appended from then on."""
    until: Instant
    """And before."""
    event_name: Text | None
    member_id: Uuid | None
    only: ReplayScope
    rate: Annotated[int, Meta(ge=1, le=MAX_REPLAY_RATE)]
    """Most deliveries a second."""
    asked_by: Text
    asked_at: Instant
    process: Text
    """Which API process was asked: it begins with it at once, another one when nobody does."""
    cancelled_at: Instant | None = None
    """When it was asked to end before it is done."""
    fingerprint: Text = ""
    """Of what was asked under an Idempotency-Key; empty: there was none."""


class ReplayProgress(Value):
    """How far a replay has come. Key: `replay_id`. Told in the transactions that append its deliveries, by
    the one process that plays it: what it says was sent was."""

    replay_id: Uuid
    state: Literal["running", "done", "cancelled", "failed"]
    process: Text
    """Who plays it; empty: nobody, for that one was told to end."""
    told_at: Instant
    begun_at: Instant | None = None
    """When the first delivery could be sent: where it stands is committed from then on."""
    counted: int | None = None
    """How many deliveries it is of; None: that is being counted."""
    exact: bool = True
    """Whether `counted` is not reckoned from a part."""
    offsets: int = 0
    """How much of the topic of webhook events is to be read."""
    read: int = 0
    sent: int = 0
    ended_at: Instant | None = None
    error: str = ""
    """Of a failed one: why."""


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """A replay: what was asked, and what has come of it. None: nobody has begun."""

    order: ReplayOrder
    progress: ReplayProgress | None = None

    @property
    def ended(self) -> bool:
        return self.progress is not None and self.progress.state != "running"

    @property
    def state(self) -> ReplayState:
        if self.progress is not None and self.progress.state != "running":
            return self.progress.state
        if self.order.cancelled_at:
            return "cancelling"
        return "running" if self.progress else "asked"

    @property
    def remaining(self) -> int | None:
        """Deliveries that are still to be sent; None: that is not known yet."""
        if self.ended:
            return 0
        if self.progress is None or self.progress.counted is None:
            return None
        return max(0, self.progress.counted - self.progress.sent)

    @property
    def seconds_left(self) -> int | None:
        """At the rate that was asked for: it may take longer."""
        left = self.remaining
        return None if left is None else -(-left // self.order.rate)


class ReplayJobs:
    """All replays by their ids; kept current from both topics."""

    def __init__(self) -> None:
        self._orders: dict[str, ReplayOrder] = {}
        self._progress: dict[str, ReplayProgress] = {}
        self._listeners: list[ReplayListener] = []

    def tell(self, listener: ReplayListener) -> Callable[[], None]:
        """Let it know of every change from now on, once the change is to be seen here; until what is returned
        is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def put(self, replay_id: str, order: ReplayOrder | None) -> None:
        if order is None:
            self._orders.pop(replay_id, None)
        else:
            self._orders[replay_id] = order
        self._told(replay_id)

    def progressed(self, replay_id: str, progress: ReplayProgress | None) -> None:
        if progress is None:
            self._progress.pop(replay_id, None)
        else:
            self._progress[replay_id] = progress
        self._told(replay_id)

    def get(self, replay_id: str) -> ReplayJob | None:
        order = self._orders.get(replay_id)
        return ReplayJob(order, self._progress.get(replay_id)) if order else None

    def order(self, replay_id: str) -> ReplayOrder | None:
        return self._orders.get(replay_id)

    def of(self, subscription_id: str) -> list[ReplayJob]:
        """The newest first."""
        found = [each for each in self._all() if each.order.subscription_id == subscription_id]
        return found[::-1]

    def open(self) -> list[ReplayJob]:
        """Those that have not ended, the oldest first."""
        return [each for each in self._all() if not each.ended]

    def ended(self) -> list[ReplayJob]:
        """The others, the oldest first."""
        return [each for each in self._all() if each.ended]

    def _all(self) -> list[ReplayJob]:
        ordered = sorted(self._orders.values(), key=lambda order: (order.asked_at, order.replay_id))
        return [ReplayJob(order, self._progress.get(order.replay_id)) for order in ordered]

    def _told(self, replay_id: str) -> None:
        for listener in list(self._listeners):
            listener(replay_id)
