"""All subscriptions of a store: sorted, filtered and searched, all of it said in the address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.auth.scopes import requires
from api.panel.charts import Sparkline, sparkline
from api.panel.pages import Pages, led_to
from api.panel.session_guard import StoreOf
from api.services.deliveries import Deliveries
from api.services.endpoint_health import WORDS, Standing, Standings, Word
from api.services.subscriptions import Webhooks
from streams.delivery.delivery_search import HourCounts
from streams.delivery.records import Subscription
from streams.delivery.subscription import ANY_EVENT, event_names
from streams.errors import Retryable
from streams.webhooks.names import LEGACY_TYPES

A_PAGE = 25
Column = Literal["name", "active_from", "legacy", "url", "status"]


@dataclass(frozen=True, slots=True)
class Row:
    subscription: Subscription
    standing: Standing

    @property
    def name(self) -> str:
        first = self.subscription.event_name
        return "All events" if first == ANY_EVENT else first

    @property
    def active_from(self) -> datetime:
        return self.subscription.active_from or self.subscription.created_at


ORDER: dict[Column, Callable[[Row], Any]] = {
    "name": lambda row: row.name,
    "active_from": lambda row: row.active_from,
    "legacy": lambda row: row.subscription.legacy,
    "url": lambda row: row.subscription.url,
    "status": lambda row: WORDS.index(row.standing.word),
}
HEADS: Mapping[Column, str] = {
    "name": "Webhook name",
    "active_from": "Active from",
    "legacy": "Legacy",
    "url": "URL",
    "status": "Status",
}


class Wanted(BaseModel):
    """What the address asks for."""

    q: Annotated[str, Field(max_length=255)] = ""
    event: Annotated[str, Field(max_length=255)] = ""
    legacy: Literal["", "yes", "no"] = ""
    url: Annotated[str, Field(max_length=2048)] = ""
    status: Literal["", Word] = ""
    sort: Column = "name"
    order: Literal["asc", "desc"] = "asc"
    done: Literal["", "deleted"] = ""
    page: Annotated[int, Field(ge=1, le=10**6)] = 1

    @property
    def descending(self) -> bool:
        return self.order == "desc"

    def passes(self, row: Row) -> bool:
        about = row.subscription
        names = event_names(about)
        return (
            (not self.event or self.event in names)
            and (not self.legacy or about.legacy == (self.legacy == "yes"))
            and self.url.casefold() in about.url.casefold()
            and (not self.status or row.standing.word == self.status)
            and self._found(row, names)
        )

    def _found(self, row: Row, names: Sequence[str]) -> bool:
        """Every word of the search, in the other spelling of a name too."""
        about = row.subscription
        texts = (*names, *(LEGACY_TYPES.get(n, "") for n in names), row.name, about.url, about.description)
        everything = "\n".join((*texts, about.subscription_id, row.standing.word)).casefold()
        return all(word in everything for word in self.q.casefold().split())

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.event or self.legacy or self.url or self.status)


@dataclass(frozen=True, slots=True)
class Listed:
    rows: Sequence[Row]
    found: int
    all: int
    pages: int


def listed(rows: Sequence[Row], wanted: Wanted) -> Listed:
    kept = sorted(filter(wanted.passes, rows), key=ORDER[wanted.sort], reverse=wanted.descending)
    start = (wanted.page - 1) * A_PAGE
    return Listed(kept[start : start + A_PAGE], len(kept), len(rows), max(1, -(-len(kept) // A_PAGE)))


async def sparklines(
    journal: Deliveries, subscription_ids: Sequence[str], now: datetime
) -> dict[str, Sparkline]:
    """What was delivered and what failed in the last 24 hours; nothing while that is not known yet."""
    try:
        counted = await journal.counters(subscription_ids, now)
    except Retryable:
        return {}
    return {subscription_id: _sparkline(found.hours) for subscription_id, found in counted.items()}


def _sparkline(hours: Sequence[HourCounts]) -> Sparkline:
    delivered, failed = [hour.delivered for hour in hours], [hour.failed for hour in hours]
    told = f"{sum(delivered):,} delivered, {sum(failed):,} attempts failed in the last 24 hours"
    return sparkline(delivered, failed, told)


def routes(pages: Pages, webhooks: Webhooks, standings: Standings, journal: Deliveries) -> APIRouter:
    router = APIRouter(dependencies=[requires("read")])

    @router.get("/{store}")
    async def home(request: Request, store: StoreOf) -> Response:
        return led_to(request, f"/{store.store}/webhooks")

    @router.get("/{store}/webhooks")
    async def index(request: Request, store: StoreOf, wanted: Annotated[Wanted, Query()]) -> Response:
        await webhooks.log.current()
        rows = [Row(each, standings.of(each)) for each in webhooks.index.of_store(store.store)]
        found = listed(rows, wanted)
        shown = [row.subscription.subscription_id for row in found.rows]
        return pages.page(
            request,
            "webhooks",
            store,
            wanted=wanted,
            listed=found,
            lines=await sparklines(journal, shown, webhooks.now()),
            heads=HEADS,
            events=sorted(LEGACY_TYPES),
            statuses=WORDS,
        )

    return router
