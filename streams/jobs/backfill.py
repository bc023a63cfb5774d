"""Webhook events of the past, derived from `events` and appended to `webhook-events` for chosen
subscriptions.

A backfill commits its position together with what it appends. Its name is derived from its arguments, so the
same arguments resume it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

import msgspec

from streams.codec import avro
from streams.delivery.backfill_recipients import HEADER
from streams.domain.ids import derived_id
from streams.jobs.rate_limit import RateLimit, StopCallback
from streams.kafka.checkpoint import OutputRecord, Position, TransactionalCheckpoint
from streams.kafka.clients import Connection
from streams.kafka.external_sort import ScanFrom
from streams.kafka.log_reader import full_range
from streams.stages.backfill_events import BackfillRequest
from streams.topics import EVENTS, WEBHOOK_EVENTS

ProgressCallback = Callable[[int], None]
"""Called with how many events were appended since the last call."""


class StoredEvent(msgspec.Struct, array_like=True):
    """A derived event, encoded as it will be appended."""

    key: bytes
    value: bytes
    schema: str
    backfill: bytes


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """A backfill's request as it was at its start; `bounds`: by partition of `events` its next and end
    offsets."""

    name: str
    wish: BackfillRequest
    bounds: dict[int, tuple[int, int]]
    resumed: bool

    def note(self, number: int) -> str:
        """What a later run needs to resume."""
        return f"{self.bounds[number][1]} {self.wish.since.isoformat()} {self.wish.until.isoformat()}"


@dataclass(frozen=True, slots=True)
class BackfillArguments:
    """A backfill's arguments as they were typed; its name is derived from them. Without `subscriptions` it is
    for all subscriptions of the store `all_of`."""

    event_name: str
    since: str
    until: str
    subscriptions: tuple[str, ...]
    all_of: str | None
    member_id: str | None
    correction: str | None

    @property
    def name(self) -> str:
        whom = (*self.subscriptions, self.all_of or "")
        words = (self.since, self.until, self.member_id or "", self.correction or "")
        return derived_id(self.event_name, *words, *whom)[:13]

    def wish(self, store: str, since: datetime, until: datetime) -> BackfillRequest:
        return BackfillRequest(self.event_name, store, since, until, self.member_id, self.correction)


def plan_backfill(
    connection: Connection, standpoint: TransactionalCheckpoint, name: str, wish: BackfillRequest
) -> BackfillPlan:
    """The plan that resumes the backfill, or a new one. Raises Retryable."""
    found = standpoint.positions()
    if found is None:
        return BackfillPlan(name, wish, dict(full_range(connection, EVENTS).bounds), resumed=False)
    bounds = {}
    for number, (offset, note) in found.items():
        end, since, until = note.split(" ")
        bounds[number] = offset, int(end)
        wish = replace(wish, since=datetime.fromisoformat(since), until=datetime.fromisoformat(until))
    return BackfillPlan(name, wish, bounds, resumed=True)


@dataclass(frozen=True, slots=True)
class DerivedEvents:
    """The events to append, on disk; a key begins with the fact's partition and offset, 8 bytes each."""

    count: int
    scan: ScanFrom
    left_out: int
    """How many owners are left out because they are erased."""


class Backfill:
    """Appends the derived events in the order of their facts."""

    def __init__(self, standpoint: TransactionalCheckpoint, plan: BackfillPlan, found: DerivedEvents) -> None:
        self._standpoint = standpoint
        self.plan = plan
        self.found = found

    def run(self, pace: RateLimit, progress: ProgressCallback, over: StopCallback) -> bool:
        """Whether it is complete; if not, it was stopped, and resumes when it is run again."""
        if not self.plan.resumed:
            self._commit([], {number: start for number, (start, _) in self.plan.bounds.items()})
        for chunk, positions in self._chunks(pace.chunk):
            if not pace.wait(len(chunk), over):
                return False
            self._commit(chunk, positions)
            progress(len(chunk))
        self._standpoint.forget()
        return True

    def _chunks(self, size: int) -> Iterator[tuple[list[OutputRecord], dict[int, int]]]:
        """Chunks of events, and the partitions' positions after each; one fact's events stay in one chunk."""
        chunk, positions = list[OutputRecord](), dict[int, int]()
        for place, pairs in groupby(self.found.scan(b""), key=lambda pair: pair[0][:16]):
            number, offset = int.from_bytes(place[:8], "big"), int.from_bytes(place[8:], "big")
            chunk += [_make_record(number, value) for _, value in pairs]
            positions[number] = offset + 1
            if len(chunk) >= size:
                yield chunk, positions
                chunk, positions = [], {}
        yield chunk, {number: end for number, (_, end) in self.plan.bounds.items()}

    def _commit(self, chunk: list[OutputRecord], positions: dict[int, int]) -> None:
        self._standpoint.commit(
            chunk, {n: Position(offset, self.plan.note(n)) for n, offset in positions.items()}
        )


def _make_record(number: int, value: bytes) -> OutputRecord:
    kept = msgspec.msgpack.decode(value, type=StoredEvent)
    headers = {avro.HEADER: kept.schema.encode(), HEADER: kept.backfill}
    return OutputRecord(WEBHOOK_EVENTS, kept.key, kept.value, headers, number)
