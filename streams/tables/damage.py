"""What RocksDB's errors mean, and what becomes of a folder that is damaged.

RocksDB raises bare Exceptions with a text. What is a matter of rights, room or locks is told apart by the
system's own words; all else is damage: a folder that is set aside is not lost, and what was in it is made
again.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from streams.errors import LoyaltyError, Misconfigured, StoreDamaged, StoreFailed

LOG = logging.getLogger(__name__)
DAMAGED_SUFFIX = ".damaged-"
"""Between the name of the folder that it was, and when it was set aside."""
_MARK = ".is-damaged"
_RIGHTS = (
    "Permission denied",
    "Operation not permitted",
    "Read-only file system",
    "Not a directory",
    "File exists",
)
_ROOM = (
    "No space left on device",
    "Disk quota exceeded",
    "Too many open files",
    "Cannot allocate memory",
    "While lock file",
    "lock hold by current process",
)


def classify_error(folder: Path, error: BaseException) -> LoyaltyError:
    """What an error of RocksDB, or of the system, at that folder is."""
    text = str(error)
    if any(words in text for words in _RIGHTS):
        return Misconfigured(f"state cannot be kept in {folder}: {text}: correct its owner and its rights")
    if any(words in text for words in _ROOM) or isinstance(error, OSError):
        return StoreFailed(f"the disk refuses work in {folder}: {text}")
    return StoreDamaged(f"{folder} is damaged: {text}")


def mark_damaged(folder: Path, damage: StoreDamaged) -> None:
    """Let whoever opens the folder next set it aside: damage inside a file shows only when that is read."""
    try:
        _mark(folder).write_text(f"{damage}\n")
    except OSError as error:
        LOG.warning("%s cannot be marked as damaged: %s: remove it by hand", folder, error)


def require_undamaged(folder: Path) -> None:
    """Raises StoreDamaged where that is known before the folder is opened."""
    if _mark(folder).exists():
        raise StoreDamaged(_mark(folder).read_text(errors="replace").strip())
    # RocksDB would take it for a new database, and begin an empty one among what is left.
    if folder.is_dir() and any(folder.glob("*.sst")) and not (folder / "CURRENT").exists():
        raise StoreDamaged(f"{folder} is damaged: its file CURRENT is gone")


def set_folder_aside(folder: Path, damage: StoreDamaged, counted: Callable[[], None]) -> None:
    """Renames the folder, where there is one; the latest such folder is kept, lest the disk fills."""
    for older in folder.parent.glob(f"{folder.name}{DAMAGED_SUFFIX}*"):
        rmtree(older, ignore_errors=True)
    aside = folder.with_name(f"{folder.name}{DAMAGED_SUFFIX}{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    try:
        if folder.exists():
            folder.rename(aside)
        _mark(folder).unlink(missing_ok=True)
    except OSError as error:
        raise classify_error(folder, error) from None
    LOG.warning("%s: set aside as %s; what was in it is read from Kafka again", damage, aside)
    counted()


def _mark(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{_MARK}")
