"""What was given up of one subscription, sent again: counted first, then done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from api.access import requires
from api.errors import Conflict, Invalid
from api.letter_routes import statuses
from api.letters import Letters, LettersAsked
from api.panel import typed, words
from api.panel.deliveries import SubscriptionId
from api.panel.door import StoreOf
from api.panel.pages import Pages
from api.subscriptions import Webhooks
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


def asked_of(wanted: Wanted, store: StoreSettings, errors: typed.Errors) -> LettersAsked:
    since = typed.moment(errors, "since", wanted.since, store)
    until = typed.moment(errors, "until", wanted.until, store)
    if since is None and "since" not in errors:
        errors["since"] = "From when on?"
    codes: frozenset[int | None] = frozenset()
    try:
        codes = statuses(wanted.status.strip() or None, "status")
    except Invalid as error:
        typed.told(errors, error.complaints, FIELDS)
    return LettersAsked(since, until, wanted.event or None, codes)


@dataclass(frozen=True, slots=True)
class Redriving:
    letters: Letters
    webhooks: Webhooks
    now: Callable[[], datetime]


def routes(pages: Pages, room: Redriving) -> APIRouter:
    router = APIRouter()
    here = "/{store}/webhooks/{webhook}/redrive"

    async def shown(
        request: Request, store: StoreOf, webhook: str, wanted: Wanted, errors: typed.Errors, **found: Any
    ) -> Response:
        known = {"count": None, "listed": (), "sent": None, "left": 0} | found
        return pages.page(
            request,
            "redrive",
            store,
            status=400 if errors else 200,
            of=await room.webhooks.one(store.store, webhook),
            wanted=wanted,
            errors=errors,
            events=sorted(LEGACY_TYPES),
            words=words,
            **known,
        )

    @router.get(here, dependencies=[requires("read")])
    async def ask(
        request: Request, store: StoreOf, webhook: SubscriptionId, asked: Annotated[Asked, Query()]
    ) -> Response:
        """Sends nothing: says what would be."""
        errors: typed.Errors = {}
        if not asked.count:
            fresh = asked.model_copy(update={"since": asked.since or typed.ago(room.now(), 24, store)})
            return await shown(request, store, webhook, fresh, errors, sent=asked.sent, left=asked.left)
        wanted = asked_of(asked, store, errors)
        if errors:
            return await shown(request, store, webhook, asked, errors)
        try:
            count = await room.letters.count(store.store, webhook, wanted)
            letters = await room.letters.page(store.store, webhook, wanted)
        except Invalid as error:
            typed.told(errors, error.complaints, FIELDS)
            return await shown(request, store, webhook, asked, errors)
        return await shown(request, store, webhook, asked, errors, count=count, listed=letters[:A_LIST])

    @router.post(here, dependencies=[requires("subscriptions")])
    async def redrive(
        request: Request, store: StoreOf, webhook: SubscriptionId, confirmed: Annotated[Confirmed, Form()]
    ) -> Response:
        errors: typed.Errors = {}
        wanted = asked_of(confirmed, store, errors)
        if not errors:
            try:
                done = await room.letters.redrive(store.store, webhook, wanted)
            except Invalid as error:
                typed.told(errors, error.complaints, FIELDS)
            except Conflict as error:
                typed.told(errors, [error.complaint], {})
            else:
                said = confirmed.model_dump(exclude={"form_token"})
                query = request.url.include_query_params(
                    **said, sent=done.redriven, left=done.remaining
                ).query
                return RedirectResponse(f"{request.url.path}?{query}", 303)
        return await shown(request, store, webhook, confirmed, errors)

    return router
