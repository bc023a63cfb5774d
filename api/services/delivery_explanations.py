"""Why a webhook did not arrive: its events found, and asked of each subscription what became of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from api.problems import Complaint, Invalid, NotFound
from api.services.deliveries import DeliveryQueries
from api.services.webhook_event_search import WebhookEventSearch
from streams.delivery.delivery_search import DeliverySearch
from streams.delivery.delivery_state import DeliveryState
from streams.delivery.explain import EventExplanation, PublishedEvent, Receiver, Verdict, explain_delivery
from streams.delivery.explain_missing import explain_missing_delivery, has_item
from streams.delivery.legacy_batches import batch_lane
from streams.delivery.records import EndpointStatus
from streams.delivery.subscription import Subscriptions
from streams.delivery.subscription_history import SubscriptionHistory, SubscriptionVersions

MAX_BATCHES = 20
_MICROSECOND = timedelta(microseconds=1)
_UNFOUND = "No delivery of it is known, and the event was not found: name the member and the time too."


@dataclass(frozen=True, slots=True)
class DeliveryQuestion:
    """About the event of that id, or what a member did about then; for one subscription, or all."""

    event: str | None
    member: str | None
    at: datetime | None
    within: timedelta
    subscription: str | None

    def around(self) -> tuple[datetime, datetime] | None:
        """The time that is meant, None where none was named."""
        return None if self.at is None else (self.at - self.within, self.at + self.within)


class FollowedLog(Protocol):
    async def current(self) -> None:
        """Returns once all subscriptions are here that were written before the call."""


@dataclass(frozen=True, slots=True)
class DeliveryExplanations:
    """`kept`: for how long it is known what became of deliveries."""

    deliveries: DeliveryQueries
    events: WebhookEventSearch
    subscriptions: Subscriptions
    log: FollowedLog
    endpoint_of: Callable[[str], EndpointStatus | None]
    now: Callable[[], datetime]
    kept: timedelta

    async def why(self, store: str, asked: DeliveryQuestion) -> tuple[EventExplanation, ...]:
        """One for each event found: the one of that id, or the member's at about that time.

        Raises Invalid where the question is not whole or too much would have to be read, 404 for a
        subscription that there never was, Retryable.
        """
        await self.log.current()
        await self.deliveries.current()
        around = asked.around()
        if asked.event is not None:
            events = {asked.event: await self.events.by_id(store, asked.event, asked.member, around)}
        elif asked.member is not None and around is not None:
            events = await self.events.of_member(store, asked.member, *around)
        else:
            raise Invalid(Complaint("webhookEventId", "Give it, or customerId and at.", "missing"))
        forms = await self.events.published.forms()
        # What the fan-out has come to is known by now: what it made of that must be here before it is missed.
        await self.deliveries.current()
        return tuple(
            [await self._told(store, id_, event, forms, asked.subscription) for id_, event in events.items()]
        )

    async def _told(
        self,
        store: str,
        id_: str,
        published: PublishedEvent | None,
        forms: SubscriptionHistory,
        subscription_id: str | None,
    ) -> EventExplanation:
        made = await self.events.made(store, id_)
        verdicts: list[Verdict] = []
        for receiver in self._receivers(store, made, forms, subscription_id):
            of = forms.of(receiver.subscription_id)
            mine = [k for k in made if k.subscription_id == receiver.subscription_id]
            if not mine and published:
                mine = await self._batches(published, of)
            verdicts += [await self._of_delivery(known, receiver) for known in mine]
            if not mine:
                verdicts.append(self._without(published, receiver.subscription_id, of))
        return EventExplanation(id_, *_head(published, made), tuple(verdicts))

    def _receivers(
        self,
        store: str,
        made: Iterable[DeliveryState],
        forms: SubscriptionHistory,
        subscription_id: str | None,
    ) -> Iterator[Receiver]:
        ids = [s.subscription_id for s in self.subscriptions.of_store(store)]
        ids += [k.subscription_id for k in made]
        if subscription_id is not None:
            gone = forms.of(subscription_id)
            was = gone is not None and any(form and form.store == store for form in gone.forms)
            if subscription_id not in ids and not was:
                raise NotFound
            ids = [subscription_id]
        for id_ in dict.fromkeys(ids):
            yield Receiver(id_, self.subscriptions.get(id_), self.endpoint_of(id_))

    async def _of_delivery(self, known: DeliveryState, receiver: Receiver) -> Verdict:
        in_front = await self.deliveries.ahead_of(known) if known.open else None
        return explain_delivery(known, receiver, in_front)

    def _without(
        self, published: PublishedEvent | None, subscription_id: str, forms: SubscriptionVersions | None
    ) -> Verdict:
        if published is None:
            return Verdict(subscription_id, "unknown", (_UNFOUND,))
        return explain_missing_delivery(published, subscription_id, forms, self.now() - self.kept)

    async def _batches(
        self, published: PublishedEvent, forms: SubscriptionVersions | None
    ) -> list[DeliveryState]:
        """The legacy array that has the event's item."""
        event, form = published.event, next((f for f in reversed(forms.forms) if f), None) if forms else None
        if form is None or not form.legacy:
            return []
        id_ = form.subscription_id
        asked = DeliverySearch(
            event.store,
            subscription_id=id_,
            member_id=batch_lane(id_, type(event).__name__),
            until=event.created_at + _MICROSECOND,
            size=MAX_BATCHES,
        )
        for known in (await self.deliveries.search(asked)).items:
            one = await self.deliveries.one(event.store, known.delivery_id)
            if one and one.delivery and has_item(one.delivery, event, form):
                return [known]
        return []


def _head(
    published: PublishedEvent | None, made: Iterable[DeliveryState]
) -> tuple[str | None, str | None, datetime | None]:
    """The event's name, member and time."""
    if published:
        event = published.event
        return type(event).__name__, event.member_id, event.created_at
    one = next((known for known in made if not known.of_many), None)
    return (one.event_name, one.member_id, one.created_at) if one else (None, None, None)
