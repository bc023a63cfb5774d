"""`loyalty broker start|stop|status`: a broker that goes on after its starter has ended."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from streams.local_broker import ports, storage
from streams.local_broker.jars import PrintLine
from streams.local_broker.local import STOP_TIMEOUT, LocalBroker


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """What `broker.json` says of a broker."""

    pid: int
    port: int
    bootstrap: str


def start_detached(home: Path, port: int | None = None, say: PrintLine | None = None) -> RunningBroker:
    """A broker that `stop_detached` ends, from whatever process. Where one runs already, that one."""
    already = running(home)
    if already:
        return already
    broker = LocalBroker(home, port, tied=False, say=say)
    bootstrap = broker.start()
    assert broker.pid is not None, "a broker that answers has a process"  # noqa: S101
    found = RunningBroker(broker.pid, broker.port, bootstrap)
    note = _note(home)
    part = note.with_suffix(".part")
    part.write_text(json.dumps(asdict(found)))
    part.replace(note)
    return found


def running(home: Path, timeout: float = 5.0) -> RunningBroker | None:
    """The broker that `start_detached` left running in `home`, if it is alive and answers."""
    found = _noted(home)
    if found is None:
        return None
    cluster = storage.cluster_id(home / "broker" / "data")
    return found if ports.cluster_answers(found.port, cluster, timeout) else None


def is_silent(home: Path) -> RunningBroker | None:
    """The broker whose process is there and which does not answer: frozen, or still at its start or end."""
    return None if running(home) else _noted(home)


def stop_detached(home: Path) -> RunningBroker | None:
    """Ends it in order, after 20 s at any price. The broker that was, or None where none ran."""
    found = _noted(home)
    if found is None:
        return None
    with suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while _alive(found.pid, home) and time.monotonic() < deadline:
            time.sleep(0.05)
        if _alive(found.pid, home):
            os.kill(found.pid, signal.SIGKILL)
    _note(home).unlink(missing_ok=True)
    return found


def _note(home: Path) -> Path:
    return home.absolute() / "broker" / "broker.json"


def _noted(home: Path) -> RunningBroker | None:
    try:
        found = RunningBroker(**json.loads(_note(home).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if _alive(found.pid, home) else None


def _alive(pid: int, home: Path) -> bool:
    """Whether `pid` is the broker of `home`: after a crash the number may be another program's by now."""
    properties = str(home.absolute() / "broker" / "server.properties")
    command = ["ps", "-ww", "-p", str(pid), "-o", "args="]
    process = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return properties.encode() in process.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
    return properties in subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
