"""All pages as one application."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from api.auth.logins import Logins
from api.panel import (
    deliveries,
    delivery,
    expiring,
    failures,
    members,
    overview,
    redrive,
    replay,
    signin,
    webhook_form,
    webhook_list,
    webhook_page,
    why,
)
from api.panel.activity_timeline import Happenings
from api.panel.forecasts import Forecasts
from api.panel.pages import Pages
from api.panel.security import Secured
from api.panel.session_guard import Door
from api.panel.sessions import Sessions
from api.rest.member_state import Reading
from api.rest.store_settings import Programme
from api.services.command_service import Desk
from api.services.dead_letters import DeadLetterService
from api.services.deliveries import Deliveries
from api.services.delivery_explanations import Whys
from api.services.endpoint_health import Standings
from api.services.overview import Overviews
from api.services.replays import ReplayService
from api.services.subscriptions import Webhooks

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages are made of."""

    webhooks: Webhooks
    programme: Programme
    standings: Standings
    forecasts: Forecasts
    reading: Reading
    desk: Desk
    deliveries: Deliveries
    whys: Whys
    replays: ReplayService
    letters: DeadLetterService
    dotted_names: bool
    overviews: Overviews
    store_codes: Callable[[], Iterable[str]]
    logins: Logins | None
    sessions: Sessions | None
    now: Callable[[], datetime]


def create_panel(parts: Parts) -> ASGIApp:
    """To be mounted; every page but the sign-in's asks who is there."""
    door, pages = Door(parts.sessions, parts.programme), Pages()
    panel = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(door)],
    )
    panel.state.door = door
    failures.install(panel, pages)
    panel.mount("/static", StaticFiles(directory=STATIC))
    panel.include_router(signin.routes(pages, parts.logins, parts.sessions, parts.store_codes, parts.now))
    panel.include_router(webhook_list.routes(pages, parts.webhooks, parts.standings, parts.deliveries))
    panel.include_router(overview.routes(pages, parts.overviews))
    log = deliveries.Log(parts.deliveries, parts.webhooks, parts.desk, parts.now)
    # In this order: `new` is no subscription's id.
    panel.include_router(webhook_form.routes(pages, parts.webhooks))
    panel.include_router(webhook_page.routes(pages, parts.webhooks, parts.standings, log))
    panel.include_router(expiring.routes(pages, parts.programme, parts.forecasts, parts.webhooks))
    happenings = Happenings(parts.reading, parts.deliveries)
    panel.include_router(members.routes(pages, parts.reading, happenings, parts.forecasts))
    for router in _about_deliveries(pages, parts, log):
        panel.include_router(router)
    # Around the page for whatever breaks too.
    return Secured(panel)


def _about_deliveries(pages: Pages, parts: Parts, log: deliveries.Log) -> Iterable[APIRouter]:
    webhooks, desk, now = parts.webhooks, parts.desk, parts.now
    yield deliveries.routes(pages, log)
    room = delivery.Room(parts.deliveries, webhooks, parts.standings, parts.letters, parts.dotted_names)
    yield delivery.routes(pages, room)
    yield redrive.routes(pages, redrive.Redriving(parts.letters, webhooks, now))
    yield replay.routes(
        pages, replay.Replaying(parts.replays, webhooks, desk, now, lambda: str(uuid.uuid4()))
    )
    yield why.routes(pages, why.Asking(parts.whys, parts.deliveries, webhooks, desk))
