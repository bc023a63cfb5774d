"""The webhook events of a replay, and the deliveries that they make."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka import Message

from streams.codec import avro
from streams.delivery.backfill_recipients import HEADER, is_recipient, read_recipients
from streams.delivery.records import Delivery
from streams.delivery.replay_selection import ReplaySelection
from streams.errors import Poison
from streams.jobs.rate_limit import StopCallback
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
    """False: an estimate from the part that was read in time."""


def make_deadline(seconds: float) -> StopCallback:
    """Says stop once the seconds have passed."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


class EventReader:
    def __init__(self, connection: Connection, selection: ReplaySelection, stretch: OffsetRange) -> None:
        self._connection = connection
        self._selection = selection
        self.stretch = stretch

    def count(self, over: StopCallback = lambda: False) -> DeliveryCount:
        """The number of deliveries; stopped early, an estimate from the part that was read. Raises
        Retryable."""
        found = read = 0
        for messages in read_batches(self._connection, self.stretch):
            for message in messages:
                found += self._count_deliveries(message)
            read += len(messages)
            if over():
                return DeliveryCount(found * max(self.stretch.size, read) // read, exact=False)
        return DeliveryCount(found, exact=True)

    def chunks(self, size: int) -> Iterator[tuple[list[Delivery], dict[int, int]]]:
        """Chunks of deliveries, and the partitions' positions after each. A long range without deliveries
        yields an empty chunk, so that its end is committed too."""
        chunk, positions, read = list[Delivery](), dict[int, int](), 0
        for messages in read_batches(self._connection, self.stretch):
            for message in messages:
                chunk += self._deliveries(message)
                positions[message.partition() or 0] = (message.offset() or 0) + 1
                read += 1
                if len(chunk) >= size or read >= EVENTS_PER_POSITION:
                    yield chunk, positions
                    chunk, positions, read = [], {}, 0
        # Only transaction markers are left in the range.
        yield chunk, {number: end for number, (_, end) in self.stretch.bounds.items()}

    def _count_deliveries(self, message: Message) -> int:
        if self._selection.told_by_key:
            return int(self._selected_name(message) is not None)
        return sum(1 for _ in self._deliveries(message))

    def _selected_name(self, message: Message) -> str | None:
        """The event's name, if header and key allow that it is selected."""
        headers = dict(message.headers() or ())
        header = headers.get(avro.HEADER)
        name = (header.decode() if isinstance(header, bytes) else header or "").rpartition(".v")[0]
        meant = self._selection.names(name) and self._selection.owns(message.key() or b"")
        return name if meant and (HEADER not in headers or self._is_for_subscription(message)) else None

    def _is_for_subscription(self, message: Message) -> bool:
        """False if the event was backfilled for other subscriptions."""
        try:
            by = read_recipients(record_of(message, WEBHOOK_EVENTS.name).headers)
        except Poison:
            return False
        return is_recipient(self._selection.subscription.subscription_id, by)

    def _deliveries(self, message: Message) -> Iterator[Delivery]:
        name = self._selected_name(message)
        if name is None:
            return
        record = record_of(message, WEBHOOK_EVENTS.name)
        try:
            event: WebhookEvent = avro.decode(CATALOGUE[name].event, record.value, record.schema)
        except Poison:
            # The fan-out put it into poison: it cannot be decoded.
            return
        yield from self._selection.deliveries(event)
