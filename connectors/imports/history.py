"""Files of years gone by as one history: each line's command is issued when it happened. Pure."""

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter

from msgspec.structs import replace

from connectors.imports.kind import ImportRun, ReadyCommand
from connectors.imports.reader import Reading
from streams.domain.commands import RecordTransaction, RegisterMember, RegisterTransaction
from streams.errors import Rejected

DatedCommand = RegisterMember | RegisterTransaction | RecordTransaction


def date_commands(reading: Reading, run: ImportRun) -> Reading:
    """The same with commands at their lines' own times; a line without one, or of the future, is refused."""
    found = Reading(refused=list(reading.refused))
    for ready in reading.ready:
        try:
            found.ready.append(_dated(ready, run.issued_at))
        except Rejected as refusal:
            for line in ready.lines:
                found.refuse(line, refusal)
    found.refused.sort()
    return found


def _dated(ready: ReadyCommand, now: datetime) -> ReadyCommand:
    record = ready.record
    if not isinstance(record, DatedCommand):
        raise TypeError(f"{type(record).__name__} has no time of its own")
    column = "registeredAt" if isinstance(record, RegisterMember) else "purchasedAt"
    at = record.registered_at if isinstance(record, RegisterMember) else record.purchased_at
    if at is None or at > now:
        reason = "must be given: history is played by it" if at is None else "must not lie in the future"
        raise Rejected(column, str(at or ""), reason)
    return ready._replace(record=replace(record, issued_at=at))


def sort_by_time(*files: Iterable[ReadyCommand]) -> list[ReadyCommand]:
    """All of them, the earliest first; of one moment those of an earlier file first."""
    return sorted((ready for file in files for ready in file), key=attrgetter("record.issued_at"))
