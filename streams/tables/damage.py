"""Classifies errors of the disk, and sets damaged folders aside.

RocksDB names the cause of an error only in its text. Errors of rights, space and locks are recognised by the
operating system's own words; every other one counts as damage. A folder that is set aside is not deleted: its
content is restored from Kafka.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from streams.errors import LoyaltyError, Misconfigured, StoreDamaged, StoreFailed

LOG = logging.getLogger(__name__)
DAMAGED_SUFFIX = ".damaged-"
"""Stands between the folder's former name and the time when it was set aside."""
_MARK_SUFFIX = ".is-damaged"
_PERMISSION_TEXTS = (
    "Permission denied",
    "Operation not permitted",
    "Read-only file system",
    "Not a directory",
    "File exists",
)
_RESOURCE_TEXTS = (
    "No space left on device",
    "Disk quota exceeded",
    "Too many open files",
    "Cannot allocate memory",
    "While lock file",
    "lock hold by current process",
)


class RocksDBError(Exception):
    """An error of RocksDB, with its text. `store` raises it in place of the bare Exception of rocksdict."""


def classify_error(folder: Path, error: RocksDBError | OSError) -> LoyaltyError:
    """Misconfigured, StoreFailed or StoreDamaged, for an error of RocksDB or of the system at `folder`."""
    text = str(error)
    if any(words in text for words in _PERMISSION_TEXTS):
        return Misconfigured(f"state cannot be kept in {folder}: {text}: correct its owner and its rights")
    if any(words in text for words in _RESOURCE_TEXTS) or isinstance(error, OSError):
        return StoreFailed(f"the disk refuses work in {folder}: {text}")
    return StoreDamaged(f"{folder} is damaged: {text}")


def mark_damaged(folder: Path, damage: StoreDamaged) -> None:
    """Marks the folder, so that the next process to open it sets it aside.

    Damage inside a file shows only when that part is read: opening the folder again would not find it."""
    try:
        _mark_file(folder).write_text(f"{damage}\n")
    except OSError as error:
        LOG.warning("%s cannot be marked as damaged: %s: remove it by hand", folder, error)


def require_undamaged(folder: Path) -> None:
    """Raises StoreDamaged if the folder is marked, or if RocksDB would start an empty database in it."""
    if _mark_file(folder).exists():
        raise StoreDamaged(_mark_file(folder).read_text(errors="replace").strip())
    # Without CURRENT, RocksDB would create an empty database among the remaining files.
    if folder.is_dir() and any(folder.glob("*.sst")) and not (folder / "CURRENT").exists():
        raise StoreDamaged(f"{folder} is damaged: its file CURRENT is gone")


def set_folder_aside(folder: Path, damage: StoreDamaged, counted: Callable[[], None]) -> None:
    """Renames the folder, if it exists. Only the latest folder that was set aside is kept, so that the disk
    does not fill up. Raises Misconfigured, StoreFailed."""
    for older in folder.parent.glob(f"{folder.name}{DAMAGED_SUFFIX}*"):
        rmtree(older, ignore_errors=True)
    aside = folder.with_name(f"{folder.name}{DAMAGED_SUFFIX}{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    try:
        if folder.exists():
            folder.rename(aside)
        _mark_file(folder).unlink(missing_ok=True)
    except OSError as error:
        raise classify_error(folder, error) from None
    LOG.warning("%s: set aside as %s; what was in it is read from Kafka again", damage, aside)
    counted()


def _mark_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{_MARK_SUFFIX}")
