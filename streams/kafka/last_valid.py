"""The last valid control records, kept on this machine's disk beside its other state.

One is read only when the latest record of its key is not valid and compaction has removed the valid one
before it. Admins and API keys are not kept: a key that was revoked while this machine was off must not come
back. A damaged file is deleted and made again.
"""

import logging
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from streams.kafka.clients import Connection
from streams.kafka.unfit_records import RawRecord
from streams.topics import Topic

LOG = logging.getLogger(__name__)
_TABLE = """CREATE TABLE IF NOT EXISTS good
    (key BLOB PRIMARY KEY, at INTEGER NOT NULL, schema TEXT NOT NULL, value BLOB NOT NULL) WITHOUT ROWID"""
# A process that is behind another one of this machine must not take it back.
_PUT = """INSERT INTO good VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
    SET at = excluded.at, schema = excluded.schema, value = excluded.value WHERE excluded.at > at"""
LOCK_TIMEOUT = 5.0
ANSWER_TIMEOUT = 10.0


class LastValidRecords:
    """Of one topic of one cluster; `file` None: nothing is kept."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def begin(self, end: int) -> None:
        """`end`: where the topic ends. What stood behind it was of another topic of that name."""
        self._write([("DELETE FROM good WHERE at >= ?", (end,))])

    def keep(self, records: Iterable[RawRecord]) -> None:
        """A tombstone forgets."""
        self._write([_statement(raw) for raw in records])

    def find(self, key: bytes, before: int) -> RawRecord | None:
        """The last good one of the key that stood before that offset."""
        if self._file is None or not self._file.exists():
            return None
        try:
            with closing(sqlite3.connect(self._file, timeout=LOCK_TIMEOUT)) as base:
                found = base.execute("SELECT at, schema, value FROM good WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            self._lost(error)
            return None
        return RawRecord(found[0], key, found[1], found[2]) if found and found[0] < before else None

    def _write(self, statements: list[tuple[str, tuple[object, ...]]]) -> None:
        if self._file is None or not statements:
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=LOCK_TIMEOUT)) as base, base:
                base.execute(_TABLE)
                for statement, values in statements:
                    base.execute(statement, values)
        except (OSError, sqlite3.OperationalError) as error:
            LOG.warning("last good control records are not kept in %s: %s", self._file, error)
        except sqlite3.DatabaseError as error:
            self._lost(error)

    def _lost(self, error: sqlite3.Error) -> None:
        LOG.warning("%s is lost, and made anew: %s", self._file, error)
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def open_last_valid(connection: Connection, topic: Topic, end: int) -> LastValidRecords:
    """Of this machine, if the topic's are kept and the connection says where. `end`: where the topic ends."""
    if not topic.on_disk or connection.home is None:
        return LastValidRecords(None)
    # Another cluster's topic may have the same name.
    there = connection.open_admin().list_topics(timeout=ANSWER_TIMEOUT)
    cluster = re.sub("[^A-Za-z0-9_-]", "_", str(getattr(there, "cluster_id", "")))
    found = LastValidRecords(connection.home / "last-good" / cluster / f"{connection.topic(topic)}.sqlite")
    found.begin(end)
    return found


def _statement(raw: RawRecord) -> tuple[str, tuple[object, ...]]:
    if raw.value is None:
        return "DELETE FROM good WHERE key = ? AND at < ?", (raw.key, raw.offset)
    return _PUT, (raw.key, raw.offset, raw.schema or "", raw.value)
