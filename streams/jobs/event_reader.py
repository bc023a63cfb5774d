"""Webhook events read again: how many deliveries a replay is of, and which."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka import Message

from streams.codec import avro
from streams.delivery.backfill_recipients import HEADER, is_recipient, read_recipients
from streams.delivery.records import Delivery
from streams.delivery.replay_selection import ReplaySelection
from streams.errors import Poison
from streams.jobs.rate_limit import Over
from streams.kafka.clients import Connection
from streams.kafka.log_reader import OffsetRange, read_batches
from streams.kafka.records import record_of
from streams.topics import WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent

EVENTS_PER_POSITION = 50_000


class DeliveryCount(NamedTuple):
    deliveries: int
    exact: bool
    """False: reckoned from what was read in time."""


def make_deadline(seconds: float) -> Over:
    """It is to end once they have passed."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


class EventReader:
    def __init__(self, connection: Connection, selection: ReplaySelection, stretch: OffsetRange) -> None:
        self._connection = connection
        self._selection = selection
        self.stretch = stretch

    def count(self, over: Over = lambda: False) -> DeliveryCount:
        """Deliveries that it is of. Ended before, it is reckoned from what was read. Raises Retryable."""
        found = read = 0
        for messages in read_batches(self._connection, self.stretch):
            for message in messages:
                found += self._size(message)
            read += len(messages)
            if over():
                return DeliveryCount(found * max(self.stretch.size, read) // read, exact=False)
        return DeliveryCount(found, exact=True)

    def chunks(self, size: int) -> Iterator[tuple[list[Delivery], dict[int, int]]]:
        """Deliveries, and where the partitions stand after them. Of a long stretch without any, an empty
        list: that it is behind is to be remembered too."""
        chunk, positions, read = list[Delivery](), dict[int, int](), 0
        for messages in read_batches(self._connection, self.stretch):
            for message in messages:
                chunk += self._deliveries(message)
                positions[message.partition() or 0] = (message.offset() or 0) + 1
                read += 1
                if len(chunk) >= size or read >= EVENTS_PER_POSITION:
                    yield chunk, positions
                    chunk, positions, read = [], {}, 0
        # What is left of the stretch are markers of transactions.
        yield chunk, {number: end for number, (_, end) in self.stretch.bounds.items()}

    def _size(self, message: Message) -> int:
        if self._selection.told_by_key:
            return int(self._meant(message) is not None)
        return sum(1 for _ in self._deliveries(message))

    def _meant(self, message: Message) -> str | None:
        """The event's name where header and key say that it may be meant."""
        headers = dict(message.headers() or ())
        header = headers.get(avro.HEADER)
        name = (header.decode() if isinstance(header, bytes) else header or "").rpartition(".v")[0]
        meant = self._selection.names(name) and self._selection.owns(message.key() or b"")
        return name if meant and (HEADER not in headers or self._told(message)) else None

    def _told(self, message: Message) -> bool:
        """Not where it was backfilled for others."""
        try:
            by = read_recipients(record_of(message, WEBHOOK_EVENTS.name).headers)
        except Poison:
            return False
        return is_recipient(self._selection.subscription.subscription_id, by)

    def _deliveries(self, message: Message) -> Iterator[Delivery]:
        name = self._meant(message)
        if name is None:
            return
        record = record_of(message, WEBHOOK_EVENTS.name)
        try:
            event: WebhookEvent = avro.decode(CATALOGUE[name].event, record.value, record.schema)
        except Poison:
            # The fan-out has put it aside: nobody can read it.
            return
        yield from self._selection.deliveries(event)
