"""Which webhook events were published already, and for whom; sorted on disk, so that their number is not
bounded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec
from confluent_kafka import Message

from streams.codec import avro
from streams.delivery.backfill_recipients import read_recipients
from streams.delivery.records import Subscription
from streams.errors import Poison
from streams.kafka.clients import Connection
from streams.kafka.external_sort import ScanFrom, sort_on_disk
from streams.kafka.log_reader import full_range, read_batches, record_time
from streams.kafka.records import record_of
from streams.runtime.restore_progress import ReportProgress
from streams.stages.context import Record
from streams.topics import WEBHOOK_EVENTS

ExistsCallback = Callable[[str, Subscription], bool]
"""Whether the event of that id was published for the subscription."""
_Appended = tuple[datetime, tuple[str, ...] | None]
"""When it was appended, and for which subscriptions; None: for all that existed."""


@contextmanager
def existing_events(
    connection: Connection, event_name: str, folder: Path, report: ReportProgress
) -> Iterator[ExistsCallback]:
    """Looks among the events of that name that exist at the call. Raises Retryable."""
    with sort_on_disk(_read_events(connection, event_name, report), folder) as scan:
        yield partial(_exists, scan)


def _read_events(
    connection: Connection, event_name: str, report: ReportProgress
) -> Iterator[tuple[bytes, bytes]]:
    stretch, done = full_range(connection, WEBHOOK_EVENTS), 0
    for messages in read_batches(connection, stretch):
        for message in messages:
            yield from _sort_entry(message, event_name)
        done += len(messages)
        report(done, stretch.size)


def _sort_entry(message: Message, event_name: str) -> Iterator[tuple[bytes, bytes]]:
    record = record_of(message, WEBHOOK_EVENTS.name)
    if record.kind != event_name:
        return
    try:
        _, tree = avro.decode_tree(record.value, record.schema)
        by = read_recipients(record.headers)
    except Poison:
        # The fan-out put it into poison: nobody received it.
        return
    place: _Appended = record_time(message), by.subscriptions if by else None
    yield _sort_key(tree["webhook_event_id"], record), msgspec.msgpack.encode(place)


def _sort_key(webhook_event_id: str, record: Record) -> bytes:
    at = record.partition.to_bytes(4, "big") + record.offset.to_bytes(8, "big")
    return UUID(webhook_event_id).bytes + at


def _exists(scan: ScanFrom, webhook_event_id: str, subscription: Subscription) -> bool:
    id_ = UUID(webhook_event_id).bytes
    for key, value in scan(id_):
        if key[:16] != id_:
            return False
        appended_at, chosen = msgspec.msgpack.decode(value, type=_Appended)
        # An event for all that was published before the subscription existed did not reach it.
        if subscription.subscription_id in (chosen or ()) or (
            chosen is None and appended_at >= subscription.created_at
        ):
            return True
    return False
