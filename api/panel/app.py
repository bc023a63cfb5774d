"""All pages as one application."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from api.deliveries import Deliveries
from api.logins import Logins
from api.panel import failures, signin, webhook_form, webhook_list, webhook_page
from api.panel.door import Door
from api.panel.pages import Pages
from api.panel.security import Secured
from api.panel.sessions import Sessions
from api.panel.standing import Standings
from api.programme import Programme
from api.subscriptions import Webhooks

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages are made of."""

    webhooks: Webhooks
    programme: Programme
    standings: Standings
    journal: Deliveries
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
    panel.include_router(webhook_list.routes(pages, parts.webhooks, parts.standings, parts.journal))
    # In this order: `new` is no subscription's id.
    panel.include_router(webhook_form.routes(pages, parts.webhooks))
    panel.include_router(webhook_page.routes(pages, parts.webhooks, parts.standings))
    # Around the page for whatever breaks too.
    return Secured(panel)
