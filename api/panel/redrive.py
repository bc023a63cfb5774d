"""What was given up of one subscription, sent again: counted first, then done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from api.auth.scopes import requires
from api.panel import form_inputs
from api.panel.pages import Pages
from api.panel.session_guard import StoreOf, SubscriptionId
from api.rest.dead_letters import statuses
from api.services.dead_letters import DeadLetterQuery, DeadLetterService
from api.services.subscriptions import Webhooks
from streams.domain.store import StoreSettings
from streams.webhooks.names import LEGACY_TYPES

A_LIST = 50
FIELDS = {"since": "since", "until": "until", "eventName": "event", "status": "status"}
"""Ours, by what the programme's objects call them."""


class Wanted(BaseModel):
    """What was typed. `count`: whether it is to be counted."""

    since: Annotated[str, Field(max_length=40)] = ""
    until: Annotated[str, Field(max_length=40)] = ""
    event: Annotated[str, Field(max_length=255)] = ""
    status: Annotated[str, Field(max_length=40)] = ""


class Asked(Wanted):
    """`sent`, `left`: what came of the last time."""

    count: bool = False
    sent: Annotated[int | None, Field(ge=0, le=10**9)] = None
    left: Annotated[int, Field(ge=0, le=10**9)] = 0


class Confirmed(Wanted):
    form_token: str = ""


def asked_of(wanted: Wanted, store: StoreSettings, errors: form_inputs.Errors) -> DeadLetterQuery:
    since = form_inputs.moment(errors, "since", wanted.since, store)
    until = form_inputs.moment(errors, "until", wanted.until, store)
    if since is None and "since" not in errors:
        errors["since"] = "From when on?"
    codes: frozenset[int | None] = frozenset()
    with form_inputs.noted(errors, FIELDS):
        codes = statuses(wanted.status.strip() or None, "status")
    return DeadLetterQuery(since, until, wanted.event or None, codes)


@dataclass(frozen=True, slots=True)
class Redriving:
    letters: DeadLetterService
    webhooks: Webhooks
    now: Callable[[], datetime]

    async def shown(
        self, store: StoreSettings, webhook: str, wanted: Wanted, errors: form_inputs.Errors
    ) -> dict[str, Any]:
        """What the page draws, before anything is counted or sent."""
        return {
            "status": 400 if errors else 200,
            "of": await self.webhooks.one(store.store, webhook),
            "wanted": wanted,
            "errors": errors,
            "events": sorted(LEGACY_TYPES),
            "count": None,
            "listed": (),
            "sent": None,
            "left": 0,
        }

    async def counted(self, store: str, webhook: str, asked: DeadLetterQuery) -> dict[str, Any]:
        """Raises Invalid."""
        count = await self.letters.count(store, webhook, asked)
        letters = await self.letters.page(store, webhook, asked)
        return {"count": count, "listed": letters[:A_LIST]}


def routes(pages: Pages, room: Redriving) -> APIRouter:
    router = APIRouter()
    here = "/{store}/webhooks/{webhook}/redrive"

    @router.get(here, dependencies=[requires("read")])
    async def ask(
        request: Request, store: StoreOf, webhook: SubscriptionId, asked: Annotated[Asked, Query()]
    ) -> Response:
        """Sends nothing: says what would be, or what came of the last time."""
        errors: form_inputs.Errors = {}
        found: dict[str, Any] = {"sent": asked.sent, "left": asked.left}
        if asked.count:
            wanted = asked_of(asked, store, errors)
            with form_inputs.noted(errors, FIELDS):
                found = {} if errors else await room.counted(store.store, webhook, wanted)
        else:
            asked = asked.model_copy(update={"since": asked.since or form_inputs.ago(room.now(), 24, store)})
        known = await room.shown(store, webhook, asked, errors)
        return pages.page(request, "redrive", store, **(known | ({} if errors else found)))

    @router.post(here, dependencies=[requires("subscriptions")])
    async def redrive(
        request: Request, store: StoreOf, webhook: SubscriptionId, confirmed: Annotated[Confirmed, Form()]
    ) -> Response:
        errors: form_inputs.Errors = {}
        wanted = asked_of(confirmed, store, errors)
        said: dict[str, Any] = confirmed.model_dump(exclude={"form_token"})
        if not errors:
            with form_inputs.noted(errors, FIELDS):
                done = await room.letters.redrive(store.store, webhook, wanted)
                said |= {"sent": done.redriven, "left": done.remaining}
        if errors:
            known = await room.shown(store, webhook, confirmed, errors)
            return pages.page(request, "redrive", store, **known)
        return RedirectResponse(f"{request.url.path}?{urlencode(said)}", 303)

    return router
