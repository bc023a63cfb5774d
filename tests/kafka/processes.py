"""Our processes, run as an operator runs them, and what they say."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streams.settings import Settings, variable_name

READY_WITHIN = 60.0
ENDS_WITHIN = 30.0
SAYS_WITHIN = 60.0
LOYALTY = Path(sys.executable).with_name("loyalty")
Program = Sequence[str | Path]


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment in which a process sees these settings."""
    ours = {
        variable_name("bootstrap_servers"): settings.bootstrap_servers or "",
        variable_name("home"): str(settings.home),
        variable_name("topic_prefix"): settings.topic_prefix,
        variable_name("partitions"): str(settings.partitions),
        variable_name("retention"): ",".join(settings.retention),
        variable_name("session_timeout"): "6",
        variable_name("allow_targets"): "127.0.0.0/8",
    }
    return {**os.environ, **ours, **more}


def finished(settings: Settings, *command: str, program: Program = (LOYALTY,)) -> tuple[int, str]:
    """The exit code of `loyalty command`, and what it says: errors too where it fails, never a stack."""
    done = subprocess.run(
        [*program, *command],
        env=environment(settings) | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SAYS_WITHIN,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


@contextmanager
def running(
    settings: Settings, *command: str, program: Program = (LOYALTY,), **more: str
) -> Iterator[subprocess.Popen[str]]:
    """`loyalty command`, once it has said that it is ready; ended in order, with exit code 0."""
    log = settings.home / f"{command[0]}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*program, *command],
            env=environment(settings, **more),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        with process:
            try:
                # A process that never gets ready is ended, and the wait for its line with it.
                bound = threading.Timer(READY_WITHIN, process.kill)
                bound.start()
                assert process.stdout is not None
                said = process.stdout.readline()
                bound.cancel()
                assert "ready" in said or "listening" in said, f"{said}{log.read_text()}"
                yield process
            finally:
                process.terminate()
                code = process.wait(ENDS_WITHIN)
        assert code == 0, f"{command[0]} ended with {code}: {log.read_text()}"
