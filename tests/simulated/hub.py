"""The simulated clock, and all that is to happen on it, one thing at a time."""

from collections.abc import Callable
from hashlib import blake2b
from heapq import heappop, heappush
from random import Random

from greenlet import getcurrent, greenlet

Tell = Callable[[str], None]


class Event:
    """Something that will happen once, unless it is cancelled before."""

    __slots__ = ("callback", "label")

    def __init__(self, callback: Callable[[], None] | None, label: str) -> None:
        self.callback = callback
        self.label = label

    def cancel(self) -> None:
        self.callback = None


class Overrun(Exception):
    """The run took more steps than a run may."""


class Hub:
    """`now` are seconds since the start. Each step is folded into `fingerprint`, and told where one wants it.

    Events of the same moment happen in the order in which they were asked for.
    """

    def __init__(self, seed: int, tell: Tell | None = None, most: int = 2_000_000) -> None:
        self.now = 0.0
        self.steps = 0
        self.main: greenlet = getcurrent()
        self._queue: list[tuple[float, int, Event]] = []
        self._asked = 0
        self._most = most
        self._tell = tell
        self._hash = blake2b(digest_size=8)
        self._seed = seed

    def rng(self, purpose: str) -> Random:
        """Chance for one purpose: what one part draws changes nothing for another."""
        return Random(f"{self._seed}/{purpose}")  # noqa: S311 - to be drawn again alike

    def at(self, moment: float, callback: Callable[[], None], label: str = "") -> Event:
        event = Event(callback, label)
        self._asked += 1
        heappush(self._queue, (max(moment, self.now), self._asked, event))
        return event

    def after(self, seconds: float, callback: Callable[[], None], label: str = "") -> Event:
        return self.at(self.now + seconds, callback, label)

    def note(self, words: str) -> None:
        """Make it part of the trace."""
        line = f"{self.now:.6f} {words}"
        self._hash.update(line.encode())
        if self._tell:
            self._tell(line)

    @property
    def fingerprint(self) -> str:
        """Of all steps so far: two runs that have the same one did the same."""
        return self._hash.hexdigest()

    def run(self, until: Callable[[], bool], limit: float) -> bool:
        """Let things happen until that is true, or for so many seconds; returns whether it came true."""
        deadline = self.now + limit
        while not until():
            if not self._queue or self._queue[0][0] > deadline:
                self.now = deadline
                return until()
            self._step()
        return True

    def _step(self) -> None:
        moment, _, event = heappop(self._queue)
        callback = event.callback
        if callback is None:
            return
        self.now = moment
        self.steps += 1
        if self.steps > self._most:
            raise Overrun(f"more than {self._most} steps")
        if event.label:
            self.note(event.label)
        callback()
