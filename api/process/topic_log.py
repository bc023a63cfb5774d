"""A control topic behind the API's ports: changed by one process at a time, each change read back first."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from streams.codec.round_trip import encode_checked
from streams.domain.values import Value
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.control_writer import ControlWriter, EncodedValue, WriterFenced
from streams.kafka.end_offsets import EndOffsets
from streams.topics import Topic

VISIBLE_TIMEOUT = 5.0
CHANGE_TIMEOUT = 30.0
SHORTEST_WAIT, LONGEST_WAIT = 0.2, 4.0
"""Seconds that a writer waits at most, at first and in the end, when another process has taken its topic: it
takes a few tenths of a second to make what is waiting there durable."""
V = TypeVar("V", bound=Value)
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class _Change(Generic[V]):
    key: str
    make: Callable[[V | None], V | None]
    announce: Callable[[V | None, V | None], Awaitable[None]]
    done: "asyncio.Future[None]"

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def succeed(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


@dataclass(frozen=True, slots=True)
class _Made(Generic[V]):
    change: _Change[V]
    before: V | None
    after: V | None
    record: EncodedValue | None

    async def announce(self) -> None:
        await self.change.announce(self.before, self.after)


class TopicLog(Generic[V]):
    """A compacted topic of one partition: what is written is in the view when `change` returns,
    and what any process has written before, when `current` does.

    `find` looks up what the view has. Changes of all processes come one after the other. Those that wait in
    this process are written together, each made from what the one before left, so that two busy processes
    need not take the topic from each other for each; `together` False: one by one, where a change looks at
    other keys of the view too.
    """

    def __init__(
        self,
        connection: Connection,
        topic: Topic,
        view: CompactedView[V],
        find: Callable[[str], V | None],
        *,
        together: bool = True,
    ) -> None:
        self._place = connection.topic(topic), 0
        # Who writes here answers once the transaction's end is to be seen: what is open is nobody's yet.
        self._ends = EndOffsets(connection, committed=True)
        self._writer = ControlWriter(connection, topic)
        self._view = view
        self._find = find
        self._most = 100 if together else 1
        self._waiting: list[_Change[V]] = []
        self._work: asyncio.Task[None] | None = None
        # The writer belongs to it, whatever becomes of who waits.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"writer {topic.name}")

    async def change(
        self,
        key: str,
        make: Callable[[V | None], V | None],
        announce: Callable[[V | None, V | None], Awaitable[None]],
    ) -> None:
        """`make` gets what there is while nobody else can change it, and gives what there is to be. What
        differs is announced, then written. Both are called again where somebody else was faster. What they
        raise ends the change.

        Raises Retryable where it was perhaps not made, Rejected where it could not be read back.
        """
        change = _Change(key, make, announce, asyncio.get_running_loop().create_future())
        self._waiting.append(change)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._work_off(), name=f"changes of {self._place[0]}")
        await change.done

    async def current(self) -> None:
        end = (await self._ends.of([self._place]))[self._place]
        await self._view.reached(0, end - 1, VISIBLE_TIMEOUT)

    async def _work_off(self) -> None:
        while some := self._waiting[: self._most]:
            del self._waiting[: self._most]
            try:
                await self._changed(some)
            except BaseException as error:  # noqa: BLE001 - told to those who wait for it
                # It may have been written: taken anew, the topic is read once that is decided.
                await self._do(self._writer.let_go)
                for change in some:
                    change.fail(error)

    async def _changed(self, changes: list[_Change[V]]) -> None:
        until, longest = time.monotonic() + CHANGE_TIMEOUT, SHORTEST_WAIT
        while True:
            with suppress(WriterFenced):
                return await self._try(changes)
            if time.monotonic() > until:
                raise Retryable(f"{self._place[0]}: others change it all the time")
            await asyncio.sleep(random.uniform(longest / 10, longest))  # noqa: S311 - to part from each other
            longest = min(2 * longest, LONGEST_WAIT)

    async def _try(self, changes: list[_Change[V]]) -> None:
        """Raises Fenced where somebody else was faster."""
        await self._do(self._writer.take)
        await self.current()
        made = list(self._made(changes))
        if made:
            await asyncio.gather(*(one.announce() for one in made))
            # Of a key that several changed, the last one has them all.
            offset = await self._do(self._writer.append, {one.change.key: one.record for one in made})
            await self._view.reached(0, offset, VISIBLE_TIMEOUT)
        for change in changes:
            change.succeed()

    def _made(self, changes: list[_Change[V]]) -> Iterator[_Made[V]]:
        """Those that change something; what is wrong with one is told to whoever waits for it."""
        now: dict[str, V | None] = {}
        for change in changes:
            before = now.get(change.key, self._find(change.key))
            try:
                after = change.make(before)
                record = None if after is None or after == before else encode_checked(after, change.key)
            except Exception as error:  # noqa: BLE001 - it is raised where the change was asked for
                change.fail(error)
                continue
            if after != before:
                now[change.key] = after
                yield _Made(change, before, after, record)

    async def _do(self, step: Callable[..., R], *arguments: object) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step, *arguments)


async def announce_nothing(_: object, __: object) -> None:
    await asyncio.sleep(0)
