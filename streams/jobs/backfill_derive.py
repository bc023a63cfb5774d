"""The webhook events that a backfill is to append: derived from the facts, and kept on disk until counted.

The facts are walked partition by partition, from the beginning, and the state is made again on disk beside
them: in memory is a slice of them at a time.
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
    """For those of `chosen` by whom it is missing. `tell` hears how far it is."""

    connection: Connection
    plan: BackfillPlan
    chosen: Sequence[Subscription]
    stores: SettingsLookup
    erased: frozenset[str]
    """The keys of members and documents that are."""
    folder: Path
    tell: TellProgress
    _count: int = field(default=0, init=False)
    _left_out: set[str] = field(default_factory=set, init=False)

    @contextmanager
    def derived(self) -> Iterator[DerivedEvents]:
        """All that is missing. Raises Retryable where the cluster does not answer."""
        # Read after the facts' ends were asked for: what was told of these is among it.
        reading = partial(self.tell, "reading webhook-events")
        with (
            existing_events(self.connection, self.plan.wish.event_name, self.folder, reading) as there,
            sort_on_disk(self._pairs(there), self.folder) as scan,
        ):
            left_out = sum(self.plan.wish.about(owner.encode()) for owner in self._left_out)
            yield DerivedEvents(self._count, scan, left_out)

    def _pairs(self, there: ExistsCallback) -> Iterator[Pair]:
        for number in self._numbers():
            for record, event in self._told_again(number):
                id_ = event.webhook_event_id
                missing = tuple(s.subscription_id for s in self.chosen if not there(id_, s))
                if missing and record.offset >= self.plan.bounds[number][0]:
                    self._count += 1
                    by = BackfillRecipients(name=self.plan.name, subscriptions=missing)
                    yield _place(record, self._count), _kept(record, event, by)

    def _numbers(self) -> list[int]:
        """Partitions that are not behind it, and may hold what is asked for."""
        wish, bounds = self.plan.wish, self.plan.bounds
        only = None
        if wish.member_id:
            only = partition_of(owner_of(wish.store, wish.member_id).encode(), len(bounds))
        return [n for n, (at, end) in sorted(bounds.items()) if at < end and only in (None, n)]

    def _told_again(self, number: int) -> Iterator[tuple[Record, WebhookEvent]]:
        """From the partition's beginning: what is before the place to go on from made the state."""
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
                records = self._known(messages, keys)
                yield from backfill_events(tables, records, self.stores, keys, self.plan.wish)
                done += len(messages)
                self.tell(what, done, facts.size)

    def _known(self, messages: list[Message], keys: DataKeys) -> Iterator[Record]:
        """Without those of who is erased, or is found to be by now: nothing is told of them."""
        for message in messages:
            record = record_of(message, EVENTS.name)
            owner = (record.key or b"").decode(errors="replace")
            sealed_for_good = PERSONAL in record.headers and keys(owner) is None
            if sealed_for_good or owner in self.erased or owner in self._left_out:
                self._left_out.add(owner)
            else:
                yield record


def _place(record: Record, index: int) -> bytes:
    return b"".join(number.to_bytes(8, "big") for number in (record.partition, record.offset, index))


def _kept(record: Record, event: WebhookEvent, by: BackfillRecipients) -> bytes:
    value, schema = avro.encode(event)
    return msgspec.msgpack.encode(StoredEvent(record.key or b"", value, schema, by.header))
