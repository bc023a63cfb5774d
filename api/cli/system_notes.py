"""Where the system runs: notes in LOYALTY_HOME/running, for commands that find no KAFKA_BOOTSTRAP_SERVERS.

Each process that stays up writes one note, and keeps its file locked as long as it lives. The operating
system frees the lock whatever ends the process, so a note that is not locked is stale: readers remove it.
Notes hold addresses and names, and no secret.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streams.settings import Settings


class SystemNote(msgspec.Struct, frozen=True, kw_only=True):
    """What one process says of the system that it belongs to. `role`: demo, api, worker or sink."""

    role: str
    pid: int
    started_at: datetime
    bootstrap_servers: str
    topic_prefix: str
    clock: str = "wall"
    kafka_config: str | None = None
    api: str | None = None
    """Address of the REST API, if this process knows it."""
    panel: str | None = None


class RunningSystem(msgspec.Struct, frozen=True):
    """The live notes of one Kafka address and topic prefix, the newest first. There is at least one."""

    notes: tuple[SystemNote, ...]

    @property
    def newest(self) -> SystemNote:
        return self.notes[0]

    @property
    def title(self) -> str:
        """What people call it: `the demo (pid 17)`, or `the system of worker (pid 18), api (pid 19)`."""
        demo = next((note for note in self.notes if note.role == "demo"), None)
        if demo:
            return f"the demo (pid {demo.pid})"
        return f"the system of {', '.join(f'{note.role} (pid {note.pid})' for note in self.notes)}"

    @property
    def api(self) -> str | None:
        """Address of its REST API, or None if no process has noted one."""
        return next((note.api for note in self.notes if note.api), None)


def describe_process(role: str, settings: Settings, bootstrap_servers: str, api: str | None) -> SystemNote:
    """The note of this process."""
    config = settings.kafka_config
    return SystemNote(
        role=role,
        pid=os.getpid(),
        started_at=datetime.now(UTC),
        bootstrap_servers=bootstrap_servers,
        topic_prefix=settings.topic_prefix,
        clock=settings.clock,
        kafka_config=str(config.absolute()) if config else None,
        api=api,
        panel=f"{api}/panel" if api else None,
    )


@contextmanager
def publish_note(home: Path, note: SystemNote) -> Iterator[None]:
    """Keeps the note readable for the length of the block."""
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{note.role}-{note.pid}.json"
    part = file.with_suffix(".part")
    with part.open("wb") as locked:
        # Locked before it has its name: no reader sees it without its lock.
        fcntl.flock(locked, fcntl.LOCK_EX)
        locked.write(msgspec.json.format(msgspec.json.encode(note), indent=2))
        locked.flush()
        part.replace(file)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def read_systems(home: Path) -> list[RunningSystem]:
    """The systems whose processes are alive, the newest first. Removes the notes of other processes."""
    found: dict[tuple[str, str], list[SystemNote]] = {}
    notes = [note for file in sorted(_folder(home).glob("*.json")) if (note := _read_live(file))]
    for note in sorted(notes, key=lambda note: note.started_at, reverse=True):
        found.setdefault((note.bootstrap_servers, note.topic_prefix), []).append(note)
    return [RunningSystem(tuple(group)) for group in found.values()]


def _read_live(file: Path) -> SystemNote | None:
    with suppress(FileNotFoundError), file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                return msgspec.json.decode(opened.read(), type=SystemNote)
            return None
        file.unlink(missing_ok=True)
    return None


def _folder(home: Path) -> Path:
    return home.absolute() / "running"
