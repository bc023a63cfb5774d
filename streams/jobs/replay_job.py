"""A replay that was asked for over HTTP, played by one process, which tells how far it has come.

Whoever opens one fences whoever played it before, so that only one can append. What it tells goes with the
deliveries in one transaction, and alone where there are none for a while: silence means that nobody plays.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from streams.delivery.records import Subscription
from streams.delivery.replay_jobs import ReplayOrder, ReplayProgress
from streams.delivery.replay_selection import DeliveryOutcome, ReplaySelection
from streams.domain.values import Value
from streams.errors import Retryable
from streams.jobs.delivery_outcomes import outcome_lookup
from streams.jobs.event_reader import make_deadline
from streams.jobs.rate_limit import AttemptLimited, StoppedEarly
from streams.jobs.replay import Replay
from streams.kafka.clients import Connection
from streams.projections.erasures import erased
from streams.topics import REPLAY_PROGRESS, Topic

LOG = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 2.0
"""Seconds after which it is told again that it is played."""
COUNT_TIMEOUT = 10.0
"""Seconds: what is not counted by then is reckoned."""
StopReason = Literal["cancelled", "deleted", "stopping"]
"""Cancelled, its subscription deleted, or this process told to stop: another one goes on."""
StopCheck = Callable[[], StopReason | None]
PROGRESS_LOST = "Kafka has forgotten how far it was: ask for another one, of what is missing."
SUBSCRIPTION_DELETED = "Its subscription was deleted."


def make_selection(
    connection: Connection,
    order: ReplayOrder,
    subscription: Subscription,
    outcome_of: Callable[[str], DeliveryOutcome],
) -> ReplaySelection:
    """Nothing of who is erased by now."""
    o, gone = order, erased(connection)
    return ReplaySelection(subscription, o.replay_id, o.event_name, o.member_id, o.only, outcome_of, gone)


class ReplayExecution:
    """All of it raises Retryable: whoever plays it next goes on where it was."""

    def __init__(
        self,
        connection: Connection,
        order: ReplayOrder,
        subscription: Subscription,
        *,
        process: str,
        folder: Path,
        told: StopCheck,
        now: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._order = order
        self._told = told
        self._now = now
        self._at = ReplayProgress(replay_id=order.replay_id, state="running", process=process, told_at=now())
        self._changing = threading.Lock()
        self._ending: StopReason | None = None
        self._lost = threading.Event()
        with ExitStack() as stack:
            wanted = outcome_lookup(connection, order.subscription_id, order.since, folder, self._over)
            selection = make_selection(connection, order, subscription, stack.enter_context(wanted))
            period = order.since, order.until
            self._replay = stack.enter_context(Replay(connection, selection, period=period, note=self._note))
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._stack.close()

    def play(self, before: ReplayProgress | None) -> None:
        """Until all is sent, or it is told to end. `before`: what was told up to when this was opened."""
        if before is not None and before.state != "running":
            # Its player was killed between its last words and this.
            self._replay.forget()
            return
        at = self._at
        self._at = replace(before, process=at.process, told_at=at.told_at) if before else at
        if self._at.begun_at and not self._replay.plan.resumed:
            self._end("failed", PROGRESS_LOST)
            return
        with self._beating():
            done = self._played_whole()
        if self._lost.is_set():
            raise Retryable("it could not be told of: another process may play it")
        if self._at.state == "running":
            self._close(done)

    def _played_whole(self) -> bool:
        try:
            return self._played()
        except StoppedEarly:
            return False
        except Retryable:
            raise
        except Exception as bug:
            # Whoever played it next would meet it again: the askers are told.
            LOG.exception("replay %s", self._at.replay_id)
            self._end("failed", f"{type(bug).__name__}: {bug}"[:1000])
            return False

    def _played(self) -> bool:
        if self._at.counted is None:
            self._counted()
        if self._over():
            return False
        pace = AttemptLimited(self._connection, self._order.subscription_id, self._order.rate)
        try:
            return self._replay.play(pace, lambda _: None, self._over)
        finally:
            pace.close()

    def _counted(self) -> None:
        late = make_deadline(COUNT_TIMEOUT)
        found = self._replay.count(lambda: late() or self._over())
        if not self._over():
            size = self._replay.plan.stretch.size
            self._change(counted=found.deliveries, exact=found.exact, offsets=size)

    def _over(self) -> bool:
        self._ending = self._ending or self._told()
        return self._ending is not None or self._lost.is_set()

    def _close(self, done: bool) -> None:
        if done:
            self._end("done")
        elif self._ending == "cancelled":
            self._end("cancelled")
        elif self._ending == "deleted":
            self._end("failed", SUBSCRIPTION_DELETED)
        else:
            # Nobody's: who is there goes on with it at once.
            self._change(process="")
            self._replay.tell()

    def _end(self, state: Literal["done", "cancelled", "failed"], error: str = "") -> None:
        self._change(state=state, ended_at=self._now(), error=error)
        self._replay.tell()
        # Only now: what has no end and no place would be begun anew.
        self._replay.forget()

    def _note(self, sent: int, read: int, stands: bool) -> tuple[Topic, str, Value]:
        now = self._now()
        with self._changing:
            at = self._at
            begun = at.begun_at or (now if stands else None)
            self._at = replace(at, told_at=now, begun_at=begun, sent=at.sent + sent, read=at.read + read)
            return REPLAY_PROGRESS, self._at.replay_id, self._at

    def _change(self, **fields: Any) -> None:
        # The beat tells of it on another thread, and must not write an older one back.
        with self._changing:
            self._at = replace(self._at, **fields)

    @contextmanager
    def _beating(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._beat, args=(over,), name="replay beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            try:
                self._replay.tell()
            except Retryable as failure:
                LOG.warning("replay %s: %s", self._at.replay_id, failure)
                self._lost.set()
                return
