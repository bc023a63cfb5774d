"""The times at which endpoints must be checked."""

from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush

WakeupTime = tuple[datetime, bytes]
"""A moment, and the group of an endpoint."""


@dataclass(slots=True)
class WakeupQueue:
    """Each group has one valid time, its earliest. Superseded times stay in the heap until they pass, at most
    once each: a retry in the far future would otherwise be added at every check."""

    _times: list[WakeupTime] = field(default_factory=list)
    _noted: set[WakeupTime] = field(default_factory=set)
    _next: dict[bytes, datetime] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._times)

    def wake(self, group: bytes, at: datetime) -> None:
        """Makes the group come up at `at` or earlier."""
        known = self._next.get(group)
        if known is not None and known <= at:
            return
        self._next[group] = at
        if (at, group) not in self._noted:
            self._noted.add((at, group))
            heappush(self._times, (at, group))

    def pop(self, now: datetime) -> bytes | None:
        """Removes and returns a group whose time has come, or None."""
        while self._times and self._times[0][0] <= now:
            at, group = heappop(self._times)
            self._noted.discard((at, group))
            if self._next.get(group) == at:
                del self._next[group]
                return group
        return None

    def first(self) -> datetime | None:
        """The next time at which a group may come up."""
        return self._times[0][0] if self._times else None
