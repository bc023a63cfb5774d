"""Webhook events found for whoever asks about one: by its id, or by its member and time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from api.problems import Complaint, Invalid
from api.services.deliveries import DeliveryQueries
from streams.delivery.delivery_search import DeliverySearch
from streams.delivery.delivery_state import DeliveryState
from streams.delivery.explain import PublishedEvent
from streams.delivery.subscription_history import SubscriptionHistory
from streams.stages.member_replay import TooManyFacts

MAX_EVENTS = 50
"""Of one answer; and deliveries of one event that are looked at."""
BEFORE, AFTER = timedelta(hours=1), timedelta(minutes=1)
"""Around a delivery, where its event is looked for."""


class PublishedEventReader(Protocol):
    async def of(
        self, store: str, member_id: str, since: datetime | None, until: datetime | None
    ) -> list[PublishedEvent]:
        """A member's, by when they were appended. Raises TooMuch, or Retryable."""

    async def forms(self) -> SubscriptionHistory:
        """What all subscriptions were and are. Raises Retryable."""


@dataclass(frozen=True, slots=True)
class WebhookEventSearch:
    """In their topic, where the journal helps to say when. None: it is not found there."""

    deliveries: DeliveryQueries
    published: PublishedEventReader

    async def of_member(
        self, store: str, member_id: str, since: datetime, until: datetime
    ) -> dict[str, PublishedEvent | None]:
        """Those published then, and those that tell of something that happened then."""
        there = await self._read(store, member_id, since, until)
        found: dict[str, PublishedEvent | None] = {}
        for each in there:
            # What was backfilled later, for some, was told to all before.
            found.setdefault(each.event.webhook_event_id, each)
        asked = DeliverySearch(store, member_id=member_id, since=since, until=until, size=MAX_EVENTS)
        for known in (await self.deliveries.search(asked)).items:
            id_ = known.webhook_event_id
            if id_ not in found and len(found) <= MAX_EVENTS:
                found[id_] = await self.by_id(store, id_, member_id, None)
        if len(found) > MAX_EVENTS:
            raise Invalid(
                Complaint(
                    "at", f"That member had more than {MAX_EVENTS} events then: ask for less.", "too_much"
                )
            )
        return found

    async def by_id(
        self, store: str, id_: str, member_id: str | None, around: tuple[datetime, datetime] | None
    ) -> PublishedEvent | None:
        """None where it is not found; what was made of it may be known all the same."""
        if member_id is not None and around is not None:
            return _named(id_, await self._read(store, member_id, *around))
        known = [k for k in await self.made(store, id_) if not k.of_many]
        if not known:
            return None if member_id is None else _named(id_, await self._read(store, member_id, None, None))
        made = [k.waits_since for k in known]
        happened = min(k.created_at for k in known)
        for since in (min(made), min(happened, *made)):
            try:
                bounds = since - BEFORE, max(made) + AFTER
                found = _named(id_, await self.published.of(store, known[0].member_id, *bounds))
            except TooManyFacts:
                return None
            if found:
                return found
        return None

    async def _read(
        self, store: str, member_id: str, since: datetime | None, until: datetime | None
    ) -> list[PublishedEvent]:
        try:
            return await self.published.of(store, member_id, since, until)
        except TooManyFacts as reason:
            message = f"The events of that time cannot be looked through: {reason}."
            raise Invalid(Complaint("at", message, "too_much")) from None

    async def made(self, store: str, webhook_event_id: str) -> tuple[DeliveryState, ...]:
        asked = DeliverySearch(store, webhook_event_id=webhook_event_id, size=MAX_EVENTS)
        return (await self.deliveries.search(asked)).items


def _named(id_: str, found: Iterable[PublishedEvent]) -> PublishedEvent | None:
    return next((each for each in found if each.event.webhook_event_id == id_), None)
