"""Is it well? The data's way, each stage's lag, how each endpoint fares, and the last hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.auth.scopes import requires
from api.panel.charts import Lined, Stacked, lined, stacked
from api.panel.pages import Pages
from api.panel.pipeline_diagram import members, picture
from api.panel.session_guard import KnownStoreOf
from api.services.overview import Overview, Overviews
from streams.pipeline_health.figures import MINUTE, records_per_minute
from streams.pipeline_health.verdict import duration_text, rate_text

MOST = 25
"""Endpoints that are shown."""


@dataclass(frozen=True, slots=True)
class LastHour:
    """Records in each whole minute. `since`: before it nothing is known, where that lies within the hour."""

    traffic: Lined
    trouble: Stacked
    since: datetime | None


def last_hour(overview: Overview, zone: ZoneInfo) -> LastHour | None:
    """None while nothing is known."""
    if not overview.samples:
        return None
    # A minute that is not over would look like a fall.
    until = overview.at - MINUTE

    def told(*topics: str) -> list[Sequence[int | None]]:
        return [records_per_minute(overview.samples, topic, until).counts for topic in topics]

    begins = records_per_minute(overview.samples, "commands", until).begins
    labels = [f"{begin.astimezone(zone):%H:%M}" for begin in begins]
    bad = [[count or 0 for count in counts] for counts in told("rejections", "dead-letters", "poison")]
    first = overview.samples[0].at
    return LastHour(
        lined(
            labels,
            ("commands", "webhook events", "deliveries"),
            told("commands", "webhook-events", "deliveries"),
        ),
        stacked(labels, ("commands refused", "deliveries given up", "records not read"), bad),
        first if first > begins[1] else None,
    )


def last_day(overview: Overview, zone: ZoneInfo) -> Stacked:
    """Of this store alone, an hour in each column."""
    counters = [endpoint.counters for endpoint in overview.endpoints if endpoint.counters]
    hours = list(zip(*(of.hours for of in counters), strict=False))
    labels = [f"{column[0].at.astimezone(zone):%H:%M}" for column in hours]
    values = [
        [sum(hour.delivered for hour in column) for column in hours],
        [sum(hour.failed for hour in column) for column in hours],
        [sum(hour.dead for hour in column) for column in hours],
    ]
    return stacked(labels, ("delivered", "tries that failed", "given up"), values)


def routes(pages: Pages, overviews: Overviews) -> APIRouter:
    router = APIRouter(dependencies=[requires("read")])

    @router.get("/{store}/overview")
    async def page(request: Request, store: KnownStoreOf) -> Response:
        zone = ZoneInfo(store.time_zone)
        overview = await overviews.of(store.store, request.state.caller)
        shown = overview.endpoints[:MOST]
        return pages.page(
            request,
            "overview",
            store,
            overview=overview,
            shown=[(endpoint, await overviews.durations(endpoint)) for endpoint in shown],
            picture=picture(overview) if overview.whole else None,
            hour=last_hour(overview, zone) if overview.whole else None,
            day=last_day(overview, zone),
            duration_text=duration_text,
            rate_text=rate_text,
            members=members,
        )

    return router
