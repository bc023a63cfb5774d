"""All subscriptions of a store: sorted, filtered and searched, all of it said in the address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.auth.scopes import require_scope
from api.panel.charts import Sparkline, sparkline
from api.panel.pages import PageRenderer, redirect_to
from api.panel.session_guard import CurrentStore
from api.services.deliveries import DeliveryQueries
from api.services.endpoint_health import HEALTH_WORDS, EndpointHealth, EndpointHealthService, HealthWord
from api.services.subscriptions import SubscriptionService
from streams.delivery.delivery_search import HourCounts
from streams.delivery.records import Subscription
from streams.delivery.subscription import ANY_EVENT, event_names
from streams.errors import Retryable
from streams.webhooks.names import LEGACY_TYPES

PAGE_SIZE = 25
SortColumn = Literal["name", "active_from", "legacy", "url", "status"]


@dataclass(frozen=True, slots=True)
class WebhookRow:
    subscription: Subscription
    standing: EndpointHealth

    @property
    def name(self) -> str:
        first = self.subscription.event_name
        return "All events" if first == ANY_EVENT else first

    @property
    def active_from(self) -> datetime:
        return self.subscription.active_from or self.subscription.created_at


SORT_KEYS: dict[SortColumn, Callable[[WebhookRow], Any]] = {
    "name": lambda row: row.name,
    "active_from": lambda row: row.active_from,
    "legacy": lambda row: row.subscription.legacy,
    "url": lambda row: row.subscription.url,
    "status": lambda row: HEALTH_WORDS.index(row.standing.word),
}
COLUMN_HEADS: Mapping[SortColumn, str] = {
    "name": "Webhook name",
    "active_from": "Active from",
    "legacy": "Legacy",
    "url": "URL",
    "status": "Status",
}


class ListInputs(BaseModel):
    """The order, filter and search that the address states."""

    q: Annotated[str, Field(max_length=255)] = ""
    event: Annotated[str, Field(max_length=255)] = ""
    legacy: Literal["", "yes", "no"] = ""
    url: Annotated[str, Field(max_length=2048)] = ""
    status: Literal["", HealthWord] = ""
    sort: SortColumn = "name"
    order: Literal["asc", "desc"] = "asc"
    done: Literal["", "deleted"] = ""
    page: Annotated[int, Field(ge=1, le=10**6)] = 1

    @property
    def descending(self) -> bool:
        return self.order == "desc"

    def passes(self, row: WebhookRow) -> bool:
        about = row.subscription
        names = event_names(about)
        return (
            (not self.event or self.event in names)
            and (not self.legacy or about.legacy == (self.legacy == "yes"))
            and self.url.casefold() in about.url.casefold()
            and (not self.status or row.standing.word == self.status)
            and self._found(row, names)
        )

    def _found(self, row: WebhookRow, names: Sequence[str]) -> bool:
        """Every word of the search, in the other spelling of a name too."""
        about = row.subscription
        texts = (*names, *(LEGACY_TYPES.get(n, "") for n in names), row.name, about.url, about.description)
        everything = "\n".join((*texts, about.subscription_id, row.standing.word)).casefold()
        return all(word in everything for word in self.q.casefold().split())

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.event or self.legacy or self.url or self.status)


@dataclass(frozen=True, slots=True)
class WebhookList:
    rows: Sequence[WebhookRow]
    found: int
    all: int
    pages: int


def list_webhooks(rows: Sequence[WebhookRow], wanted: ListInputs) -> WebhookList:
    kept = sorted(filter(wanted.passes, rows), key=SORT_KEYS[wanted.sort], reverse=wanted.descending)
    start = (wanted.page - 1) * PAGE_SIZE
    return WebhookList(
        kept[start : start + PAGE_SIZE], len(kept), len(rows), max(1, -(-len(kept) // PAGE_SIZE))
    )


async def day_sparklines(
    journal: DeliveryQueries, subscription_ids: Sequence[str], now: datetime
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


def routes(
    pages: PageRenderer,
    webhooks: SubscriptionService,
    standings: EndpointHealthService,
    journal: DeliveryQueries,
) -> APIRouter:
    router = APIRouter(dependencies=[require_scope("read")])

    @router.get("/{store}")
    async def home(request: Request, store: CurrentStore) -> Response:
        return redirect_to(request, f"/{store.store}/webhooks")

    @router.get("/{store}/webhooks")
    async def index(
        request: Request, store: CurrentStore, wanted: Annotated[ListInputs, Query()]
    ) -> Response:
        await webhooks.log.current()
        rows = [WebhookRow(each, standings.of(each)) for each in webhooks.index.of_store(store.store)]
        found = list_webhooks(rows, wanted)
        shown = [row.subscription.subscription_id for row in found.rows]
        return pages.page(
            request,
            "webhooks",
            store,
            wanted=wanted,
            list_webhooks=found,
            lines=await day_sparklines(journal, shown, webhooks.now()),
            heads=COLUMN_HEADS,
            events=sorted(LEGACY_TYPES),
            statuses=HEALTH_WORDS,
        )

    return router
