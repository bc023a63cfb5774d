"""Is it well? The data's way, each stage's lag, how each endpoint fares, and the last hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.auth.scopes import require_scope
from api.panel.charts import BarChart, LineChart, bar_chart, line_chart
from api.panel.pages import PageRenderer
from api.panel.pipeline_diagram import pipeline_diagram, stage_members
from api.panel.session_guard import CachedStore
from api.services.overview import OverviewService, PipelineOverview
from streams.pipeline_health.figures import MINUTE, records_per_minute
from streams.pipeline_health.verdict import duration_text, rate_text

MAX_TROUBLES = 25
"""Endpoints that are shown."""


@dataclass(frozen=True, slots=True)
class HourCharts:
    """Records in each whole minute. `since`: before it nothing is known, where that lies within the hour."""

    traffic: LineChart
    trouble: BarChart
    since: datetime | None


def hour_charts(overview: PipelineOverview, zone: ZoneInfo) -> HourCharts | None:
    """Draws the last hour; None while there are no samples."""
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
    return HourCharts(
        line_chart(
            labels,
            ("commands", "webhook events", "deliveries"),
            told("commands", "webhook-events", "deliveries"),
        ),
        bar_chart(labels, ("commands refused", "deliveries given up", "records not read"), bad),
        first if first > begins[1] else None,
    )


def day_chart(overview: PipelineOverview, zone: ZoneInfo) -> BarChart:
    """Draws the store's last day, one column for each hour."""
    counters = [endpoint.counters for endpoint in overview.endpoints if endpoint.counters]
    hours = list(zip(*(of.hours for of in counters), strict=False))
    labels = [f"{column[0].at.astimezone(zone):%H:%M}" for column in hours]
    values = [
        [sum(hour.delivered for hour in column) for column in hours],
        [sum(hour.failed for hour in column) for column in hours],
        [sum(hour.dead for hour in column) for column in hours],
    ]
    return bar_chart(labels, ("delivered", "tries that failed", "given up"), values)


def routes(pages: PageRenderer, overviews: OverviewService) -> APIRouter:
    router = APIRouter(dependencies=[require_scope("read")])

    @router.get("/{store}/overview")
    async def page(request: Request, store: CachedStore) -> Response:
        zone = ZoneInfo(store.time_zone)
        overview = await overviews.of(store.store, request.state.caller)
        shown = overview.endpoints[:MAX_TROUBLES]
        return pages.page(
            request,
            "overview",
            store,
            overview=overview,
            shown=[(endpoint, await overviews.durations(endpoint)) for endpoint in shown],
            pipeline_diagram=pipeline_diagram(overview) if overview.whole else None,
            hour=hour_charts(overview, zone) if overview.whole else None,
            day=day_chart(overview, zone),
            duration_text=duration_text,
            rate_text=rate_text,
            stage_members=stage_members,
        )

    return router
