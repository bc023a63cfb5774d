"""Restarts a process that ends unexpectedly: `--supervise`."""

import asyncio
import logging
import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from api.cli.failures import FAILED
from streams.local_broker.child import tied_to_parent

# The longest wait is short: after an outage of the cluster, processes must start soon.
FIRST_WAIT, LONGEST_WAIT = 1.0, 5.0
# Seconds: a process that has run for so long does not count its earlier failures any more.
SETTLED_SECONDS = 60.0


def restart_wait(failures: int, jitter: float) -> float:
    """Seconds to wait after so many consecutive failures. `jitter`, 0 to 1, adds up to a half."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 10) * (1 + jitter / 2))


def count_failures(failures: int, lived: float) -> int:
    """Consecutive failures after one more, of a process that ran for `lived` seconds."""
    return 1 if lived >= SETTLED_SECONDS else failures + 1


@dataclass(slots=True)
class Supervisor:
    """Runs `command` until it ends with exit code 0, is misconfigured, or the supervisor gets a signal.

    The child gets SIGTERM and SIGINT through the supervisor only. On Linux it ends with the supervisor,
    whatever ends that.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    """The child's; None: this process's own."""
    jitter: Callable[[], float] = random.random
    _told: asyncio.Event = field(default_factory=asyncio.Event)
    _number: signal.Signals = signal.SIGTERM
    _child: asyncio.subprocess.Process | None = None

    async def run(self) -> int:
        """Runs the command. Returns the exit code of its last run."""
        return await run_together([self])

    async def live(self) -> int:
        """Runs the command without listening for signals, which `pass_on` is told of."""
        failures = 0
        while True:
            began = time.monotonic()
            code = await self._life()
            if self._told.is_set() or code in (0, FAILED):
                return code
            failures = count_failures(failures, time.monotonic() - began)
            if await self._wait_or_stop(code, restart_wait(failures, self.jitter())):
                return code

    async def _life(self) -> int:
        # Its own session: a terminal's Ctrl-C would reach it twice, and it would hear of it before us.
        command = tied_to_parent([*self.command], signal.SIGTERM)
        self._child = await asyncio.create_subprocess_exec(
            *command, start_new_session=True, env=self.environment
        )
        if self._told.is_set():
            # It came while the child was being made.
            self.pass_on(self._number)
        code = await self._child.wait()
        return code if code >= 0 else 128 - code

    async def _wait_or_stop(self, code: int, seconds: float) -> bool:
        """True where we were told to end meanwhile."""
        logging.getLogger(self.name).warning(
            "ended with exit code %d: started again in %.1f s", code, seconds
        )
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return False
        return True

    def end(self) -> None:
        """Ends the child with SIGTERM, unless it was told to end already."""
        if not self._told.is_set():
            self.pass_on(signal.SIGTERM)

    def pass_on(self, number: signal.Signals) -> None:
        """Sends the child the signal, and starts it no more."""
        self._number = number
        self._told.set()
        if self._child and self._child.returncode is None:
            self._child.send_signal(number)


async def run_together(supervisors: Sequence[Supervisor]) -> int:
    """Runs all until each has ended. Each signal goes to all children; once one has ended for good, the
    others are told to end too. Returns the exit code of the first that ended, or of another that failed."""
    loop = asyncio.get_running_loop()

    def pass_on(number: signal.Signals) -> None:
        for each in supervisors:
            each.pass_on(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, pass_on, number)
    lives = [asyncio.create_task(each.live()) for each in supervisors]
    ended, _ = await asyncio.wait(lives, return_when=asyncio.FIRST_COMPLETED)
    first = next(iter(ended)).result()
    for each in supervisors:
        each.end()
    codes = await asyncio.gather(*lives)
    return next((code for code in (first, *codes) if code), 0)
