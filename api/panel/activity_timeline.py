"""What happened to a member, the newest first, and the webhooks that it caused."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from api.panel.fact_texts import describe_event, other_member_id
from api.panel.pages import format_number
from api.panel.text_parts import units_text
from api.rest.member_state import MemberFacts, MemberReads
from api.services.deliveries import DeliveryQueries
from streams.delivery.delivery_search import DeliverySearch
from streams.delivery.delivery_state import DeliveryState
from streams.domain.events import Event
from streams.domain.store import StoreSettings
from streams.errors import Retryable
from streams.webhooks.events import AvailablePointsAmountChanged, WebhookEvent

PAGE_SIZE = 25
KEEP_SECONDS = 60.0
"""Seconds for which later pages are cut from what was read for the first."""
MAX_KEPT_MEMBERS = 4
SEARCHED, SEARCHES = 200, 20
"""Deliveries asked for at once, and how often: more stand beside no page of facts."""


@dataclass(frozen=True, slots=True)
class TimelineWebhook:
    """`became`: the balance after it, where it tells of one."""

    name: str
    became: str
    deliveries: Sequence[DeliveryState]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    fact: Event
    sentence: str
    other_member_id: str | None
    webhooks: tuple[TimelineWebhook, ...]


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """A page of it. `total`: facts on all pages. `sent`: whether deliveries are known by now."""

    rows: tuple[TimelineEntry, ...]
    total: int
    pages: int
    sent: bool


@dataclass(frozen=True, slots=True)
class ActivityTimeline:
    """The first page is as of now."""

    reading: MemberReads
    deliveries: DeliveryQueries
    timer: Callable[[], float] = time.monotonic
    kept: dict[tuple[str, str], tuple[float, MemberFacts]] = field(default_factory=dict)

    async def of(self, store: StoreSettings, member_id: str, page: int) -> TimelinePage:
        """Raises Invalid where too much would have to be read, and Retryable."""
        history = await self._history(store.store, member_id, fresh=page == 1)
        start = len(history) - page * PAGE_SIZE
        some = history[max(0, start) : max(0, start + PAGE_SIZE)][::-1]
        sent = await self._sent(store.store, member_id, some)
        rows = tuple(_happening(fact, webhooks, sent or {}, store) for fact, webhooks in some)
        return TimelinePage(rows, len(history), max(1, -(-len(history) // PAGE_SIZE)), sent is not None)

    async def _history(self, store: str, member_id: str, fresh: bool) -> MemberFacts:
        key, now = (store, member_id), self.timer()
        read_at, kept = self.kept.get(key, (-KEEP_SECONDS, ()))
        if fresh or now - read_at >= KEEP_SECONDS:
            kept = await self.reading.history(store, member_id)
            self.kept.pop(key, None)
            self.kept[key] = now, kept
            if len(self.kept) > MAX_KEPT_MEMBERS:
                del self.kept[next(iter(self.kept))]
        return kept

    async def _sent(
        self, store: str, member_id: str, some: MemberFacts
    ) -> dict[str, list[DeliveryState]] | None:
        """By webhook event; None while the journal is not there."""
        if not some:
            return {}
        moments = [fact.occurred_at for fact, _ in some]
        until = max(moments) + timedelta(microseconds=1)
        asked = DeliverySearch(store, member_id=member_id, since=min(moments), until=until, size=SEARCHED)
        found: defaultdict[str, list[DeliveryState]] = defaultdict(list)
        try:
            await self.deliveries.current()
            for _ in range(SEARCHES):
                page = await self.deliveries.search(asked)
                for known in page.items:
                    found[known.webhook_event_id].append(known)
                if page.next is None:
                    break
                asked = replace(asked, after=page.next)
        except Retryable:
            return None
        return found


def _happening(
    fact: Event,
    webhooks: Iterable[WebhookEvent],
    sent: Mapping[str, Sequence[DeliveryState]],
    store: StoreSettings,
) -> TimelineEntry:
    told = (
        TimelineWebhook(type(w).__name__, _became(w, store), sent.get(w.webhook_event_id, ()))
        for w in webhooks
    )
    return TimelineEntry(fact, describe_event(fact, store), other_member_id(fact), tuple(told))


def _became(event: WebhookEvent, store: StoreSettings) -> str:
    match event:
        case AvailablePointsAmountChanged():
            return (
                f"{format_number(event.amount_before)} → {units_text(event.amount, event.wallet.code, store)}"
            )
        case _:
            return ""
