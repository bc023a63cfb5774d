"""Counts on disk how often a record has ended the process, until it is put into poison.

An unexpected error ends the process, and its successor reads the same record again. After LOYALTY_CRASH_TRIES
times the record goes to poison. Kills, broker errors, full disks, lack of memory and timers are not counted.
"""

import logging
import os
import traceback
from hashlib import sha256
from pathlib import Path

import msgspec

from streams.errors import LoyaltyError, Poison
from streams.rejections import MAX_CAUSE_CHARACTERS
from streams.stages.context import Record

LOG = logging.getLogger(__name__)
# What is kept of a traceback is its end, where the bug is; a cause has no more room than this.
_TRACEBACK = MAX_CAUSE_CHARACTERS - 1000


class CrashNote(msgspec.Struct, frozen=True):
    """A record by offset and content, how often it ended the process, and the traceback of the last time."""

    offset: int
    digest: str
    tries: int
    cause: str


class PoisonSuspects:
    """The suspect record of one partition. It goes to poison after `limit` tries; 0 means never."""

    def __init__(self, file: Path, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._note = _read(file)

    @property
    def suspects(self) -> bool:
        """Tells whether a record has had all its tries."""
        return self._note is not None and 0 < self._limit <= self._note.tries

    def put_aside(self, record: Record) -> Poison | None:
        """The cause where the record has had its tries."""
        note = self._note
        if note is None or not self.suspects or not _is(note, record):
            return None
        return Poison(f"ended the process {note.tries} times: {note.cause}")

    def count(self, record: Record, failure: Exception) -> None:
        """`record` was being handled when `failure` was raised. On disk when this returns."""
        if not self._limit or not _fault_of_a_record(failure):
            return
        before = self._note.tries if self._note and _is(self._note, record) else 0
        self._note = CrashNote(record.offset, _digest(record), before + 1, _told(failure))
        _write(self._file, self._note)
        place = f"{record.topic}[{record.partition}] at offset {record.offset}"
        LOG.warning("%s ends this process, time %d of %d", place, before + 1, self._limit)

    def passed(self, offset: int) -> None:
        """Everything before `offset` is handled: the note of a record there is deleted."""
        if self._note and self._note.offset < offset:
            self._note = None
            self._file.unlink(missing_ok=True)


def _told(failure: Exception) -> str:
    """The exception's own line, then the end of its traceback."""
    what = "".join(traceback.format_exception_only(failure)).strip()
    return f"{what[:800]}\n{''.join(traceback.format_tb(failure.__traceback__))[-_TRACEBACK:]}"


def _fault_of_a_record(failure: Exception) -> bool:
    return not isinstance(failure, (MemoryError, OSError, LoyaltyError))


def _is(note: CrashNote, record: Record) -> bool:
    # The topic may be another one than it was, with another record at the offset.
    return note.offset == record.offset and note.digest == _digest(record)


def _digest(record: Record) -> str:
    return sha256(repr((record.topic, record.key, record.value)).encode()).hexdigest()


def _read(file: Path) -> CrashNote | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=CrashNote)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        LOG.warning("%s is no crash note (%s): begun anew", file, error)
        return None


def _write(file: Path, note: CrashNote) -> None:
    """Whole or not at all, whenever the process is killed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    with new.open("wb") as out:
        out.write(msgspec.json.encode(note))
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
