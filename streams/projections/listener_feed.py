"""What listeners fetch: new webhook events, and examples that were made for them."""

import asyncio
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from streams.codec.avro import decode
from streams.delivery.backfill_recipients import read_recipients
from streams.delivery.records import Delivery
from streams.errors import Poison
from streams.kafka.clients import Connection
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.log_reader import OffsetRange, read_batches
from streams.kafka.offsets import Place
from streams.kafka.records import record_of
from streams.reconcile.from_topics import decode_event
from streams.stages.context import Record
from streams.topics import LISTENER_EXAMPLES, WEBHOOK_EVENTS, Topic
from streams.webhooks.events import WebhookEvent

MAX_SCANNED = 2_000
"""Offsets of a partition that one reading passes over: other stores' events lie between a listener's."""
Position = tuple[int, ...]
"""The next offset of each partition of the webhook events, then that of the examples."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One record, with the position behind it. `found` is None for a record that no listener gets, such as
    an event that a backfill made for certain subscriptions."""

    found: WebhookEvent | Delivery | None
    behind: Position


class ListenerFeed:
    """Keeps nothing between two readings, so that any process may serve a listener at any time.
    `count`: partitions of the webhook events. Create it in the event loop that asks."""

    def __init__(self, connection: Connection, count: int) -> None:
        self._connection = connection
        self._places: list[Place] = [
            *((connection.topic(WEBHOOK_EVENTS), number) for number in range(count)),
            (connection.topic(LISTENER_EXAMPLES), 0),
        ]
        self._ends = EndOffsets(connection, committed=True)

    async def end(self) -> Position:
        """The position behind all that is committed. Raises Retryable."""
        found = await self._ends.of(self._places)
        return tuple(found[place] for place in self._places)

    async def read(self, store: str, after: Position, until: Position, most: int) -> list[FeedItem]:
        """The store's records between two positions, each partition's in order, at most `most` that a
        listener gets. It may end before `until`, and the last item says where. Raises Retryable."""
        return await asyncio.to_thread(lambda: list(self._read(store, after, until, most)))

    def _read(self, store: str, after: Position, until: Position, most: int) -> Iterator[FeedItem]:
        behind, left = list(after), most
        examples = len(after) - 1
        for topic, first in ((LISTENER_EXAMPLES, examples), (WEBHOOK_EVENTS, 0)):
            numbers = [0] if topic is LISTENER_EXAMPLES else range(examples)
            bounds = {n: _bounds(after[first + n], until[first + n]) for n in numbers}
            with closing(_records(self._connection, OffsetRange(topic, bounds))) as records:
                for record in records:
                    found = _value(topic, record, store)
                    behind[first + record.partition] = record.offset + 1
                    yield FeedItem(found, tuple(behind))
                    left -= found is not None
                    if not left:
                        return
            # Markers of transactions at the end are passed over too.
            for number, (_, end) in bounds.items():
                behind[first + number] = max(behind[first + number], end)
        yield FeedItem(None, tuple(behind))


def _bounds(start: int, end: int) -> tuple[int, int]:
    return start, max(start, min(end, start + MAX_SCANNED))


def _records(connection: Connection, stretch: OffsetRange) -> Generator[Record]:
    """Closing it closes the consumer."""
    if stretch.size:
        for messages in read_batches(connection, stretch):
            yield from (record_of(message, stretch.topic.name) for message in messages)


def _value(topic: Topic, record: Record, store: str) -> WebhookEvent | Delivery | None:
    """None also for what is unreadable: the fan-out puts it into poison."""
    try:
        if topic is LISTENER_EXAMPLES:
            delivery = decode(Delivery, record.value, record.schema)
            return delivery if delivery.store == store else None
        return None if read_recipients(record.headers) else decode_event(record, store)
    except Poison:
        return None
