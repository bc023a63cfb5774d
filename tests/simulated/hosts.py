"""Simulated machines: each runs threads that wait on the hub's clock, and may be killed or frozen.

A thread is a greenlet: it runs until it waits, and nothing else runs meanwhile.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from greenlet import GreenletExit, getcurrent, greenlet

from tests.simulated.hub import Event, Hub

_ENDINGS = (GreenletExit, RuntimeError)


class Thread:
    """Waits with `Host.park`; whoever has something for it calls `wake`."""

    def __init__(self, host: "Host", work: Callable[[], None], name: str) -> None:
        self.name = name
        self.over = False
        self._host = host
        self._work = work
        self._due: Event | None = None
        self._woken = False
        self.greenlet = greenlet(self._run, parent=host.hub.main)

    def _run(self) -> None:
        try:
            with suppress(GreenletExit):
                self._work()
        finally:
            self.over = True
            self._host.threads.pop(self, None)

    def resume(self) -> None:
        self._due, self._woken = None, False
        if not self.over and not self._host.dead:
            self.greenlet.switch()

    def wait(self, until: float | None) -> None:
        """Called in the thread: give way until then, or until it is woken."""
        if until is not None and not self._woken:
            self._due = self._host.at(until, self.resume)
        loop = asyncio._get_running_loop()
        task = asyncio.current_task(loop) if loop else None
        if loop and task:
            asyncio.tasks._leave_task(loop, task)
        asyncio._set_running_loop(None)
        try:
            self._host.hub.main.switch()
        finally:
            asyncio._set_running_loop(loop)
            if loop and task:
                asyncio.tasks._enter_task(loop, task)

    def wake(self) -> None:
        if self._woken or self.over:
            return
        if self._due:
            self._due.cancel()
        self._woken = True
        self._due = self._host.at(self._host.hub.now, self.resume, f"{self._host.name}: {self.name}")

    def kill(self) -> None:
        if not self.greenlet.dead and self.greenlet:
            self.greenlet.throw(GreenletExit)
        self.over = True


class Host:
    """One process on a machine of its own. What it has asked for does not happen once it is dead, and waits
    while it is frozen."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub = hub
        self.name = name
        self.dead = False
        self.frozen = False
        self.died_at: float | None = None
        self.frozen_for = 0.0
        """Seconds of its life."""
        self._frozen_at = 0.0
        self.threads: dict[Thread, None] = {}
        self.buried: list[Callable[[], None]] = []
        """Called when it dies."""
        self._held: list[Callable[[], None]] = []

    def at(self, moment: float, callback: Callable[[], None], label: str = "") -> Event:
        event = Event(callback, label)
        self.hub.at(moment, lambda: self._happen(event))
        return event

    def after(self, seconds: float, callback: Callable[[], None], label: str = "") -> Event:
        return self.at(self.hub.now + seconds, callback, label)

    def _happen(self, event: Event) -> None:
        if self.dead or event.callback is None:
            return
        if self.frozen:
            self._held.append(lambda: self._happen(event))
            return
        if event.label:
            self.hub.note(event.label)
        event.callback()

    def spawn(self, work: Callable[[], None], name: str) -> Thread:
        thread = Thread(self, work, name)
        self.threads[thread] = None
        thread.wake()
        return thread

    def park(self, until: float | None) -> None:
        """The calling thread waits until then, or until it is woken."""
        self.check()
        thread_of(self).wait(until)
        self.check()

    def sleep(self, seconds: float) -> None:
        until = self.hub.now + seconds
        while self.hub.now < until:
            self.park(until)

    def check(self) -> None:
        """Ends the calling thread where its process is dead."""
        if self.dead:
            raise GreenletExit

    def kill(self) -> None:
        """At once: nothing is flushed or closed."""
        if self.dead:
            return
        self.dead, self.died_at = True, self.hub.now
        self.hub.note(f"{self.name} is dead")
        for thread in list(self.threads):
            with suppress(*_ENDINGS):
                thread.kill()
        for bury in self.buried:
            bury()

    def freeze(self) -> None:
        self.frozen, self._frozen_at = True, self.hub.now
        self.hub.note(f"{self.name} is frozen")

    def thaw(self) -> None:
        if not self.frozen:
            return
        self.frozen = False
        self.frozen_for += self.hub.now - self._frozen_at
        self.hub.note(f"{self.name} goes on")
        held, self._held = self._held, []
        for happen in held:
            self.hub.at(self.hub.now, happen)


def thread_of(host: Host) -> Thread:
    """The thread that is running."""
    current = getcurrent()
    for thread in host.threads:
        if thread.greenlet is current:
            return thread
    raise RuntimeError(f"{host.name}: called outside of its threads")
