"""Starts the broker's process in its own session, tied to this process or not."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

PARENT_DEATH_PROGRAM = Path(__file__).with_name("parent_death_signal.py")


def spawn(command: list[str], console: Path, *, tied: bool) -> subprocess.Popen[bytes]:
    """`command` running with its output in `console`, out of reach of the terminal's Ctrl-C.

    Leashed, it gets SIGTERM when this process ends in whatever way, SIGKILL included (on Linux).
    """
    if tied:
        command = tied_to_parent(command, signal.SIGTERM)
    started: Future[subprocess.Popen[bytes]] = Future()
    # The leash is tied to the *thread* that forks: it must live as long as the child, not as our caller's.
    threading.Thread(target=_keep, args=(command, console, started), name="broker", daemon=True).start()
    return started.result()


def tied_to_parent(command: list[str], ended_with: signal.Signals) -> list[str]:
    """A command that becomes `command`, and gets the signal when the thread that starts it ends (Linux)."""
    return [sys.executable, "-I", str(PARENT_DEATH_PROGRAM), str(os.getpid()), str(int(ended_with)), *command]


def _keep(command: list[str], console: Path, started: "Future[subprocess.Popen[bytes]]") -> None:
    try:
        process = _open(command, console)
    except OSError as error:
        started.set_exception(error)
        return
    started.set_result(process)
    process.wait()


def _open(command: list[str], console: Path) -> subprocess.Popen[bytes]:
    # Without a UTF-8 locale Java cannot open paths that have other letters than ASCII's.
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    with console.open("wb") as output:
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
            cwd=console.parent,
        )
