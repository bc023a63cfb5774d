"""Replays of one subscription: counted, started, watched, cancelled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from api.auth.scopes import require_scope
from api.contract.fields import UUID_PATTERN
from api.panel import form_inputs, status_texts
from api.panel.pages import PageRenderer
from api.panel.session_guard import CurrentStore, SubscriptionId
from api.problems import Conflict
from api.rest.replays import ReplayId
from api.services.command_service import CommandService
from api.services.replay_requests import DEFAULT_RATE, ReplayRequest
from api.services.replays import ReplayService
from api.services.subscriptions import SubscriptionService
from streams.delivery.replay_jobs import MAX_REPLAY_RATE
from streams.delivery.replay_selection import ReplayScope
from streams.domain.store import StoreSettings
from streams.webhooks.names import LEGACY_TYPES

REPLAY_FIELDS = {
    "from": "since",
    "to": "until",
    "eventName": "event",
    "customerId": "member",
    "only": "only",
    "rate": "rate",
}
"""Ours, by what the programme's objects call them."""
SCOPE_TEXTS: dict[ReplayScope, str] = {
    "all": "everything of that time, delivered or not",
    "missing": "only what was never sent",
    "failed": "only what was given up",
}
REPLAY_HINTS = {"cancelled": "It is told to stop.", "ended": "It had ended already."}


class ReplayInputs(BaseModel):
    """The inputs of the form."""

    since: Annotated[str, Field(max_length=40)] = ""
    until: Annotated[str, Field(max_length=40)] = ""
    event: Annotated[str, Field(max_length=255)] = ""
    member: Annotated[str, Field(max_length=400)] = ""
    only: ReplayScope = "all"
    rate: Annotated[str, Field(max_length=20)] = str(DEFAULT_RATE)


class ReplayQuery(ReplayInputs):
    count: bool = False


class ReplayConfirmation(ReplayInputs):
    """`key`: drawn with the page, so that a form sent twice starts one replay."""

    form_token: str = ""
    key: Annotated[str, Field(pattern=UUID_PATTERN)]


@dataclass(frozen=True, slots=True)
class ReplayDeps:
    replays: ReplayService
    webhooks: SubscriptionService
    command_service: CommandService
    now: Callable[[], datetime]
    drawn: Callable[[], str]
    """An id that nobody had before."""

    async def wish(
        self, wanted: ReplayInputs, store: StoreSettings, errors: form_inputs.FieldErrors
    ) -> ReplayRequest | None:
        """Returns the request, or None if an input is wrong; the errors then say which."""
        since = form_inputs.read_moment(errors, "since", wanted.since, store)
        until = form_inputs.read_moment(errors, "until", wanted.until, store)
        rate = form_inputs.read_number(errors, "rate", wanted.rate, 1, MAX_REPLAY_RATE)
        member_id = await form_inputs.read_member(
            errors, "member", wanted.member, store, self.command_service
        )
        if since is None:
            errors.setdefault("since", "From when on?")
            return None
        return (
            None
            if errors
            else ReplayRequest(since, until, wanted.event or None, member_id, wanted.only, rate)
        )

    async def shown(
        self, store: StoreSettings, webhook: str, wanted: ReplayInputs, errors: form_inputs.FieldErrors
    ) -> dict[str, Any]:
        """Returns the values that the form's page draws, except the count."""
        former = await self.replays.page(store.store, webhook)
        return {
            "status": 400 if errors else 200,
            "of": await self.webhooks.one(store.store, webhook),
            "wanted": wanted,
            "errors": errors,
            "former": former,
            "running": next((each for each in former if not each.ended), None),
            "events": sorted(LEGACY_TYPES),
            "only": SCOPE_TEXTS,
            "words": status_texts,
            "key": self.drawn(),
        }


def routes(pages: PageRenderer, deps: ReplayDeps) -> APIRouter:
    router = APIRouter()
    _asking(router, pages, deps)
    _watching(router, pages, deps)
    return router


def _asking(router: APIRouter, pages: PageRenderer, deps: ReplayDeps) -> None:
    form = "/{store}/webhooks/{webhook}/replay"

    @router.get(form, dependencies=[require_scope("read")])
    async def ask(
        request: Request, store: CurrentStore, webhook: SubscriptionId, asked: Annotated[ReplayQuery, Query()]
    ) -> Response:
        """Sends nothing: says what would be."""
        errors: form_inputs.FieldErrors = {}
        count = None
        if not asked.count:
            asked = asked.model_copy(
                update={"since": asked.since or form_inputs.format_hours_ago(deps.now(), 24, store)}
            )
        elif wish := await deps.wish(asked, store, errors):
            with form_inputs.collect_errors(errors, REPLAY_FIELDS):
                count = await deps.replays.count(store.store, webhook, wish)
        known = await deps.shown(store, webhook, asked, errors)
        return pages.page(request, "replay", store, **known, count=count)

    @router.post(form, dependencies=[require_scope("subscriptions")])
    async def start(
        request: Request,
        store: CurrentStore,
        webhook: SubscriptionId,
        confirmed: Annotated[ReplayConfirmation, Form()],
    ) -> Response:
        errors: form_inputs.FieldErrors = {}
        replay_id = ""
        if wish := await deps.wish(confirmed, store, errors):
            with form_inputs.collect_errors(errors, REPLAY_FIELDS):
                begun = await deps.replays.start(store.store, webhook, wish, confirmed.key)
                replay_id = begun.order.replay_id
        if errors:
            known = await deps.shown(store, webhook, confirmed, errors)
            return pages.page(request, "replay", store, **known, count=None)
        return RedirectResponse(f"{request.url.path}s/{replay_id}", 303)


def _watching(router: APIRouter, pages: PageRenderer, deps: ReplayDeps) -> None:
    single = "/{store}/webhooks/{webhook}/replays/{replay}"

    @router.get(single, dependencies=[require_scope("read")])
    async def watch(
        request: Request,
        store: CurrentStore,
        webhook: SubscriptionId,
        replay: ReplayId,
        note: Literal["", "cancelled", "ended"] = "",
    ) -> Response:
        return pages.page(
            request,
            "replay_running",
            store,
            of=await deps.webhooks.one(store.store, webhook),
            replay=await deps.replays.one(store.store, webhook, replay),
            note=REPLAY_HINTS.get(note, ""),
            only=SCOPE_TEXTS,
            words=status_texts,
        )

    @router.post(f"{single}/cancel", dependencies=[require_scope("subscriptions")])
    async def cancel(
        request: Request, store: CurrentStore, webhook: SubscriptionId, replay: ReplayId
    ) -> Response:
        try:
            await deps.replays.cancel(store.store, webhook, replay)
            note = "cancelled"
        except Conflict:
            note = "ended"
        return RedirectResponse(f"{request.url.path.removesuffix('/cancel')}?note={note}", 303)
