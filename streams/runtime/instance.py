"""A process's name among its kind, which survives restarts, and the directory that belongs to it."""

import fcntl
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from streams.errors import Misconfigured
from streams.runtime.feed_source import Instance
from streams.settings import Settings, variable_name
from streams.state_version import FIRST_VERSION
from streams.tables import damage


@contextmanager
def hold_instance(settings: Settings, role: str, generation: int = FIRST_VERSION) -> Iterator[Instance]:
    """Holds the name while the block runs: `settings.instance`, or the host's with the first free slot. What
    its directory holds of another generation of the state is deleted.

    Raises Misconfigured where another process of this home has the name.
    """
    state = settings.home / "state" / f"{settings.topic_prefix}{role}"
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise damage.classify_error(state, error) from None
    name, lock = _named(settings, state) if settings.instance else _first_free(state)
    try:
        yield Instance(
            group=f"{settings.topic_prefix}{role}",
            instance=name,
            directory=_of_generation(state / name, generation),
            session_timeout=settings.session_timeout,
            transaction_timeout=settings.transaction_timeout,
        )
    finally:
        lock.close()


def _of_generation(directory: Path, number: int) -> Path:
    own = directory if number == FIRST_VERSION else directory / f"generation-{number}"
    stale = directory.glob("generation-*" if number == FIRST_VERSION else "*")
    for each in stale:
        if each != own:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    return own


def _named(settings: Settings, state: Path) -> tuple[str, IO[str]]:
    lock = lock_file(state, settings.instance)
    if lock is None:
        raise Misconfigured(
            f"{variable_name('instance')}={settings.instance!r} is in use by another process of "
            f"{settings.home}: give each its own name, or none"
        )
    return settings.instance, lock


def _first_free(state: Path) -> tuple[str, IO[str]]:
    for slot in count():
        name = f"{socket.gethostname()}-{slot}"
        lock = lock_file(state, name)
        if lock is not None:
            return name, lock
    raise AssertionError("unreachable: there is always another slot")


def lock_file(state: Path, name: str) -> IO[str] | None:
    """The lock file, held until it is closed or the process dies; None where another process holds it."""
    file = (state / f"{name}.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
