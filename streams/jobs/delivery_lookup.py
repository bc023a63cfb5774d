"""One delivery by its messageId: its content, and what became of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from confluent_kafka import Message

from streams.codec import avro
from streams.delivery.records import Attempt, DeadLetter, Delivery, Subscription
from streams.delivery.replay_selection import DeliveryOutcome, ReplaySelection, delivery_outcome
from streams.domain.values import Value
from streams.jobs.rate_limit import StopCallback, StoppedEarly
from streams.kafka.clients import Connection
from streams.kafka.log_reader import partition_of_key, read_batches, record_time, time_range
from streams.kafka.records import record_of
from streams.stages.commands import owner_of
from streams.topics import ATTEMPTS, DEAD_LETTERS, DELIVERIES, WEBHOOK_EVENTS, Topic
from streams.webhooks import CATALOGUE

V = TypeVar("V", bound=Value)
CLOCK_SKEW = timedelta(minutes=1)
"""Largest expected difference between the clocks of the topics' producers."""


class StoredDelivery(NamedTuple):
    delivery: Delivery
    fate: DeliveryOutcome
    erased: bool = False
    """Whether its member is erased: then it is never sent again."""
    tried: int = 0
    """The number of its last attempt; 0 if there was none."""


class DeliveryLookup:
    """Looks up deliveries of a subscription. Raises Retryable, and StoppedEarly if `over` says so first."""

    def __init__(self, connection: Connection, subscription: Subscription, over: StopCallback) -> None:
        self._connection = connection
        self._subscription = subscription
        self._should_stop = over

    def kept(self, delivery_id: str) -> StoredDelivery | None:
        """The delivery as it was made, while `deliveries` keeps it; after that as its event makes it today,
        while its attempts are kept. None if neither is kept, or there is no such delivery."""
        key = self._subscription.subscription_id
        made = [
            (record, record_time(message))
            for message in self._messages_with(DELIVERIES, key, delivery_id)
            for record in [_decode(Delivery, message, DELIVERIES)]
            if record.delivery_id == delivery_id
        ]
        since = made[0][1] - CLOCK_SKEW if made else None
        tries = [
            _decode(Attempt, each, ATTEMPTS)
            for each in self._messages_with(ATTEMPTS, key, delivery_id, since)
        ]
        attempts = [attempt for attempt in tries if attempt.delivery_id == delivery_id]
        delivery = made[-1][0] if made else self._make_from_event(attempts, delivery_id)
        if delivery is None:
            return None
        dead = sum(
            _decode(DeadLetter, message, DEAD_LETTERS).delivery.delivery_id == delivery_id
            for message in self._messages_with(DEAD_LETTERS, key, delivery_id, since)
        )
        delivered = sum(attempt.outcome == "delivered" for attempt in attempts)
        last = max((attempt.number for attempt in attempts), default=0)
        return StoredDelivery(delivery, delivery_outcome(max(1, len(made)), delivered, dead), tried=last)

    def _make_from_event(self, attempts: list[Attempt], delivery_id: str) -> Delivery | None:
        if not attempts:
            return None
        first = attempts[0]
        chosen = ReplaySelection(self._subscription, delivery_id, first.event_name, first.member_id)
        if not chosen.names(first.event_name):
            return None
        kind = CATALOGUE[first.event_name].event
        owner = owner_of(first.store, first.member_id)
        for message in self._messages_with(WEBHOOK_EVENTS, owner, first.webhook_event_id):
            if record_of(message, WEBHOOK_EVENTS.name).kind == first.event_name:
                for made in chosen.deliveries(_decode(kind, message, WEBHOOK_EVENTS)):
                    if made.delivery_id == delivery_id:
                        return made
        return None

    def _messages_with(
        self, topic: Topic, key: str, word: str, since: datetime | None = None
    ) -> Iterator[Message]:
        """The key's records whose bytes contain the word: only these are worth decoding."""
        partition = partition_of_key(self._connection, topic, key)
        for messages in read_batches(
            self._connection, time_range(self._connection, topic, since, None, partition)
        ):
            if self._should_stop():
                raise StoppedEarly
            for message in messages:
                if message.key() == key.encode() and word.encode() in (message.value() or b""):
                    yield message


def _decode(kind: type[V], message: Message, topic: Topic) -> V:
    record = record_of(message, topic.name)
    return avro.decode(kind, record.value, record.schema)
