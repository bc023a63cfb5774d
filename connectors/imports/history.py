"""Files of the past as one history: each line's command gets the time at which it happened. Pure."""

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
    """The reading with each command at its line's own time. A line without a time, or in the future, is
    refused."""
    found = Reading(refused=list(reading.refused))
    for ready in reading.ready:
        try:
            found.ready.append(_date_command(ready, run.issued_at))
        except Rejected as refusal:
            for line in ready.lines:
                found.refuse(line, refusal)
    found.refused.sort()
    return found


def _date_command(ready: ReadyCommand, now: datetime) -> ReadyCommand:
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
    """All commands, the earliest first. At the same moment, commands of an earlier file come first."""
    return sorted((ready for file in files for ready in file), key=attrgetter("record.issued_at"))
