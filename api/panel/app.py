"""This module joins all pages into one application."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from api.auth.logins import LoginService
from api.panel import (
    deliveries,
    delivery,
    expiring,
    failures,
    members,
    overview,
    redrive,
    refusals,
    replay,
    signin,
    webhook_form,
    webhook_list,
    webhook_page,
    why,
)
from api.panel.activity_timeline import ActivityTimeline
from api.panel.forecasts import ForecastService
from api.panel.pages import PageRenderer
from api.panel.security import SecurityHeaders
from api.panel.session_guard import SessionGuard
from api.panel.sessions import SessionService
from api.rest.member_state import MemberReads
from api.rest.store_settings import StoreSettingsService
from api.services.command_service import CommandService
from api.services.dead_letters import DeadLetterService
from api.services.deliveries import DeliveryQueries
from api.services.delivery_explanations import DeliveryExplanations
from api.services.endpoint_health import EndpointHealthService
from api.services.overview import OverviewService
from api.services.replays import ReplayService
from api.services.subscriptions import SubscriptionService

STATIC_FOLDER = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class PanelServices:
    """The services that the pages use."""

    webhooks: SubscriptionService
    programme: StoreSettingsService
    standings: EndpointHealthService
    forecasts: ForecastService
    reading: MemberReads
    command_service: CommandService
    deliveries: DeliveryQueries
    whys: DeliveryExplanations
    replays: ReplayService
    letters: DeadLetterService
    failures: refusals.FailureQueries
    dotted_names: bool
    overviews: OverviewService
    store_codes: Callable[[], Iterable[str]]
    logins: LoginService | None
    sessions: SessionService | None
    now: Callable[[], datetime]


def create_panel(parts: PanelServices, documentation: APIRouter | None = None) -> ASGIApp:
    """Builds the application to be mounted. Every page but the sign-in page requires a session, also those of
    `documentation`, whose paths no store has."""
    door, pages = SessionGuard(parts.sessions, parts.programme), PageRenderer()
    panel = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(door)],
    )
    panel.state.door = door
    failures.install_error_pages(panel, pages)
    panel.mount("/static", StaticFiles(directory=STATIC_FOLDER))
    if documentation:
        panel.include_router(documentation)
    panel.include_router(signin.routes(pages, parts.logins, parts.sessions, parts.store_codes, parts.now))
    panel.include_router(webhook_list.routes(pages, parts.webhooks, parts.standings, parts.deliveries))
    panel.include_router(overview.routes(pages, parts.overviews))
    log = deliveries.DeliveryPages(parts.deliveries, parts.webhooks, parts.command_service, parts.now)
    # In this order: `new` is no subscription's id.
    panel.include_router(webhook_form.routes(pages, parts.webhooks))
    panel.include_router(webhook_page.routes(pages, parts.webhooks, parts.standings, log))
    panel.include_router(expiring.routes(pages, parts.programme, parts.forecasts, parts.webhooks))
    happenings = ActivityTimeline(parts.reading, parts.deliveries)
    panel.include_router(refusals.routes(pages, parts.failures))
    panel.include_router(members.routes(pages, parts.reading, happenings, parts.forecasts))
    for router in _about_deliveries(pages, parts, log):
        panel.include_router(router)
    # Around the page for whatever breaks too.
    return SecurityHeaders(panel)


def _about_deliveries(
    pages: PageRenderer, parts: PanelServices, log: deliveries.DeliveryPages
) -> Iterable[APIRouter]:
    webhooks, command_service, now = parts.webhooks, parts.command_service, parts.now
    yield deliveries.routes(pages, log)
    deps = delivery.DeliveryDeps(
        parts.deliveries, webhooks, parts.standings, parts.letters, parts.dotted_names
    )
    yield delivery.routes(pages, deps)
    yield redrive.routes(pages, redrive.RedriveDeps(parts.letters, webhooks, now))
    yield replay.routes(
        pages, replay.ReplayDeps(parts.replays, webhooks, command_service, now, lambda: str(uuid.uuid4()))
    )
    yield why.routes(pages, why.WhyDeps(parts.whys, parts.deliveries, webhooks, command_service))
