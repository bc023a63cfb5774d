"""What happened to a member, the newest first, and the webhooks that it caused."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from api.panel.fact_texts import other_member, sentence
from api.panel.pages import number
from api.panel.text_parts import units
from api.rest.member_state import History, Reading
from api.services.deliveries import Deliveries
from streams.delivery.delivery_search import DeliverySearch
from streams.delivery.delivery_state import DeliveryState
from streams.domain.events import Event
from streams.domain.store import StoreSettings
from streams.errors import Retryable
from streams.webhooks.events import AvailablePointsAmountChanged, WebhookEvent

A_PAGE = 25
KEPT = 60.0
"""Seconds for which later pages are cut from what was read for the first."""
MEMBERS_KEPT = 4
SEARCHED, SEARCHES = 200, 20
"""Deliveries asked for at once, and how often: more stand beside no page of facts."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """`became`: the balance after it, where it tells of one."""

    name: str
    became: str
    deliveries: Sequence[DeliveryState]


@dataclass(frozen=True, slots=True)
class Happening:
    fact: Event
    sentence: str
    other_member: str | None
    webhooks: tuple[Webhook, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """A page of it. `total`: facts on all pages. `sent`: whether deliveries are known by now."""

    rows: tuple[Happening, ...]
    total: int
    pages: int
    sent: bool


@dataclass(frozen=True, slots=True)
class Happenings:
    """The first page is as of now."""

    reading: Reading
    deliveries: Deliveries
    timer: Callable[[], float] = time.monotonic
    kept: dict[tuple[str, str], tuple[float, History]] = field(default_factory=dict)

    async def of(self, store: StoreSettings, member_id: str, page: int) -> Happened:
        """Raises Invalid where too much would have to be read, and Retryable."""
        history = await self._history(store.store, member_id, fresh=page == 1)
        start = len(history) - page * A_PAGE
        some = history[max(0, start) : max(0, start + A_PAGE)][::-1]
        sent = await self._sent(store.store, member_id, some)
        rows = tuple(_happening(fact, webhooks, sent or {}, store) for fact, webhooks in some)
        return Happened(rows, len(history), max(1, -(-len(history) // A_PAGE)), sent is not None)

    async def _history(self, store: str, member_id: str, fresh: bool) -> History:
        key, now = (store, member_id), self.timer()
        read_at, kept = self.kept.get(key, (-KEPT, ()))
        if fresh or now - read_at >= KEPT:
            kept = await self.reading.history(store, member_id)
            self.kept.pop(key, None)
            self.kept[key] = now, kept
            if len(self.kept) > MEMBERS_KEPT:
                del self.kept[next(iter(self.kept))]
        return kept

    async def _sent(self, store: str, member_id: str, some: History) -> dict[str, list[DeliveryState]] | None:
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
) -> Happening:
    told = (Webhook(type(w).__name__, _became(w, store), sent.get(w.webhook_event_id, ())) for w in webhooks)
    return Happening(fact, sentence(fact, store), other_member(fact), tuple(told))


def _became(event: WebhookEvent, store: StoreSettings) -> str:
    match event:
        case AvailablePointsAmountChanged():
            return f"{number(event.amount_before)} → {units(event.amount, event.wallet.code, store)}"
        case _:
            return ""
