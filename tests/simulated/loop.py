"""asyncio on the simulated clock: the loop of one process, run by one of its threads."""

import asyncio
from asyncio import BaseEventLoop
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from tests.simulated.hosts import Host, Thread


class SimulatedLoop(BaseEventLoop):
    """What it would wait for in the system's `select`, it waits for on the hub's clock. Functions that go to
    a thread go to one of the host's."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._selector = self
        self._thread: Thread | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self.set_task_factory(self._new_task)
        host.buried.append(self._bury)

    def begin(self, main: Callable[[], Coroutine[Any, Any, None]], over: Callable[[], None]) -> None:
        """Run `main` in a thread of the host; `over` is called when it has ended."""

        def work() -> None:
            self.run_until_complete(main())
            over()

        self._thread = self._host.spawn(work, "loop")

    def time(self) -> float:
        return self._host.hub.now

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None or timeout > 0:
            self._host.park(None if timeout is None else self.time() + timeout)
        else:
            self._host.check()
        return []

    def _process_events(self, event_list: list[Any]) -> None: ...

    def _write_to_self(self) -> None:
        if self._thread:
            self._thread.wake()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        if self._host.dead:
            raise RuntimeError("the process is dead")
        if executor is not None:
            return asyncio.wrap_future(executor.submit(func, *args), loop=self)
        future = self.create_future()

        def work() -> None:
            try:
                result, failure = func(*args), None
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                result, failure = None, error
            self.call_soon_threadsafe(_settle, future, result, failure)

        self._host.spawn(work, "worker")
        return future

    def _new_task(self, _: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **more)
        self._tasks.append(task)
        if len(self._tasks) > 200:
            self._tasks = [each for each in self._tasks if not each.done()]
        return task

    def _bury(self) -> None:
        """Close what was under way now, in order, instead of when its memory is collected."""
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                with suppress(BaseException):
                    task.get_coro().close()
        self._tasks.clear()
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._closed = True


def _settle(future: "asyncio.Future[Any]", result: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is not None:
        future.set_exception(failure)
    else:
        future.set_result(result)
