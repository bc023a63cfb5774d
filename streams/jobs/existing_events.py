"""Which webhook events stand on their topic already, and for whom: looked up on disk, however many."""

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
"""Whether the event of that id was there for the subscription."""
_Place = tuple[datetime, tuple[str, ...] | None]
"""When it was appended, and for whom; None: for all that were there."""


@contextmanager
def existing_events(
    connection: Connection, event_name: str, folder: Path, report: ReportProgress
) -> Iterator[ExistsCallback]:
    """Of events of that name, as of when this was called. Raises Retryable."""
    with sort_on_disk(_pairs(connection, event_name, report), folder) as scan:
        yield partial(_told, scan)


def _pairs(connection: Connection, event_name: str, report: ReportProgress) -> Iterator[tuple[bytes, bytes]]:
    stretch, done = full_range(connection, WEBHOOK_EVENTS), 0
    for messages in read_batches(connection, stretch):
        for message in messages:
            yield from _pair(message, event_name)
        done += len(messages)
        report(done, stretch.size)


def _pair(message: Message, event_name: str) -> Iterator[tuple[bytes, bytes]]:
    record = record_of(message, WEBHOOK_EVENTS.name)
    if record.kind != event_name:
        return
    try:
        _, tree = avro.decode_tree(record.value, record.schema)
        by = read_recipients(record.headers)
    except Poison:
        # The fan-out has put it aside: nobody was told by it.
        return
    place: _Place = record_time(message), by.subscriptions if by else None
    yield _key(tree["webhook_event_id"], record), msgspec.msgpack.encode(place)


def _key(webhook_event_id: str, record: Record) -> bytes:
    at = record.partition.to_bytes(4, "big") + record.offset.to_bytes(8, "big")
    return UUID(webhook_event_id).bytes + at


def _told(scan: ScanFrom, webhook_event_id: str, subscription: Subscription) -> bool:
    id_ = UUID(webhook_event_id).bytes
    for key, value in scan(id_):
        if key[:16] != id_:
            return False
        appended_at, chosen = msgspec.msgpack.decode(value, type=_Place)
        # What was told to all before it was there was not told to it.
        if subscription.subscription_id in (chosen or ()) or (
            chosen is None and appended_at >= subscription.created_at
        ):
            return True
    return False
