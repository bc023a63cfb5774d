"""The delivery log on disk: the state of every delivery, built from the records of three topics.

Positions in the topics are written together with the effect of the records before them, so that each record
is counted exactly once, even after a crash.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from streams.delivery.delivery_state import (
    DeliveryState,
    RecordPosition,
    apply_attempt,
    apply_dead_letter,
    apply_delivery,
)
from streams.delivery.records import Attempt, DeadLetter, Delivery
from streams.tables import delivery_log_keys as keys
from streams.tables.store import Store, Write

Position = tuple[str, int]
"""A topic's name, and a partition."""


class LogRecord(NamedTuple):
    """A record with its position and the time when it was appended."""

    value: Delivery | Attempt | DeadLetter
    partition: int
    offset: int
    at: datetime


@dataclass(slots=True)
class _BatchChanges:
    """What a batch of records changes in the store."""

    before: dict[bytes, DeliveryState | None] = field(default_factory=dict)
    after: dict[bytes, DeliveryState] = field(default_factory=dict)
    attempts: list[Write] = field(default_factory=list)
    sums: defaultdict[bytes, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    pending: defaultdict[bytes, int] = field(default_factory=lambda: defaultdict(int))


class DeliveryLog:
    """Writes the delivery log. Not thread-safe: one thread writes, any number may read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def position(self, topic: str, partition: int) -> int:
        """The offset of the next record to read."""
        return keys.number_of(self._store, keys.POSITIONS, keys.position_key(topic, partition))

    def topic_id(self, topic: str) -> str | None:
        """The id of the topic that the stored positions belong to, or None if it is not known."""
        raw = self._store.get(keys.POSITIONS, keys.topic_key(topic))
        return raw.decode() if raw else None

    def name(self, ids: Mapping[str, str]) -> None:
        """Stores the ids of topics, by their names."""
        self._store.write((keys.POSITIONS, keys.topic_key(topic), id_.encode()) for topic, id_ in ids.items())

    def check(self) -> None:
        """Raises StoreDamaged if any earlier call met damage."""
        self._store.check()

    def take(self, records: Iterable[LogRecord], positions: Mapping[Position, int]) -> None:
        """Applies the records and stores the positions after them, in one atomic write."""
        changes = _BatchChanges()
        for record in records:
            self._apply_record(changes, record)
        writes = changes.attempts
        for id_, after in changes.after.items():
            writes += _state_writes(id_, changes.before[id_], after, changes.pending)
        writes += self._sum_writes(changes)
        writes += self._pending_writes(changes.pending)
        writes += [
            (keys.POSITIONS, keys.position_key(*of), at.to_bytes(8, "big")) for of, at in positions.items()
        ]
        self._store.write(writes)

    def _apply_record(self, changes: _BatchChanges, heard: LogRecord) -> None:
        record, at = heard.value, heard.at
        delivery = record.delivery if isinstance(record, DeadLetter) else record
        id_ = UUID(delivery.delivery_id).bytes
        known = changes.after.get(id_)
        if known is None:
            known = changes.before[id_] = keys.known_of(self._store, id_)
        match record:
            case Delivery():
                after = apply_delivery(known, record, RecordPosition(heard.partition, heard.offset), at)
            case DeadLetter():
                after = apply_dead_letter(known, record, RecordPosition(heard.partition, heard.offset), at)
                changes.sums[keys.hour_key(record.given_up_at, delivery.subscription_id)][2] += 1
            case Attempt():
                after = apply_attempt(known, record, at)
                failed = record.outcome != "delivered"
                changes.sums[keys.hour_key(record.started_at, record.subscription_id)][failed] += 1
                place = id_ + heard.offset.to_bytes(8, "big")
                changes.attempts.append((keys.ATTEMPTS, place, keys.encode(record)))
        changes.after[id_] = after

    def _sum_writes(self, changes: _BatchChanges) -> Iterator[Write]:
        for key, added in changes.sums.items():
            before = keys.sums_of(self._store, key)
            yield keys.TOTALS, key, keys.encode([a + b for a, b in zip(before, added, strict=True)])

    def _pending_writes(self, pending: Mapping[bytes, int]) -> Iterator[Write]:
        for subscription, more in pending.items():
            key = keys.pending_key(subscription)
            count = keys.number_of(self._store, keys.TOTALS, key) + more
            yield keys.TOTALS, key, count.to_bytes(8, "big") if count else None

    def prune(self, before: datetime, most: int) -> int:
        """Removes deliveries without a record since the hour of `before`, and the hourly counts before it.

        Looks at `most` deliveries and `most` hours at most, and returns how many it looked at: a result below
        `most` means that nothing old is left.
        """
        end, looked, pending = keys.hours(before), 0, defaultdict[bytes, int](int)
        writes: list[Write] = []
        for key in self._keys_until(keys.AGES, b"", end, most):
            looked += 1
            writes.append((keys.AGES, key, None))
            known = keys.known_of(self._store, key[4:])
            if known is not None and keys.hours(known.heard_at) == key[:4]:
                writes += self._removal_writes(key[4:], known, pending)
        for key in self._keys_until(keys.TOTALS, b"h", b"h" + end, most):
            looked += 1
            writes.append((keys.TOTALS, key, None))
        if looked:
            self._store.write([*writes, *self._pending_writes(pending)])
        return looked

    def _keys_until(self, family: str, start: bytes, end: bytes, most: int) -> Iterator[bytes]:
        for (key, _), _ in zip(self._store.scan(family, start), range(most), strict=False):
            if key[: len(end)] >= end:
                return
            yield key

    def _removal_writes(
        self, id_: bytes, known: DeliveryState, pending: defaultdict[bytes, int]
    ) -> Iterator[Write]:
        yield keys.KNOWN, id_, None
        for key in keys.index_keys(known):
            yield keys.INDEX, key, None
        if known.open:
            yield keys.OPEN, keys.open_key(known), None
            pending[UUID(known.subscription_id).bytes] -= 1
        for key, _ in self._store.scan(keys.ATTEMPTS, id_):
            if not key.startswith(id_):
                return
            yield keys.ATTEMPTS, key, None

    def clear(self) -> None:
        for family in keys.FAMILIES:
            self._store.clear(family)


def _state_writes(
    id_: bytes, before: DeliveryState | None, after: DeliveryState, pending: defaultdict[bytes, int]
) -> Iterator[Write]:
    """The writes that turn the stored state of a delivery into the new one."""
    yield keys.KNOWN, id_, keys.encode(after)
    was, is_ = set(keys.index_keys(before)) if before else set(), set(keys.index_keys(after))
    for key in was - is_:
        yield keys.INDEX, key, None
    for key in is_ - was:
        yield keys.INDEX, key, b""
    hour = keys.hours(after.heard_at)
    if before is None or keys.hours(before.heard_at) != hour:
        yield keys.AGES, hour + id_, b""
    yield from _open_writes(before, after, pending)


def _open_writes(
    before: DeliveryState | None, after: DeliveryState, pending: defaultdict[bytes, int]
) -> Iterator[Write]:
    was = keys.open_key(before) if before and before.open else None
    is_ = keys.open_key(after) if after.open else None
    if was == is_:
        return
    if was:
        yield keys.OPEN, was, None
    if is_:
        yield keys.OPEN, is_, b""
    pending[UUID(after.subscription_id).bytes] += bool(is_) - bool(was)
