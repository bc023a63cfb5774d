"""One process of ours: started, killed, frozen, asked to end, and started again when it ends by itself."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree, which

from streams.local_broker.child import spawn

LOYALTY = str(Path(sys.executable).with_name("loyalty"))
ENDS_WITHIN = 15.0
# As any supervisor does, lest a process that cannot start takes the whole machine.
BACKOFF = 0.5
_LAST_WORDS = re.compile(r"CRITICAL (?:.*? )?(?:worker|sink): ends: (.*?)(?: \(stack in .*)?$|^Error: (.*)$")


@dataclass(frozen=True, slots=True)
class Ending:
    """A process that ended of itself, with the reason that it gave."""

    name: str
    code: int
    reason: str


@dataclass(slots=True)
class Program:
    """`loyalty <role>` with a name and a disk of its own, in the folder `home`."""

    name: str
    role: str
    home: Path
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    endings: list[Ending] = field(default_factory=list)
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _wanted: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        with self._lock:
            self._wanted = True
            self.starts += 1
            self.home.mkdir(parents=True, exist_ok=True)
            here = {"LOYALTY_HOME": str(self.home / "disk"), "LOYALTY_INSTANCE": self.name}
            settings = [f"{name}={value}" for name, value in {**self.environment, **here}.items()]
            command = [which("env") or "/usr/bin/env", *settings, LOYALTY, self.role, *self.arguments]
            self._process = spawn(command, self.console, tied=True)

    @property
    def console(self) -> Path:
        """The output of its latest life."""
        return self.home / f"{self.starts}.log"

    def kill(self, *, wipe: bool = False) -> None:
        """As a power cut would end it, then started again; with `wipe` on an empty disk."""
        with self._lock:
            if self._process:
                self._process.kill()
                self._process.wait()
            if wipe:
                rmtree(self.home / "disk", ignore_errors=True)
            self.start()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        with self._lock:
            if self._process:
                self._process.send_signal(number)

    def end(self, *, wait: bool = True) -> None:
        """Asks it to end with SIGTERM. What it says to that is an ending like any other."""
        with self._lock:
            self._wanted = False
            if self._process and self._process.poll() is None:
                self._process.terminate()
                if wait:
                    self._await_end(self._process)

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        try:
            code = process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.endings.append(Ending(self.name, -1, f"did not end within {ENDS_WITHIN:g} s of SIGTERM"))
            # Python's fault handler leaves the stacks in the log.
            process.send_signal(signal.SIGABRT)
            process.wait()
            return
        if code:
            self.endings.append(Ending(self.name, code, self.last_words()))

    def restart(self) -> None:
        with self._lock:
            self.end()
            self.start()

    def supervise(self) -> None:
        """Start it again if it has ended without being asked to."""
        with self._lock:
            if not self._wanted or self._process is None or self._process.poll() is None:
                return
            self.endings.append(Ending(self.name, self._process.returncode, self.last_words()))
            time.sleep(BACKOFF)
            self.start()

    def destroy(self) -> None:
        """Whatever state it is in, it is gone."""
        with self._lock:
            self._wanted = False
            if self._process:
                self._process.kill()
                self._process.wait()

    def last_words(self) -> str:
        lines = self.console.read_text(errors="replace").splitlines()
        found = [match for line in lines if (match := _LAST_WORDS.search(line))]
        if found:
            return next(group for group in found[-1].groups() if group)
        return lines[-1] if lines else "(silent)"
