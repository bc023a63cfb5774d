"""A replay that was requested over HTTP, run by one process that reports its progress.

Opening one fences the process that ran it before, so that only one can append. Progress records are appended
in the transactions of the deliveries, and alone while there are none: without them for a while, nobody runs
it.
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
from streams.projections.erasures import erased_owners
from streams.topics import REPLAY_PROGRESS, Topic

LOG = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 2.0
"""Seconds between two progress records of a running replay."""
COUNT_TIMEOUT = 10.0
"""Seconds after which the count becomes an estimate."""
StopReason = Literal["cancelled", "deleted", "stopping"]
"""The replay was cancelled, its subscription deleted, or this process is stopping and another one resumes."""
StopCheck = Callable[[], StopReason | None]
PROGRESS_LOST = "Kafka has forgotten how far it was: ask for another one, of what is missing."
SUBSCRIPTION_DELETED = "Its subscription was deleted."


def make_selection(
    connection: Connection,
    order: ReplayOrder,
    subscription: Subscription,
    outcome_of: Callable[[str], DeliveryOutcome],
) -> ReplaySelection:
    """The order's selection; members that are erased now are excluded."""
    o, gone = order, erased_owners(connection)
    return ReplaySelection(subscription, o.replay_id, o.event_name, o.member_id, o.only, outcome_of, gone)


class ReplayExecution:
    """Every method raises Retryable; the next process resumes where this one stopped."""

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
        self._stop_check = told
        self._now = now
        self._progress = ReplayProgress(
            replay_id=order.replay_id, state="running", process=process, told_at=now()
        )
        self._changing = threading.Lock()
        self._stop_reason: StopReason | None = None
        self._lost = threading.Event()
        with ExitStack() as stack:
            wanted = outcome_lookup(connection, order.subscription_id, order.since, folder, self._should_stop)
            selection = make_selection(connection, order, subscription, stack.enter_context(wanted))
            period = order.since, order.until
            self._replay = stack.enter_context(
                Replay(connection, selection, period=period, note=self._make_progress)
            )
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._stack.close()

    def play(self, before: ReplayProgress | None) -> None:
        """Runs until everything is sent or it is stopped. `before`: the last progress record before this was
        created."""
        if before is not None and before.state != "running":
            # Its process was killed between the last progress record and this.
            self._replay.forget()
            return
        at = self._progress
        self._progress = replace(before, process=at.process, told_at=at.told_at) if before else at
        if self._progress.begun_at and not self._replay.plan.resumed:
            self._end("failed", PROGRESS_LOST)
            return
        with self._heartbeat():
            done = self._run_guarded()
        if self._lost.is_set():
            raise Retryable("its progress could not be written: another process may be running it")
        if self._progress.state == "running":
            self._write_ending(done)

    def _run_guarded(self) -> bool:
        try:
            return self._run_replay()
        except StoppedEarly:
            return False
        except Retryable:
            raise
        except Exception as bug:
            # The next process would meet the same bug: the replay fails, and its progress says why.
            LOG.exception("replay %s", self._progress.replay_id)
            self._end("failed", f"{type(bug).__name__}: {bug}"[:1000])
            return False

    def _run_replay(self) -> bool:
        if self._progress.counted is None:
            self._count()
        if self._should_stop():
            return False
        pace = AttemptLimited(self._connection, self._order.subscription_id, self._order.rate)
        try:
            return self._replay.play(pace, lambda _: None, self._should_stop)
        finally:
            pace.close()

    def _count(self) -> None:
        late = make_deadline(COUNT_TIMEOUT)
        found = self._replay.count(lambda: late() or self._should_stop())
        if not self._should_stop():
            size = self._replay.plan.stretch.size
            self._change(counted=found.deliveries, exact=found.exact, offsets=size)

    def _should_stop(self) -> bool:
        self._stop_reason = self._stop_reason or self._stop_check()
        return self._stop_reason is not None or self._lost.is_set()

    def _write_ending(self, done: bool) -> None:
        if done:
            self._end("done")
        elif self._stop_reason == "cancelled":
            self._end("cancelled")
        elif self._stop_reason == "deleted":
            self._end("failed", SUBSCRIPTION_DELETED)
        else:
            # Without a process in the record another one resumes it at once.
            self._change(process="")
            self._replay.tell()

    def _end(self, state: Literal["done", "cancelled", "failed"], error: str = "") -> None:
        self._change(state=state, ended_at=self._now(), error=error)
        self._replay.tell()
        # Only now: a replay with neither an end nor a position would start again.
        self._replay.forget()

    def _make_progress(self, sent: int, read: int, stands: bool) -> tuple[Topic, str, Value]:
        now = self._now()
        with self._changing:
            at = self._progress
            begun = at.begun_at or (now if stands else None)
            self._progress = replace(
                at, told_at=now, begun_at=begun, sent=at.sent + sent, read=at.read + read
            )
            return REPLAY_PROGRESS, self._progress.replay_id, self._progress

    def _change(self, **fields: Any) -> None:
        # The heartbeat thread writes it too, and must not write back an older one.
        with self._changing:
            self._progress = replace(self._progress, **fields)

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._send_heartbeats, args=(over,), name="replay beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _send_heartbeats(self, over: threading.Event) -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            try:
                self._replay.tell()
            except Retryable as failure:
                LOG.warning("replay %s: %s", self._progress.replay_id, failure)
                self._lost.set()
                return
