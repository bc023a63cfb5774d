"""Which replays this process runs: those requested from it, and those that no process runs any more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import NoReturn, TypeVar

from streams.delivery.records import Subscription
from streams.delivery.replay_jobs import ReplayJob, ReplayJobs, ReplayOrder
from streams.delivery.subscription import Subscriptions
from streams.errors import Retryable
from streams.jobs.replay_job import HEARTBEAT_SECONDS, ReplayExecution, StopReason
from streams.kafka.clients import Connection

LOG = logging.getLogger(__name__)
T = TypeVar("T")
MAX_AT_ONCE = 2
"""Replays that one process runs at once; the others wait, or another process takes them."""
SILENCE_SECONDS = 5 * HEARTBEAT_SECONDS
"""Seconds without a progress record after which any process may take a replay."""
LOOK_INTERVAL = 1.0


class ReplayRunner:
    """If two processes start the same replay, the later one fences the other, which stops."""

    def __init__(
        self,
        connection: Connection,
        orders: ReplayJobs,
        subscriptions: Subscriptions,
        *,
        process: str,
        folder: Path,
        current: Callable[[], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        """`current` returns once `orders` has all that was told of progress before the call."""
        self._connection = connection
        self._orders = orders
        self._subscriptions = subscriptions
        self._process = process
        self._folder = folder
        self._current = current
        self._now = now
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._heard_at: dict[str, float] = {}
        self._started_ids: set[str] = set()
        self._stopping = False
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        # They are busy for hours: with their own threads the loop's pool stays free for others.
        self._threads = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="replay")
        orders.tell(self._note_progress)

    async def follow(self) -> NoReturn:
        while True:
            for each in list(self._replays_to_run()):
                if len(self._tasks) < MAX_AT_ONCE:
                    self._start(each)
            self._changed.clear()
            news = asyncio.create_task(self._changed.wait())
            waits = [news, *self._tasks.values()]
            await asyncio.wait(waits, timeout=LOOK_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            self._collect_ended()

    async def stop(self) -> None:
        """Stops the running replays in order; other processes resume them."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        self._threads.shutdown(wait=False)

    def _note_progress(self, replay_id: str) -> None:
        self._heard_at[replay_id] = self._loop.time()
        self._changed.set()

    def _replays_to_run(self) -> Iterator[ReplayJob]:
        """The replays that this process should run: cancelled ones first, then the oldest."""
        for each in sorted(self._orders.open(), key=lambda each: each.order.cancelled_at is None):
            if each.order.replay_id not in self._tasks and self._is_ours(each):
                yield each

    def _is_ours(self, each: ReplayJob) -> bool:
        id_ = each.order.replay_id
        if each.progress is not None and not each.progress.process:
            return True
        # This process got its name because the one that had it before is dead.
        last = each.progress.process if each.progress else each.order.process
        if last == self._process and id_ not in self._started_ids:
            return True
        return self._loop.time() - self._heard_at.get(id_, self._started) > SILENCE_SECONDS

    def _start(self, each: ReplayJob) -> None:
        id_ = each.order.replay_id
        self._started_ids.add(id_)
        self._tasks[id_] = asyncio.create_task(self._run(each.order), name=f"replay {id_}")

    def _collect_ended(self) -> None:
        for id_ in [id_ for id_, task in self._tasks.items() if task.done()]:
            # The process that fenced us continues it, or we do after a while.
            self._note_progress(id_)
            # An error that is not handled ends the process, as anywhere else.
            self._tasks.pop(id_).result()

    async def _run(self, order: ReplayOrder) -> None:
        try:
            await self._run_execution(order)
        except Retryable as failure:
            LOG.warning("replay %s: %s", order.replay_id, failure)

    async def _run_execution(self, order: ReplayOrder) -> None:
        playing = await self._in_thread(lambda: self._open_execution(order))
        try:
            # After opening it nobody else can append its progress.
            await self._current()
            found = self._orders.get(order.replay_id)
            await self._in_thread(lambda: playing.play(found.progress if found else None))
        finally:
            await self._in_thread(playing.close)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._threads, work)

    def _open_execution(self, order: ReplayOrder) -> ReplayExecution:
        subscription = self._subscriptions.get(order.subscription_id)
        return ReplayExecution(
            self._connection,
            order,
            subscription or _deleted_subscription(order),
            process=self._process,
            folder=self._folder,
            told=lambda: self._stop_reason(order),
            now=self._now,
        )

    def _stop_reason(self, order: ReplayOrder) -> StopReason | None:
        if self._stopping:
            return "stopping"
        if self._subscriptions.get(order.subscription_id) is None:
            return "deleted"
        found = self._orders.get(order.replay_id)
        return "cancelled" if found and found.order.cancelled_at else None


def _deleted_subscription(order: ReplayOrder) -> Subscription:
    """Stands in for a deleted subscription: it wants no event."""
    id_ = order.subscription_id
    return Subscription(
        subscription_id=id_, store=order.store, event_name="", url="", created_at=order.asked_at
    )
