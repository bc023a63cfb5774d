"""Replays of one subscription: counted, started, watched, cancelled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from api.auth.scopes import requires
from api.contract.fields import UUID
from api.panel import form_inputs, status_texts
from api.panel.pages import Pages
from api.panel.session_guard import StoreOf, SubscriptionId
from api.problems import Conflict
from api.rest.replays import ReplayId
from api.services.command_service import Desk
from api.services.replay_requests import DEFAULT_RATE, ReplayRequest
from api.services.replays import ReplayService
from api.services.subscriptions import Webhooks
from streams.delivery.replay_jobs import MAX_REPLAY_RATE
from streams.delivery.replay_selection import ReplayScope
from streams.domain.store import StoreSettings
from streams.webhooks.names import LEGACY_TYPES

FIELDS = {
    "from": "since",
    "to": "until",
    "eventName": "event",
    "customerId": "member",
    "only": "only",
    "rate": "rate",
}
"""Ours, by what the programme's objects call them."""
ONLY: dict[ReplayScope, str] = {
    "all": "everything of that time, delivered or not",
    "missing": "only what was never sent",
    "failed": "only what was given up",
}
HINTS = {"cancelled": "It is told to stop.", "ended": "It had ended already."}


class Wanted(BaseModel):
    """What was typed."""

    since: Annotated[str, Field(max_length=40)] = ""
    until: Annotated[str, Field(max_length=40)] = ""
    event: Annotated[str, Field(max_length=255)] = ""
    member: Annotated[str, Field(max_length=400)] = ""
    only: ReplayScope = "all"
    rate: Annotated[str, Field(max_length=20)] = str(DEFAULT_RATE)


class Asked(Wanted):
    count: bool = False


class Confirmed(Wanted):
    """`key`: drawn with the page, so that a form sent twice starts one replay."""

    form_token: str = ""
    key: Annotated[str, Field(pattern=UUID)]


@dataclass(frozen=True, slots=True)
class Replaying:
    replays: ReplayService
    webhooks: Webhooks
    desk: Desk
    now: Callable[[], datetime]
    drawn: Callable[[], str]
    """An id that nobody had before."""

    async def wish(
        self, wanted: Wanted, store: StoreSettings, errors: form_inputs.Errors
    ) -> ReplayRequest | None:
        """None where something is wrong with it, which is told."""
        since = form_inputs.moment(errors, "since", wanted.since, store)
        until = form_inputs.moment(errors, "until", wanted.until, store)
        rate = form_inputs.number(errors, "rate", wanted.rate, 1, MAX_REPLAY_RATE)
        member_id = await form_inputs.member(errors, "member", wanted.member, store, self.desk)
        if since is None:
            errors.setdefault("since", "From when on?")
            return None
        return (
            None
            if errors
            else ReplayRequest(since, until, wanted.event or None, member_id, wanted.only, rate)
        )

    async def shown(
        self, store: StoreSettings, webhook: str, wanted: Wanted, errors: form_inputs.Errors
    ) -> dict[str, Any]:
        """What the form's page draws, but for a count."""
        former = await self.replays.page(store.store, webhook)
        return {
            "status": 400 if errors else 200,
            "of": await self.webhooks.one(store.store, webhook),
            "wanted": wanted,
            "errors": errors,
            "former": former,
            "running": next((each for each in former if not each.ended), None),
            "events": sorted(LEGACY_TYPES),
            "only": ONLY,
            "words": status_texts,
            "key": self.drawn(),
        }


def routes(pages: Pages, room: Replaying) -> APIRouter:
    router = APIRouter()
    _asking(router, pages, room)
    _watching(router, pages, room)
    return router


def _asking(router: APIRouter, pages: Pages, room: Replaying) -> None:
    form = "/{store}/webhooks/{webhook}/replay"

    @router.get(form, dependencies=[requires("read")])
    async def ask(
        request: Request, store: StoreOf, webhook: SubscriptionId, asked: Annotated[Asked, Query()]
    ) -> Response:
        """Sends nothing: says what would be."""
        errors: form_inputs.Errors = {}
        count = None
        if not asked.count:
            asked = asked.model_copy(update={"since": asked.since or form_inputs.ago(room.now(), 24, store)})
        elif wish := await room.wish(asked, store, errors):
            with form_inputs.noted(errors, FIELDS):
                count = await room.replays.count(store.store, webhook, wish)
        known = await room.shown(store, webhook, asked, errors)
        return pages.page(request, "replay", store, **known, count=count)

    @router.post(form, dependencies=[requires("subscriptions")])
    async def start(
        request: Request, store: StoreOf, webhook: SubscriptionId, confirmed: Annotated[Confirmed, Form()]
    ) -> Response:
        errors: form_inputs.Errors = {}
        replay_id = ""
        if wish := await room.wish(confirmed, store, errors):
            with form_inputs.noted(errors, FIELDS):
                begun = await room.replays.start(store.store, webhook, wish, confirmed.key)
                replay_id = begun.order.replay_id
        if errors:
            known = await room.shown(store, webhook, confirmed, errors)
            return pages.page(request, "replay", store, **known, count=None)
        return RedirectResponse(f"{request.url.path}s/{replay_id}", 303)


def _watching(router: APIRouter, pages: Pages, room: Replaying) -> None:
    single = "/{store}/webhooks/{webhook}/replays/{replay}"

    @router.get(single, dependencies=[requires("read")])
    async def watch(
        request: Request,
        store: StoreOf,
        webhook: SubscriptionId,
        replay: ReplayId,
        note: Literal["", "cancelled", "ended"] = "",
    ) -> Response:
        return pages.page(
            request,
            "replay_running",
            store,
            of=await room.webhooks.one(store.store, webhook),
            replay=await room.replays.one(store.store, webhook, replay),
            note=HINTS.get(note, ""),
            only=ONLY,
            words=status_texts,
        )

    @router.post(f"{single}/cancel", dependencies=[requires("subscriptions")])
    async def cancel(request: Request, store: StoreOf, webhook: SubscriptionId, replay: ReplayId) -> Response:
        try:
            await room.replays.cancel(store.store, webhook, replay)
            note = "cancelled"
        except Conflict:
            note = "ended"
        return RedirectResponse(f"{request.url.path.removesuffix('/cancel')}?note={note}", 303)
