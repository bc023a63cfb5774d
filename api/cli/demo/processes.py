"""The demo's processes: each with a log, a line that says it is ready, and an end in order."""

import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

from streams.errors import Retryable
from streams.local_broker.child import tied_to_parent

READY_WITHIN = 60.0
STOPS_WITHIN = 10.0
_LAST_LINES = 8
_COMMAND = (sys.executable, "-c", "from api.cli import main; main()")


class ChildProcess:
    """`loyalty` with `arguments`, out of reach of the terminal's Ctrl-C. It ends with this process, whatever
    ends that (on Linux). To be made on the main thread.

    `beginning` is how the line begins that says it is ready; `say` gets every line, on another thread.
    """

    def __init__(
        self,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        log: Path,
        beginning: str,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._name = arguments[0]
        self._log = log
        self._beginning = beginning
        self._say = say
        self._readiness: Future[str | None] = Future()
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        # SIGKILL: the broker dies with us, and a worker told to end in order would wait for it for ever. All
        # that it holds is in the log. The main thread, which starts it, lives as long as the process.
        self._process = subprocess.Popen(  # noqa: S603
            tied_to_parent([*_COMMAND, *arguments], signal.SIGKILL),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
        self._reader = threading.Thread(target=self._read, name=f"{self._name} log", daemon=True)
        self._reader.start()

    def ready(self) -> str:
        """The rest of the line that says so. Raises Retryable where the process ends without it."""
        try:
            line = self._readiness.result(READY_WITHIN)
        except TimeoutError:
            raise Retryable(self._describe_end(f"was not ready in {READY_WITHIN:g} s")) from None
        if line is None:
            raise Retryable(self._describe_end("ended at its start"))
        return line.removeprefix(self._beginning).strip()

    def check(self) -> None:
        """Raises Retryable if the process has ended."""
        if self._process.poll() is not None:
            raise Retryable(self._describe_end(f"ended with exit code {self._process.returncode}"))

    def stop(self) -> None:
        """Ends it in order; after 10 s at any price."""
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None, "its output is a pipe"  # noqa: S101
        with self._process.stdout as lines, self._log.open("wb", buffering=0) as log:
            for raw in lines:
                log.write(raw)
                line = raw.decode(errors="replace").rstrip()
                self._last.append(line)
                self._say(line)
                if line.startswith(self._beginning) and not self._readiness.done():
                    self._readiness.set_result(line)
        if not self._readiness.done():
            self._readiness.set_result(None)

    def _describe_end(self, what: str) -> str:
        return "\n".join([f"The demo's {self._name} {what}; its log is {self._log}", *self._last])
