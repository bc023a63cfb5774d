"""How long before an end members are told of it; and who would be in the coming weeks."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.auth.scopes import require_scope
from api.panel.charts import BarChart, bar_chart
from api.panel.forecasts import ForecastService
from api.panel.lead_time_form import (
    KINDS,
    WALLET_CHOICES,
    ExpiryKind,
    LeadTimeInputs,
    current_inputs,
    parse_lead_times,
    submitted_inputs,
)
from api.panel.pages import PageRenderer
from api.panel.session_guard import CurrentStore
from api.problems import Changed
from api.rest import lead_times
from api.rest.store_settings import StoreSettingsService
from api.services.subscriptions import SubscriptionService
from streams.delivery.records import Subscription
from streams.delivery.subscription import ANY_EVENT, event_names
from streams.domain.preview import ANNOUNCEMENT_KINDS as KIND_OF
from streams.domain.preview import AnnouncementPreview, announced_end, describe_announcement
from streams.domain.store import StoreSettings

WEEK_CHOICES = (2, 4, 8, 13)
EXPIRY_EVENTS: Mapping[ExpiryKind, str] = {
    "units": "PointsWillExpire",
    "coupons": "CouponWillExpire",
    "tiers": "LevelWillExpire",
}
KIND_NAMES: Mapping[ExpiryKind, str] = {"units": "Units", "coupons": "Coupons", "tiers": "Tiers"}
KIND_LABELS: Mapping[ExpiryKind, str] = {
    "units": "Days before units expire",
    "coupons": "Days before a coupon ends",
    "tiers": "Days before a tier is recalculated",
}
Weeks = Annotated[int, Query(ge=1, le=26)]
REVISION_PATTERN = "[0-9]{0,18}"
Revision = Annotated[str, Query(pattern=f"^{REVISION_PATTERN}$")]


def forecast_chart(preview: AnnouncementPreview) -> BarChart:
    """A column for each day, a bar for each kind."""
    labels = [f"{day.day} {day:%b}" for day in preview.counts]
    values = [[count[kind] for count in preview.counts.values()] for kind in KINDS]
    return bar_chart(labels, list(KIND_NAMES.values()), values)


def unsubscribed_events(store: StoreSettings, subscriptions: Iterable[Subscription]) -> list[str]:
    """Webhooks that tell of an end which is to be told, and that nobody has subscribed to."""
    wanted = {name for each in subscriptions for name in event_names(each)}
    units = store.units_expiring_days or any(w.expiring_days for w in store.wallets)
    told: Mapping[ExpiryKind, bool] = {
        "units": bool(units),
        "coupons": bool(store.coupons_expiring_days),
        "tiers": bool(store.tiers_expiring_days),
    }
    return [
        EXPIRY_EVENTS[kind] for kind in KINDS if told[kind] and not wanted & {ANY_EVENT, EXPIRY_EVENTS[kind]}
    ]


def routes(
    pages: PageRenderer,
    programme: StoreSettingsService,
    forecasts: ForecastService,
    webhooks: SubscriptionService,
) -> APIRouter:
    router = APIRouter(dependencies=[require_scope("read")])

    async def page(
        request: Request,
        store: StoreSettings,
        filled: LeadTimeInputs,
        weeks: int,
        *,
        saved: bool = False,
        seen: str = "",
    ) -> Response:
        """`seen`: the revision that was there when it was begun to fill in the form."""
        body, errors = parse_lead_times(filled)
        overtaken = seen not in ("", str(store.revision))
        asked = store if errors else lead_times.with_lead_times(store, body)
        forecast = None if errors else await forecasts.of(asked, weeks * 7)
        ended = forecast is not None and forecast.ended
        return pages.page(
            request,
            "expiring",
            store,
            400 if errors else 412 if overtaken and request.method == "POST" else 200,
            filled=filled,
            now=current_inputs(store),
            changed=asked != store,
            errors=errors,
            overtaken=overtaken,
            saved=saved,
            weeks=weeks,
            forecast=forecast,
            forecast_chart=forecast_chart(forecast.preview) if forecast and ended else None,
            again=f"{request.url.path}?{urlencode([*filled.fields(), ('weeks', str(weeks))])}",
            of_weeks=lambda n: f"?{urlencode([*filled.fields(), ('weeks', str(n))])}",
            unsubscribed_events=unsubscribed_events(asked, webhooks.index.of_store(store.store)),
            labels=KIND_LABELS,
            choices=WALLET_CHOICES,
            all_weeks=WEEK_CHOICES,
            announced_end=announced_end,
            describe_announcement=describe_announcement,
            kind_of=lambda event: KIND_NAMES[KIND_OF[type(event)]],
        )

    @router.get("/{store}/expiring")
    async def index(
        request: Request,
        store: CurrentStore,
        weeks: Weeks = 4,
        saved: Literal["", "yes"] = "",
        revision: Revision = "",
    ) -> Response:
        filled = submitted_inputs(store, request.query_params)
        return await page(request, store, filled, weeks, saved=bool(saved), seen=revision)

    @router.post("/{store}/expiring/preview")
    async def preview(request: Request, store: CurrentStore, weeks: Weeks = 4) -> Response:
        """Redirects to an address that holds the inputs: it can be shared, and nothing is saved."""
        form = await request.form()
        filled = submitted_inputs(store, form)
        query = urlencode([*filled.fields(), ("weeks", str(weeks)), ("revision", _seen(form))])
        here = request.url.path.removesuffix("/preview")
        return RedirectResponse(f"{here}?{query}#preview", 303)

    @router.post("/{store}/expiring", dependencies=[require_scope("admin")])
    async def save(request: Request, store: CurrentStore, weeks: Weeks = 4) -> Response:
        form = await request.form()
        filled, seen = submitted_inputs(store, form), _seen(form)
        body, errors = parse_lead_times(filled)
        if errors:
            return await page(request, store, filled, weeks, seen=seen)
        try:
            await programme.change(
                store.store, "settings", lambda now: lead_times.with_lead_times(now, body), _revision(seen)
            )
        except Changed:
            return await page(request, await programme.store(store.store), filled, weeks, seen=seen)
        return RedirectResponse(f"{request.url.path}?saved=yes", 303)

    return router


def _seen(form: Mapping[str, object]) -> str:
    """The revision in the form; empty where it has none."""
    said = form.get("revision")
    return said if isinstance(said, str) and re.fullmatch(REVISION_PATTERN, said) else ""


def _revision(seen: str) -> int | None:
    return int(seen) if seen else None
