"""The log of deliveries, of a store or of one webhook: live, filtered, page by page, said in the address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.auth.scopes import require_scope
from api.contract.fields import UUID_PATTERN
from api.panel import form_inputs
from api.panel.charts import BarChart, bar_chart
from api.panel.pages import PageRenderer
from api.panel.session_guard import CurrentStore, SubscriptionId
from api.panel.status_texts import STATUS_TEXTS
from api.services.command_service import CommandService
from api.services.deliveries import DeliveryQueries
from api.services.subscriptions import SubscriptionService
from streams.delivery.delivery_search import DeliverySearch, SubscriptionCounters
from streams.delivery.delivery_state import DeliveryState, DeliveryStatus
from streams.delivery.records import Subscription
from streams.domain.store import StoreSettings
from streams.errors import Retryable
from streams.webhooks.names import LEGACY_TYPES

PAGE_SIZE = 25
MAX_LOOKS = 5
"""Bounded pieces of work for one page, where few deliveries fit."""
DAY_SERIES = ("arrived", "failed attempts", "given up")


class DeliveryFilter(BaseModel):
    """The filter that the address states."""

    status: Literal["", DeliveryStatus] = ""
    event: Annotated[str, Field(max_length=255)] = ""
    member: Annotated[str, Field(max_length=400)] = ""
    subscription: Annotated[str, Field(pattern=f"{UUID_PATTERN}|^$")] = ""
    since: Annotated[str, Field(max_length=40)] = ""
    until: Annotated[str, Field(max_length=40)] = ""
    after: Annotated[str, Field(pattern="^([0-9a-f]{2})*$", max_length=200)] = ""

    @property
    def narrowed(self) -> bool:
        return any((self.status, self.event, self.member, self.subscription, self.since, self.until))


@dataclass(frozen=True, slots=True)
class DeliveryList:
    """All that deliveries_part.html draws. `of` None: the whole store's. `ready` False: the journal is still
    being read. `next` None: there are no older ones."""

    wanted: DeliveryFilter
    errors: form_inputs.FieldErrors
    of: Subscription | None
    webhooks: Mapping[str, Subscription]
    rows: tuple[DeliveryState, ...] = ()
    next: str | None = None
    ready: bool = True
    counters: SubscriptionCounters | None = None
    chart: BarChart | None = None
    events: tuple[str, ...] = tuple(sorted(LEGACY_TYPES))
    statuses: Mapping[str, str] = field(default_factory=lambda: STATUS_TEXTS)

    @property
    def live(self) -> bool:
        return not (self.wanted.after or self.errors)


@dataclass(frozen=True, slots=True)
class DeliveryPages:
    deliveries: DeliveryQueries
    webhooks: SubscriptionService
    command_service: CommandService
    now: Callable[[], datetime]

    async def shown(
        self, store: StoreSettings, wanted: DeliveryFilter, of: Subscription | None = None
    ) -> DeliveryList:
        """Reads the list for subscription `of`, or for the whole store if it is None."""
        known = {each.subscription_id: each for each in self.webhooks.index.of_store(store.store)}
        errors: form_inputs.FieldErrors = {}
        search = await self._search(store, wanted, of, errors)
        empty = DeliveryList(wanted, errors, of, known)
        if errors:
            return empty
        try:
            await self.deliveries.current()
            rows, after = await self._page(search)
            counters = await self._counters(of)
        except Retryable:
            return DeliveryList(wanted, errors, of, known, ready=False)
        chart = day_chart(counters, store) if counters else None
        return DeliveryList(wanted, errors, of, known, rows, after, counters=counters, chart=chart)

    async def _search(
        self,
        store: StoreSettings,
        wanted: DeliveryFilter,
        of: Subscription | None,
        errors: form_inputs.FieldErrors,
    ) -> DeliverySearch:
        since = form_inputs.read_moment(errors, "since", wanted.since, store)
        until = form_inputs.read_moment(errors, "until", wanted.until, store)
        if since and until and since >= until:
            errors["until"] = "This must be later than the beginning."
        member_id = await form_inputs.read_member(
            errors, "member", wanted.member, store, self.command_service
        )
        return DeliverySearch(
            store.store,
            subscription_id=of.subscription_id if of else wanted.subscription or None,
            status=wanted.status or None,
            event_name=wanted.event or None,
            member_id=member_id,
            since=since,
            until=until,
            size=PAGE_SIZE,
            after=(wanted.after,) if wanted.after else (),
        )

    async def _page(self, search: DeliverySearch) -> tuple[tuple[DeliveryState, ...], str | None]:
        """Fills the page in a bounded number of searches; it may hold fewer rows than a full page."""
        rows: tuple[DeliveryState, ...] = ()
        for _ in range(MAX_LOOKS):
            page = await self.deliveries.search(search)
            rows += page.items
            if page.next is None or len(rows) >= PAGE_SIZE:
                return rows, page.next[0] if page.next else None
            search = replace(search, size=PAGE_SIZE - len(rows), after=page.next)
        return rows, search.after[0]

    async def _counters(self, of: Subscription | None) -> SubscriptionCounters | None:
        if of is None:
            return None
        found = await self.deliveries.counters([of.subscription_id], self.now())
        return found.get(of.subscription_id)


def day_chart(counters: SubscriptionCounters, store: StoreSettings) -> BarChart:
    """Draws the outcomes of a subscription's deliveries by hour."""
    zone = ZoneInfo(store.time_zone)
    labels = [f"{hour.at.astimezone(zone):%H:%M}" for hour in counters.hours]
    columns = ([getattr(hour, name) for hour in counters.hours] for name in ("delivered", "failed", "dead"))
    return bar_chart(labels, DAY_SERIES, list(columns))


def routes(pages: PageRenderer, log: DeliveryPages) -> APIRouter:
    router = APIRouter(dependencies=[require_scope("read")])

    @router.get("/{store}/deliveries")
    async def of_store(
        request: Request, store: CurrentStore, wanted: Annotated[DeliveryFilter, Query()]
    ) -> Response:
        await log.webhooks.log.current()
        return pages.page(request, "deliveries", store, log=await log.shown(store, wanted))

    @router.get("/{store}/webhooks/{webhook}/log")
    async def of_webhook(
        request: Request,
        store: CurrentStore,
        webhook: SubscriptionId,
        wanted: Annotated[DeliveryFilter, Query()],
    ) -> Response:
        of = await log.webhooks.one(store.store, webhook)
        return pages.page(request, "deliveries", store, log=await log.shown(store, wanted, of))

    return router
