"""The webhook events that a backfill appends: derived from the facts, and kept on disk.

The facts are read partition by partition from the beginning, while the state is rebuilt from them on disk.
One slice of them is in memory at a time.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
from confluent_kafka import Message

from streams.codec import avro
from streams.delivery.backfill_recipients import BackfillRecipients
from streams.delivery.records import Subscription
from streams.jobs.backfill import BackfillPlan, DerivedEvents, StoredEvent
from streams.jobs.existing_events import ExistsCallback, existing_events
from streams.kafka.clients import Connection
from streams.kafka.external_sort import Pair, sort_on_disk
from streams.kafka.log_reader import OffsetRange, full_range, read_batches
from streams.kafka.partitioner import partition_of
from streams.kafka.records import record_of
from streams.migration.rebuild_from_facts import DataKeys, SettingsLookup, open_fact_tables, open_state_tables
from streams.runtime.restore_progress import TellProgress
from streams.secrets.crypto_shredding import HEADER as PERSONAL
from streams.stages.backfill_events import backfill_events
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.topics import EVENTS
from streams.webhooks.events import WebhookEvent


@dataclass(slots=True)
class EventDerivation:
    """Derives the events that any of the `chosen` subscriptions lacks. `tell` is called with the progress."""

    connection: Connection
    plan: BackfillPlan
    chosen: Sequence[Subscription]
    stores: SettingsLookup
    erased: frozenset[str]
    """The keys of erased members and documents."""
    folder: Path
    tell: TellProgress
    _count: int = field(default=0, init=False)
    _erased_found: set[str] = field(default_factory=set, init=False)

    @contextmanager
    def derived(self) -> Iterator[DerivedEvents]:
        """All missing events. Raises Retryable if the cluster does not answer."""
        # Read after the facts' end offsets: it includes all events that were published for these facts.
        reading = partial(self.tell, "reading webhook-events")
        with (
            existing_events(self.connection, self.plan.wish.event_name, self.folder, reading) as there,
            sort_on_disk(self._missing_events(there), self.folder) as scan,
        ):
            left_out = sum(self.plan.wish.about(owner.encode()) for owner in self._erased_found)
            yield DerivedEvents(self._count, scan, left_out)

    def _missing_events(self, there: ExistsCallback) -> Iterator[Pair]:
        for number in self._partitions_to_read():
            for record, event in self._derive_partition(number):
                id_ = event.webhook_event_id
                missing = tuple(s.subscription_id for s in self.chosen if not there(id_, s))
                if missing and record.offset >= self.plan.bounds[number][0]:
                    self._count += 1
                    by = BackfillRecipients(name=self.plan.name, subscriptions=missing)
                    yield _sort_key(record, self._count), _encode_event(record, event, by)

    def _partitions_to_read(self) -> list[int]:
        """The partitions that are not finished and may hold requested events."""
        wish, bounds = self.plan.wish, self.plan.bounds
        only = None
        if wish.member_id:
            only = partition_of(owner_of(wish.store, wish.member_id).encode(), len(bounds))
        return [n for n, (at, end) in sorted(bounds.items()) if at < end and only in (None, n)]

    def _derive_partition(self, number: int) -> Iterator[tuple[Record, WebhookEvent]]:
        """The partition's events from its beginning: the facts before the position rebuild the state."""
        low, _ = full_range(self.connection, EVENTS, number).bounds[number]
        facts, done = OffsetRange(EVENTS, {number: (low, self.plan.bounds[number][1])}), 0
        what = f"partition {number + 1} of {len(self.plan.bounds)}: deriving from facts"
        with (
            tempfile.TemporaryDirectory(prefix="backfill-", dir=self.folder) as place,
            open_state_tables(Path(place, "running")) as running,
            open_fact_tables(Path(place, "state")) as tables,
        ):
            keys = DataKeys(self.connection, number, running, partial(self.tell, "reading the keys"))
            for messages in read_batches(self.connection, facts):
                keys.forget()
                records = self._skip_erased(messages, keys)
                yield from backfill_events(tables, records, self.stores, keys, self.plan.wish)
                done += len(messages)
                self.tell(what, done, facts.size)

    def _skip_erased(self, messages: list[Message], keys: DataKeys) -> Iterator[Record]:
        """The records, without those of owners who are erased, also if that shows only by a missing key."""
        for message in messages:
            record = record_of(message, EVENTS.name)
            owner = (record.key or b"").decode(errors="replace")
            sealed_for_good = PERSONAL in record.headers and keys(owner) is None
            if sealed_for_good or owner in self.erased or owner in self._erased_found:
                self._erased_found.add(owner)
            else:
                yield record


def _sort_key(record: Record, index: int) -> bytes:
    return b"".join(number.to_bytes(8, "big") for number in (record.partition, record.offset, index))


def _encode_event(record: Record, event: WebhookEvent, by: BackfillRecipients) -> bytes:
    value, schema = avro.encode(event)
    return msgspec.msgpack.encode(StoredEvent(record.key or b"", value, schema, by.header))
