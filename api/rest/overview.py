"""GET /api/{storeCode}/overview: the same figures as the panel's page of that name, for other programs."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.auth.scopes import require_scope
from api.contract.fields import StoreCode
from api.contract.json_body import Router
from api.contract.member_bodies import exact_json
from api.services.overview import EndpointOverview, OverviewService, PipelineOverview
from streams.pipeline_health.samples import TOPICS
from streams.webhooks.parts import iso_instant


def routes(overviews: OverviewService) -> APIRouter:
    router = Router(tags=["operation"], dependencies=[require_scope("read")])

    @router.get("/api/{storeCode}/overview", summary="Is it well? Lag, rates, and how each endpoint fares")
    async def overview(store: StoreCode, request: Request) -> Response:
        """`pipeline` is of all stores together: null for callers of some stores alone, or without the scope
        `admin`."""
        return exact_json(overview_body(await overviews.of(store, request.state.caller)))

    return router


def overview_body(overview: PipelineOverview) -> dict[str, Any]:
    return {
        "at": iso_instant(overview.at),
        "well": not overview.troubles,
        "sentence": overview.sentence,
        "troubles": [
            {
                "weight": one.weight,
                "what": one.what,
                "todo": one.todo,
                "command": one.command,
                "page": one.page,
            }
            for one in overview.troubles
        ],
        "pipeline": _pipeline(overview) if overview.whole else None,
        "endpoints": [_endpoint(one) for one in overview.endpoints],
    }


def _pipeline(overview: PipelineOverview) -> dict[str, Any]:
    latest = overview.samples[-1] if overview.samples else None
    topics = latest.topics if latest else {}
    return {
        "sampledAt": iso_instant(latest.at) if latest else None,
        "topics": [
            {"name": name, "perSecond": overview.rate(name), "kept": topics[name].kept}
            for name in TOPICS
            if name in topics
        ],
        "stages": [
            {
                "name": fare.stage.name,
                "source": fare.stage.source,
                "state": fare.word,
                "left": fare.left,
                "members": fare.members,
                "perSecond": fare.rate,
                "behindSeconds": fare.behind.time.total_seconds(),
                "behindAtLeast": fare.behind.at_least,
            }
            for fare in overview.fares
        ],
    }


def _endpoint(one: EndpointOverview) -> dict[str, Any]:
    of = one.counters
    return {
        "webhookSubscriptionId": one.subscription.subscription_id,
        "status": one.standing.word,
        "why": one.standing.why,
        "pending": of.pending if of else None,
        "oldestPendingAt": iso_instant(of.oldest_pending_at) if of and of.oldest_pending_at else None,
        "deliveredLastDay": one.last_day("delivered") if of else None,
        "failedAttemptsLastDay": one.last_day("failed") if of else None,
        "deadLettersLastDay": one.last_day("dead") if of else None,
    }
