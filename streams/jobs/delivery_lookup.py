"""One delivery, looked up by its messageId: as it was made, and what became of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from confluent_kafka import Message

from streams.codec import avro
from streams.delivery.records import Attempt, DeadLetter, Delivery, Subscription
from streams.delivery.replay_selection import DeliveryOutcome, ReplaySelection, delivery_outcome
from streams.domain.values import Value
from streams.jobs.rate_limit import Over, StoppedEarly
from streams.kafka.clients import Connection
from streams.kafka.log_reader import partition_of_key, read_batches, record_time, time_range
from streams.kafka.records import record_of
from streams.stages.commands import owner_of
from streams.topics import ATTEMPTS, DEAD_LETTERS, DELIVERIES, WEBHOOK_EVENTS, Topic
from streams.webhooks import CATALOGUE

V = TypeVar("V", bound=Value)
CLOCK_SKEW = timedelta(minutes=1)
"""Between the clocks of those who write the topics."""


class StoredDelivery(NamedTuple):
    delivery: Delivery
    fate: DeliveryOutcome
    erased: bool = False
    """Whether its member is: of whom nothing is sent again."""
    tried: int = 0
    """The number of its last attempt."""


class DeliveryLookup:
    """Of deliveries of a subscription. Raises Retryable, and CutShort where it is over before."""

    def __init__(self, connection: Connection, subscription: Subscription, over: Over) -> None:
        self._connection = connection
        self._subscription = subscription
        self._over = over

    def kept(self, delivery_id: str) -> StoredDelivery | None:
        """For as long as deliveries are kept as it was made; then, while its attempts are, as its event makes
        it now. None: it is of neither, or there was none."""
        key = self._subscription.subscription_id
        made = [
            (record, record_time(message))
            for message in self._saying(DELIVERIES, key, delivery_id)
            for record in [_read(Delivery, message, DELIVERIES)]
            if record.delivery_id == delivery_id
        ]
        since = made[0][1] - CLOCK_SKEW if made else None
        tries = [_read(Attempt, each, ATTEMPTS) for each in self._saying(ATTEMPTS, key, delivery_id, since)]
        attempts = [attempt for attempt in tries if attempt.delivery_id == delivery_id]
        delivery = made[-1][0] if made else self._of_its_event(attempts, delivery_id)
        if delivery is None:
            return None
        dead = sum(
            _read(DeadLetter, message, DEAD_LETTERS).delivery.delivery_id == delivery_id
            for message in self._saying(DEAD_LETTERS, key, delivery_id, since)
        )
        delivered = sum(attempt.outcome == "delivered" for attempt in attempts)
        last = max((attempt.number for attempt in attempts), default=0)
        return StoredDelivery(delivery, delivery_outcome(max(1, len(made)), delivered, dead), tried=last)

    def _of_its_event(self, attempts: list[Attempt], delivery_id: str) -> Delivery | None:
        if not attempts:
            return None
        first = attempts[0]
        chosen = ReplaySelection(self._subscription, delivery_id, first.event_name, first.member_id)
        if not chosen.names(first.event_name):
            return None
        kind = CATALOGUE[first.event_name].event
        owner = owner_of(first.store, first.member_id)
        for message in self._saying(WEBHOOK_EVENTS, owner, first.webhook_event_id):
            if record_of(message, WEBHOOK_EVENTS.name).kind == first.event_name:
                for made in chosen.deliveries(_read(kind, message, WEBHOOK_EVENTS)):
                    if made.delivery_id == delivery_id:
                        return made
        return None

    def _saying(self, topic: Topic, key: str, word: str, since: datetime | None = None) -> Iterator[Message]:
        """Records of that key whose bytes hold the word: only they are worth being read."""
        partition = partition_of_key(self._connection, topic, key)
        for messages in read_batches(
            self._connection, time_range(self._connection, topic, since, None, partition)
        ):
            if self._over():
                raise StoppedEarly
            for message in messages:
                if message.key() == key.encode() and word.encode() in (message.value() or b""):
                    yield message


def _read(kind: type[V], message: Message, topic: Topic) -> V:
    record = record_of(message, topic.name)
    return avro.decode(kind, record.value, record.schema)
