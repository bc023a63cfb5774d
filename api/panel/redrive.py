"""What was given up of one subscription, sent again: counted first, then done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from api.auth.scopes import require_scope
from api.panel import form_inputs
from api.panel.pages import PageRenderer
from api.panel.session_guard import CurrentStore, SubscriptionId
from api.rest.dead_letters import parse_statuses
from api.services.dead_letters import DeadLetterQuery, DeadLetterService
from api.services.subscriptions import SubscriptionService
from streams.domain.store import StoreSettings
from streams.webhooks.names import LEGACY_TYPES

MAX_LISTED = 50
REDRIVE_FIELDS = {"since": "since", "until": "until", "eventName": "event", "status": "status"}
"""Ours, by what the programme's objects call them."""


class RedriveFilter(BaseModel):
    """The inputs of the form. `count` tells whether to count what matches."""

    since: Annotated[str, Field(max_length=40)] = ""
    until: Annotated[str, Field(max_length=40)] = ""
    event: Annotated[str, Field(max_length=255)] = ""
    status: Annotated[str, Field(max_length=40)] = ""


class RedriveQuery(RedriveFilter):
    """`sent`, `left`: what came of the last time."""

    count: bool = False
    sent: Annotated[int | None, Field(ge=0, le=10**9)] = None
    left: Annotated[int, Field(ge=0, le=10**9)] = 0


class RedriveConfirmation(RedriveFilter):
    form_token: str = ""


def parse_redrive(
    wanted: RedriveFilter, store: StoreSettings, errors: form_inputs.FieldErrors
) -> DeadLetterQuery:
    since = form_inputs.read_moment(errors, "since", wanted.since, store)
    until = form_inputs.read_moment(errors, "until", wanted.until, store)
    if since is None and "since" not in errors:
        errors["since"] = "From when on?"
    codes: frozenset[int | None] = frozenset()
    with form_inputs.collect_errors(errors, REDRIVE_FIELDS):
        codes = parse_statuses(wanted.status.strip() or None, "status")
    return DeadLetterQuery(since, until, wanted.event or None, codes)


@dataclass(frozen=True, slots=True)
class RedriveDeps:
    letters: DeadLetterService
    webhooks: SubscriptionService
    now: Callable[[], datetime]

    async def shown(
        self, store: StoreSettings, webhook: str, wanted: RedriveFilter, errors: form_inputs.FieldErrors
    ) -> dict[str, Any]:
        """Returns the values that the page draws before anything is counted or sent."""
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
        return {"count": count, "listed": letters[:MAX_LISTED]}


def routes(pages: PageRenderer, deps: RedriveDeps) -> APIRouter:
    router = APIRouter()
    here = "/{store}/webhooks/{webhook}/redrive"

    @router.get(here, dependencies=[require_scope("read")])
    async def ask(
        request: Request,
        store: CurrentStore,
        webhook: SubscriptionId,
        asked: Annotated[RedriveQuery, Query()],
    ) -> Response:
        """Sends nothing: says what would be, or what came of the last time."""
        errors: form_inputs.FieldErrors = {}
        found: dict[str, Any] = {"sent": asked.sent, "left": asked.left}
        if asked.count:
            wanted = parse_redrive(asked, store, errors)
            with form_inputs.collect_errors(errors, REDRIVE_FIELDS):
                found = {} if errors else await deps.counted(store.store, webhook, wanted)
        else:
            asked = asked.model_copy(
                update={"since": asked.since or form_inputs.format_hours_ago(deps.now(), 24, store)}
            )
        known = await deps.shown(store, webhook, asked, errors)
        return pages.page(request, "redrive", store, **(known | ({} if errors else found)))

    @router.post(here, dependencies=[require_scope("subscriptions")])
    async def redrive(
        request: Request,
        store: CurrentStore,
        webhook: SubscriptionId,
        confirmed: Annotated[RedriveConfirmation, Form()],
    ) -> Response:
        errors: form_inputs.FieldErrors = {}
        wanted = parse_redrive(confirmed, store, errors)
        said: dict[str, Any] = confirmed.model_dump(exclude={"form_token"})
        if not errors:
            with form_inputs.collect_errors(errors, REDRIVE_FIELDS):
                done = await deps.letters.redrive(store.store, webhook, wanted)
                said |= {"sent": done.redriven, "left": done.remaining}
        if errors:
            known = await deps.shown(store, webhook, confirmed, errors)
            return pages.page(request, "redrive", store, **known)
        return RedirectResponse(f"{request.url.path}?{urlencode(said)}", 303)

    return router
