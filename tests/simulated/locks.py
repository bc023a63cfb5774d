"""Threads' tools on the simulated clock: locks, executors, and futures that are waited for."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from types import TracebackType
from typing import Any

from tests.simulated.hosts import Host, Thread, thread_of


class Lock:
    """Threads get it in the order in which they asked."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._holder: Thread | None = None
        self._waiting: deque[Thread] = deque()

    def __enter__(self) -> None:
        me = thread_of(self._host)
        self._waiting.append(me)
        while self._holder is not None or self._waiting[0] is not me:
            self._host.park(None)
        self._waiting.popleft()
        self._holder = me

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder = None
        if self._waiting:
            self._waiting[0].wake()


class Answer(Future[Any]):
    """A future that simulated threads may wait for."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._waiting: list[Thread] = []
        self.add_done_callback(self._wake)

    def _wake(self, _: "Future[Any]") -> None:
        for thread in self._waiting:
            thread.wake()

    def _await(self, timeout: float | None) -> None:
        until = None if timeout is None else self._host.hub.now + timeout
        while not self.done() and (until is None or self._host.hub.now < until):
            self._waiting.append(thread_of(self._host))
            self._host.park(until)

    def result(self, timeout: float | None = None) -> Any:
        self._await(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._await(timeout)
        return super().exception(0)


class OneThread(Executor):
    """Does what it is given, in order."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self._name = name
        self._work: deque[tuple[Answer, Callable[[], Any]]] = deque()
        self._thread: Thread | None = None
        self._closers: list[Thread] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        answer = Answer(self._host)
        self._work.append((answer, lambda: fn(*args, **kwargs)))
        if self._thread is None:
            self._thread = self._host.spawn(self._serve, self._name)
        return answer

    def _serve(self) -> None:
        while self._work:
            answer, work = self._work.popleft()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(work())
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                answer.set_exception(error)
        self._thread = None
        for thread in self._closers:
            thread.wake()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        while wait and self._thread is not None:
            self._closers.append(thread_of(self._host))
            self._host.park(None)
