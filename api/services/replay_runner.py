"""Which replays this process plays: those that it was asked for, and those that nobody plays any more."""

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
"""Replays that one process plays at once; the others wait, or another process takes them."""
SILENCE_SECONDS = 5 * HEARTBEAT_SECONDS
"""Seconds without a word after which a replay is nobody's."""
LOOK_INTERVAL = 1.0


class ReplayRunner:
    """Two processes may begin with one at the same time: the later one fences the other, which lets go."""

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
        self._heard: dict[str, float] = {}
        self._begun: set[str] = set()
        self._stopping = False
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        # Threads of their own: they are busy for hours, and the loop's pool stays free for others.
        self._threads = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="replay")
        orders.tell(self._hear)

    async def follow(self) -> NoReturn:
        while True:
            for each in list(self._due()):
                if len(self._tasks) < MAX_AT_ONCE:
                    self._begin(each)
            self._news.clear()
            news = asyncio.create_task(self._news.wait())
            waits = [news, *self._tasks.values()]
            await asyncio.wait(waits, timeout=LOOK_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            self._let_go()

    async def stop(self) -> None:
        """What is played ends in order: whoever is there goes on with it."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        self._threads.shutdown(wait=False)

    def _hear(self, replay_id: str) -> None:
        self._heard[replay_id] = self._loop.time()
        self._news.set()

    def _due(self) -> Iterator[ReplayJob]:
        """What ought to be played here, the oldest first; what is to be ended comes before."""
        for each in sorted(self._orders.open(), key=lambda each: each.order.cancelled_at is None):
            if each.order.replay_id not in self._tasks and self._mine(each):
                yield each

    def _mine(self, each: ReplayJob) -> bool:
        id_ = each.order.replay_id
        if each.progress is not None and not each.progress.process:
            return True
        # Its name was free: who had it before is dead.
        last = each.progress.process if each.progress else each.order.process
        if last == self._process and id_ not in self._begun:
            return True
        return self._loop.time() - self._heard.get(id_, self._started) > SILENCE_SECONDS

    def _begin(self, each: ReplayJob) -> None:
        id_ = each.order.replay_id
        self._begun.add(id_)
        self._tasks[id_] = asyncio.create_task(self._play(each.order), name=f"replay {id_}")

    def _let_go(self) -> None:
        for id_ in [id_ for id_, task in self._tasks.items() if task.done()]:
            # Whoever fenced us goes on with it, or we do, in a while.
            self._hear(id_)
            # What no replay accounts for ends the process, as anywhere else.
            self._tasks.pop(id_).result()

    async def _play(self, order: ReplayOrder) -> None:
        try:
            await self._played(order)
        except Retryable as failure:
            LOG.warning("replay %s: %s", order.replay_id, failure)

    async def _played(self, order: ReplayOrder) -> None:
        playing = await self._thread(lambda: self._opened(order))
        try:
            # After it was opened: nobody else tells of it any more.
            await self._current()
            found = self._orders.get(order.replay_id)
            await self._thread(lambda: playing.play(found.progress if found else None))
        finally:
            await self._thread(playing.close)

    async def _thread(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._threads, work)

    def _opened(self, order: ReplayOrder) -> ReplayExecution:
        subscription = self._subscriptions.get(order.subscription_id)
        return ReplayExecution(
            self._connection,
            order,
            subscription or _gone(order),
            process=self._process,
            folder=self._folder,
            told=lambda: self._ending(order),
            now=self._now,
        )

    def _ending(self, order: ReplayOrder) -> StopReason | None:
        if self._stopping:
            return "stopping"
        if self._subscriptions.get(order.subscription_id) is None:
            return "deleted"
        found = self._orders.get(order.replay_id)
        return "cancelled" if found and found.order.cancelled_at else None


def _gone(order: ReplayOrder) -> Subscription:
    """Stands in for one that was deleted: it wants nothing."""
    id_ = order.subscription_id
    return Subscription(
        subscription_id=id_, store=order.store, event_name="", url="", created_at=order.asked_at
    )
