"""How often somebody may try: counted for an address and a name, so that one's tries lock nobody else out."""

import asyncio
import ipaddress
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

_MINUTE = timedelta(minutes=1)
T = TypeVar("T")


class TooManyLogins(Exception):
    """`wait`: until when the next try is counted anew."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"again in {wait}")
        self.wait = wait


@dataclass(slots=True)
class LoginThrottle:
    """So many tries a minute for each name; in this process."""

    most: int
    names: int = 100_000
    _tries: dict[str, deque[datetime]] = field(default_factory=dict)

    def count(self, name: str, now: datetime) -> None:
        """Raises TooManyLogins."""
        tries = self._tries.pop(name, deque())
        while tries and tries[0] <= now - _MINUTE:
            tries.popleft()
        # Last in: the first is whoever was heard of longest ago.
        self._tries[name] = tries
        if len(self._tries) > self.names:
            del self._tries[next(iter(self._tries))]
        if len(tries) >= self.most:
            raise TooManyLogins(tries[0] + _MINUTE - now)
        tries.append(now)


@dataclass(slots=True)
class KnownNetworks:
    """From where each admin has logged in, the latest; in this process."""

    most: int = 10_000
    _places: dict[tuple[str, str], None] = field(default_factory=dict)

    def add(self, admin_id: str, network: str) -> None:
        self._places.pop((admin_id, network), None)
        self._places[admin_id, network] = None
        if len(self._places) > self.most:
            del self._places[next(iter(self._places))]

    def __contains__(self, place: tuple[str, str]) -> bool:
        return place in self._places


def client_network(address: str) -> str:
    """Returns the network that counts as one caller: the address itself, or its /64 for IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address


class WorkQueue:
    """Work beside the loop on two threads, for which few may wait: some more of those who are known."""

    MOST, MOST_KNOWN = 16, 32
    WAIT = timedelta(seconds=2)

    def __init__(self) -> None:
        # Each try takes 32 MiB.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="password")
        self._waiting = 0

    async def run(self, work: Callable[[], T], *, known: bool) -> T:
        """Raises TooManyLogins."""
        if self._waiting >= (self.MOST_KNOWN if known else self.MOST):
            raise TooManyLogins(self.WAIT)
        self._waiting += 1
        done = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # A caller that goes away takes its place along only once its work is done.
        done.add_done_callback(self._left)
        return await asyncio.shield(done)

    def _left(self, _: object) -> None:
        self._waiting -= 1
