"""Two kinds of entries, plain and timed, as small as tables allow."""

from datetime import UTC, datetime, timedelta

from streams.domain.state import Entry
from streams.domain.values import Instant

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


class Note(Entry):
    table, letter = "notes", b"n"

    name: bytes
    text: str

    def key(self) -> bytes:
        return self.name


class Alarm(Entry):
    """Shares a table with `Bell`, as members' and transactions' entries do."""

    table, letter = "alarms", b"a"

    name: bytes
    rings_at: Instant | None = None

    def key(self) -> bytes:
        return self.name

    @property
    def due(self) -> datetime | None:
        return self.rings_at


class Bell(Entry):
    table, letter = "alarms", b"b"

    size: int


KINDS = (Note, Alarm, Bell)
