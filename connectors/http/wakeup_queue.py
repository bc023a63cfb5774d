"""Which endpoint is to be looked at when."""

from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush

WakeupTime = tuple[datetime, bytes]
"""And the group of the endpoint."""


@dataclass(slots=True)
class WakeupQueue:
    """Each group stands for its earliest time. The times of looks that came sooner stay until they pass, once
    each: a retry far away is found at every look until then."""

    _times: list[WakeupTime] = field(default_factory=list)
    _noted: set[WakeupTime] = field(default_factory=set)
    _next: dict[bytes, datetime] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._times)

    def wake(self, group: bytes, at: datetime) -> None:
        """Then, or sooner."""
        known = self._next.get(group)
        if known is not None and known <= at:
            return
        self._next[group] = at
        if (at, group) not in self._noted:
            self._noted.add((at, group))
            heappush(self._times, (at, group))

    def pop(self, now: datetime) -> bytes | None:
        """A group whose time has come."""
        while self._times and self._times[0][0] <= now:
            at, group = heappop(self._times)
            self._noted.discard((at, group))
            if self._next.get(group) == at:
                del self._next[group]
                return group
        return None

    def first(self) -> datetime | None:
        """The next time at which something may have come."""
        return self._times[0][0] if self._times else None
