"""The newest refused commands and poison records, read from their topics."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import nlargest
from typing import Generic, TypeVar

from msgspec.structs import replace as with_fields

from streams.codec.avro import decode
from streams.errors import Poison
from streams.kafka.clients import Connection
from streams.kafka.log_reader import OffsetRange, full_range, read_records
from streams.rejections import CommandRejected, PoisonRecord
from streams.stages.context import Record
from streams.topics import POISON, REJECTIONS, Topic

R = TypeVar("R", CommandRejected, PoisonRecord)
MAX_BYTES = 1000
MAX_SCANNED = 20_000
"""Records of a partition, the newest, that one reading looks at."""


@dataclass(frozen=True, slots=True, order=True)
class FailureId:
    """Where the record is: partition and offset in its topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class FoundFailure(Generic[R]):
    id: FailureId
    record: R


@dataclass(frozen=True, slots=True)
class FailureFilter:
    """`store`: only records whose key is of that store; None: all of them."""

    store: str | None = None
    member_id: str | None = None
    text: str = ""
    """Stands in the command's name, the field, the reason or the cause."""


@dataclass(frozen=True, slots=True)
class FailureLog:
    connection: Connection

    async def refusals(self, wanted: FailureFilter, most: int) -> list[FoundFailure[CommandRejected]]:
        """The newest first. Raises Retryable."""
        return await asyncio.to_thread(self.read_refusals, wanted, most)

    async def poison(self, wanted: FailureFilter, most: int) -> list[FoundFailure[PoisonRecord]]:
        """The newest first, without keys' and values' bytes beyond the first thousand. Raises Retryable."""
        return await asyncio.to_thread(self.read_poison, wanted, most)

    def read_refusals(self, wanted: FailureFilter, most: int) -> list[FoundFailure[CommandRejected]]:
        found = (
            each for each in self._read(REJECTIONS, CommandRejected, wanted) if fits_refusal(each, wanted)
        )
        return nlargest(most, found, key=lambda each: (each.record.rejected_at, each.id))

    def read_poison(self, wanted: FailureFilter, most: int) -> list[FoundFailure[PoisonRecord]]:
        found = (
            replace(each, record=_without_bytes(each.record))
            for each in self._read(POISON, PoisonRecord, wanted)
            if fits_poison(each, wanted)
        )
        return nlargest(most, found, key=lambda each: (each.record.found_at, each.id))

    def refusal(self, id_: FailureId) -> FoundFailure[CommandRejected] | None:
        """Raises Retryable."""
        stretch = full_range(self.connection, REJECTIONS)
        start, end = stretch.bounds.get(id_.partition, (0, 0))
        if not start <= id_.offset < end:
            return None
        one = OffsetRange(REJECTIONS, {id_.partition: (id_.offset, id_.offset + 1)})
        return next(self._decode(one, CommandRejected, FailureFilter()), None)

    def _read(self, topic: Topic, kind: type[R], wanted: FailureFilter) -> Iterator[FoundFailure[R]]:
        whole = full_range(self.connection, topic)
        bounds = {n: (max(start, end - MAX_SCANNED), end) for n, (start, end) in whole.bounds.items()}
        yield from self._decode(OffsetRange(topic, bounds), kind, wanted)

    def _decode(
        self, stretch: OffsetRange, kind: type[R], wanted: FailureFilter
    ) -> Iterator[FoundFailure[R]]:
        if not stretch.size:
            return
        for record in read_records(self.connection, stretch):
            if _is_of_store(record, wanted.store):
                try:
                    value = decode(kind, record.value, record.schema)
                except Poison:
                    # No stage wrote it.
                    continue
                yield FoundFailure(FailureId(record.partition, record.offset), value)


def _without_bytes(poison: PoisonRecord) -> PoisonRecord:
    """A record may be of megabytes."""
    key, value = (None if raw is None else raw[:MAX_BYTES] for raw in (poison.key, poison.value))
    return with_fields(poison, key=key, value=value, headers={})


def _is_of_store(record: Record, store: str | None) -> bool:
    return store is None or (record.key or b"").startswith(f"{store}/".encode())


def fits_refusal(found: FoundFailure[CommandRejected], wanted: FailureFilter) -> bool:
    one = found.record
    if wanted.member_id and one.member_id != wanted.member_id:
        return False
    return _contains_text(wanted.text, one.command, one.field, one.reason, one.command_id)


def fits_poison(found: FoundFailure[PoisonRecord], wanted: FailureFilter) -> bool:
    return _contains_text(wanted.text, found.record.topic, found.record.cause)


def _contains_text(text: str, *places: str) -> bool:
    return not text or any(text.casefold() in place.casefold() for place in places)
