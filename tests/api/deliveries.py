"""The journal's ports in memory, over the real journal: records are told as the topics would tell them."""

from collections.abc import Iterable
from datetime import datetime

from streams.delivery.delivery_search import (
    DeliveryDetails,
    DeliveryPage,
    DeliverySearch,
    SubscriptionCounters,
)
from streams.delivery.delivery_state import DeliveryState
from streams.delivery.explain import PublishedEvent
from streams.delivery.records import Attempt, DeadLetter, Delivery, Subscription
from streams.delivery.subscription_history import SubscriptionHistory
from streams.errors import Retryable
from streams.stages.member_replay import TooManyFacts
from streams.tables.delivery_log import DeliveryLog, LogRecord
from streams.tables.delivery_log_keys import FAMILIES
from streams.tables.delivery_log_reader import DeliveryLogReader
from streams.tables.store import MemoryStore
from streams.webhooks.events import WebhookEvent

MOST = 20


class DeliveriesInMemory:
    """What is heard of is here at once, unless it is told that Kafka is away."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        store = MemoryStore(FAMILIES)
        self._journal, self._reader = DeliveryLog(store), DeliveryLogReader(store)
        self._bodies: dict[str, Delivery] = {}
        self._heard = 0
        self.away = False
        self.still_read = False
        """Whether it is being made, and tells nothing yet."""

    def hear(self, *records: Delivery | Attempt | DeadLetter, at: datetime) -> None:
        """Records were appended then."""
        for record in records:
            self._heard += 1
            self._journal.take([LogRecord(record, 0, self._heard, at)], {})
            if isinstance(record, Delivery):
                self._bodies[record.delivery_id] = record

    def forget_bodies(self) -> None:
        """Deliveries are kept less long than attempts."""
        self._bodies.clear()

    async def current(self) -> None:
        if self.away:
            raise Retryable("deliveries: not read")

    def _require(self) -> None:
        if self.still_read:
            raise Retryable("the journal of deliveries is still read")

    async def search(self, asked: DeliverySearch) -> DeliveryPage:
        self._require()
        return self._reader.search(asked)

    async def one(self, store: str, delivery_id: str) -> DeliveryDetails | None:
        found = self._reader.one(store, delivery_id)
        return None if found is None else DeliveryDetails(*found, self._bodies.get(delivery_id))

    async def counters(
        self, subscription_ids: Iterable[str], now: datetime, hours: int = 24
    ) -> dict[str, SubscriptionCounters]:
        self._require()
        return {id_: self._reader.counters(id_, now, hours) for id_ in subscription_ids}

    async def ahead_of(self, known: DeliveryState) -> DeliveryState | None:
        return self._reader.ahead_of(known)


class EventsInMemory:
    """Webhook events as they were appended, and what subscriptions were."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.published: list[PublishedEvent] = []
        self._forms: list[tuple[str, datetime, Subscription | None]] = []

    def publish(self, *events: WebhookEvent, at: datetime | None = None, ahead: bool = False) -> None:
        self.published += [PublishedEvent(event, at or event.created_at, ahead) for event in events]

    def was(self, subscription_id: str, at: datetime, form: Subscription | None) -> None:
        """From then on the subscription was so."""
        self._forms.append((subscription_id, at, form))

    async def of(
        self, store: str, member_id: str, since: datetime | None, until: datetime | None
    ) -> list[PublishedEvent]:
        between = [
            each
            for each in self.published
            if (since is None or each.appended_at >= since) and (until is None or each.appended_at < until)
        ]
        if len(between) > MOST:
            raise TooManyFacts(f"{len(between)} webhook events would have to be read, at most {MOST} may be")
        owner = store, member_id
        return [each for each in between if (each.event.store, each.event.member_id) == owner]

    async def forms(self) -> SubscriptionHistory:
        found = SubscriptionHistory()
        for subscription_id, at, form in self._forms:
            found.add(subscription_id, at, form)
        return found
