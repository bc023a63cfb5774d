"""Replays that were requested over HTTP: the order and the progress of each.

The API writes orders; the one process that runs a replay writes its progress. The two never write the same
record.
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
"""Called with the id of a replay that has changed."""


class ReplayOrder(Value):
    """A requested replay. Key: `replay_id`. It is written again to cancel the replay; a tombstone removes
    it."""

    replay_id: Uuid
    store: Code
    subscription_id: Uuid
    since: Instant
    """Replays webhook events that were appended from this time on."""
    until: Instant
    """Replays webhook events that were appended before this time."""
    event_name: Text | None
    member_id: Uuid | None
    only: ReplayScope
    rate: Annotated[int, Meta(ge=1, le=MAX_REPLAY_RATE)]
    """Most deliveries a second."""
    asked_by: Text
    asked_at: Instant
    process: Text
    """The API process that took the request. It starts the replay at once; another one does if it does
    not."""
    cancelled_at: Instant | None = None
    """When cancellation was requested."""
    fingerprint: Text = ""
    """A digest of the request with an Idempotency-Key; empty if there was no such key."""


class ReplayProgress(Value):
    """A replay's progress. Key: `replay_id`. It is written in the transactions that append the deliveries, so
    that `sent` is exact."""

    replay_id: Uuid
    state: Literal["running", "done", "cancelled", "failed"]
    process: Text
    """The process that runs it; empty if that process has shut down."""
    told_at: Instant
    begun_at: Instant | None = None
    """When the first delivery could be sent. From then on its position is committed."""
    counted: int | None = None
    """The number of deliveries to send, or None while they are being counted."""
    exact: bool = True
    """Whether `counted` is exact, and not an estimate from a sample."""
    offsets: int = 0
    """The number of offsets of `webhook-events` to read."""
    read: int = 0
    sent: int = 0
    ended_at: Instant | None = None
    error: str = ""
    """Why the replay failed."""


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """A replay with its order and its progress, which is None until a process has started it."""

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
        """The number of deliveries still to be sent, or None if it is not known yet."""
        if self.ended:
            return 0
        if self.progress is None or self.progress.counted is None:
            return None
        return max(0, self.progress.counted - self.progress.sent)

    @property
    def seconds_left(self) -> int | None:
        """Seconds to the end at the requested rate. It may take longer."""
        left = self.remaining
        return None if left is None else -(-left // self.order.rate)


class ReplayJobs:
    """All replays by id, kept current from both topics."""

    def __init__(self) -> None:
        self._orders: dict[str, ReplayOrder] = {}
        self._progress: dict[str, ReplayProgress] = {}
        self._listeners: list[ReplayListener] = []

    def tell(self, listener: ReplayListener) -> Callable[[], None]:
        """Calls the listener after every change from now on, until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def put(self, replay_id: str, order: ReplayOrder | None) -> None:
        if order is None:
            self._orders.pop(replay_id, None)
        else:
            self._orders[replay_id] = order
        self._notify(replay_id)

    def progressed(self, replay_id: str, progress: ReplayProgress | None) -> None:
        if progress is None:
            self._progress.pop(replay_id, None)
        else:
            self._progress[replay_id] = progress
        self._notify(replay_id)

    def get(self, replay_id: str) -> ReplayJob | None:
        order = self._orders.get(replay_id)
        return ReplayJob(order, self._progress.get(replay_id)) if order else None

    def order(self, replay_id: str) -> ReplayOrder | None:
        return self._orders.get(replay_id)

    def of(self, subscription_id: str) -> list[ReplayJob]:
        """The newest first."""
        found = [each for each in self._jobs() if each.order.subscription_id == subscription_id]
        return found[::-1]

    def open(self) -> list[ReplayJob]:
        """Those that have not ended, the oldest first."""
        return [each for each in self._jobs() if not each.ended]

    def ended(self) -> list[ReplayJob]:
        """The others, the oldest first."""
        return [each for each in self._jobs() if each.ended]

    def _jobs(self) -> list[ReplayJob]:
        ordered = sorted(self._orders.values(), key=lambda order: (order.asked_at, order.replay_id))
        return [ReplayJob(order, self._progress.get(order.replay_id)) for order in ordered]

    def _notify(self, replay_id: str) -> None:
        for listener in list(self._listeners):
            listener(replay_id)
