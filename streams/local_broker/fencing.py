"""Declares the broker's former run dead before it starts, so that no partition loses its leader meanwhile.

Kafka 4.4.0 takes a partition without a leader for a deleted one when it completes a transaction: it skips the
marker there and calls the transaction complete. What the transaction wrote stays open for ever, and readers
of committed records wait behind it. A lone broker that starts after a crash would run into this: it leads by
what its log says, loads the transactions it had promised, and is then declared dead for its former self's
sake. So the controller alone is started first, to do that while nothing leads and nothing is promised.
"""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from streams.errors import Retryable

LOG = "fencing.log"
FENCING_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0
Spawn = Callable[[], "subprocess.Popen[bytes]"]


def needs_fencing(data: Path) -> bool:
    """Whether a broker has run on this data."""
    return (data / "__cluster_metadata-0").is_dir()


def fence_broker(folder: Path, spawn: Spawn) -> None:
    """Runs the controller that `spawn` starts until the broker is fenced. Raises Retryable.

    One that ends by itself is no failure: the broker will end in the same way, and say why.
    """
    log = folder / LOG
    log.unlink(missing_ok=True)
    process = spawn()
    deadline = time.monotonic() + FENCING_TIMEOUT
    try:
        while process.poll() is None and not is_fenced(log):
            if time.monotonic() > deadline:
                raise Retryable(f"Kafka's controller did not get ready in {FENCING_TIMEOUT:g} s: see {log}")
            # A file tells nobody that it has grown.
            time.sleep(0.02)
    finally:
        _end(process)


def is_fenced(log: Path) -> bool:
    """As the controller's log says: once it is active it has read all that was, then it decides."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return False
    registered = [line for line in lines if "ClusterControlManager" in line and "Record(" in line]
    active = any("Performing controller activation" in line for line in lines)
    return active and (not registered or any(f"fenced={yes}" in registered[-1] for yes in ("1", "true")))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
