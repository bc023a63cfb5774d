"""Replays of one subscription: counted, started, watched, cancelled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from api.access import requires
from api.desk import Desk
from api.errors import Conflict, Invalid
from api.fields import UUID, id_in_path
from api.panel import typed, words
from api.panel.deliveries import SubscriptionId
from api.panel.door import StoreOf
from api.panel.pages import Pages
from api.replays import Replays
from api.subscriptions import Webhooks
from api.wishes import RATE, Wish
from streams.delivery.orders import FASTEST
from streams.delivery.replay import Only
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
ONLY: dict[Only, str] = {
    "all": "everything of that time, delivered or not",
    "missing": "only what was never sent",
    "failed": "only what was given up",
}
HINTS = {"cancelled": "It is told to stop.", "ended": "It had ended already."}
ReplayId = Annotated[str, id_in_path("replay")]


class Wanted(BaseModel):
    """What was typed."""

    since: Annotated[str, Field(max_length=40)] = ""
    until: Annotated[str, Field(max_length=40)] = ""
    event: Annotated[str, Field(max_length=255)] = ""
    member: Annotated[str, Field(max_length=400)] = ""
    only: Only = "all"
    rate: Annotated[str, Field(max_length=20)] = str(RATE)


class Asked(Wanted):
    count: bool = False


class Confirmed(Wanted):
    """`key`: drawn with the page, so that a form sent twice starts one replay."""

    form_token: str = ""
    key: Annotated[str, Field(pattern=UUID)]


@dataclass(frozen=True, slots=True)
class Replaying:
    replays: Replays
    webhooks: Webhooks
    desk: Desk
    now: Callable[[], datetime]
    drawn: Callable[[], str]
    """An id that nobody had before."""

    async def wish(self, wanted: Wanted, store: StoreSettings, errors: typed.Errors) -> Wish | None:
        """None where something is wrong with it, which is told."""
        since = typed.moment(errors, "since", wanted.since, store)
        until = typed.moment(errors, "until", wanted.until, store)
        rate = typed.number(errors, "rate", wanted.rate, 1, FASTEST)
        member_id = await typed.member(errors, "member", wanted.member, store, self.desk)
        if since is None:
            errors.setdefault("since", "From when on?")
            return None
        return None if errors else Wish(since, until, wanted.event or None, member_id, wanted.only, rate)


def routes(pages: Pages, room: Replaying) -> APIRouter:
    router = APIRouter()
    form, single = "/{store}/webhooks/{webhook}/replay", "/{store}/webhooks/{webhook}/replays/{replay}"
    may_read, may_change = [requires("read")], [requires("subscriptions")]

    async def shown(
        request: Request, store: StoreOf, webhook: str, wanted: Wanted, errors: typed.Errors, **found: Any
    ) -> Response:
        former = await room.replays.page(store.store, webhook)
        return pages.page(
            request,
            "replay",
            store,
            status=400 if errors else 200,
            of=await room.webhooks.one(store.store, webhook),
            wanted=wanted,
            errors=errors,
            former=former,
            running=next((each for each in former if not each.ended), None),
            events=sorted(LEGACY_TYPES),
            only=ONLY,
            words=words,
            key=room.drawn(),
            **({"count": None} | found),
        )

    @router.get(form, dependencies=may_read)
    async def ask(
        request: Request, store: StoreOf, webhook: SubscriptionId, asked: Annotated[Asked, Query()]
    ) -> Response:
        """Sends nothing: says what would be."""
        errors: typed.Errors = {}
        if not asked.count:
            fresh = asked.model_copy(update={"since": asked.since or typed.ago(room.now(), 24, store)})
            return await shown(request, store, webhook, fresh, errors)
        count = None
        if wish := await room.wish(asked, store, errors):
            try:
                count = await room.replays.count(store.store, webhook, wish)
            except Invalid as error:
                typed.told(errors, error.complaints, FIELDS)
            except Conflict as error:
                typed.told(errors, [error.complaint], {})
        return await shown(request, store, webhook, asked, errors, count=count)

    @router.post(form, dependencies=may_change)
    async def start(
        request: Request, store: StoreOf, webhook: SubscriptionId, confirmed: Annotated[Confirmed, Form()]
    ) -> Response:
        errors: typed.Errors = {}
        if wish := await room.wish(confirmed, store, errors):
            try:
                begun = await room.replays.start(store.store, webhook, wish, confirmed.key)
            except Invalid as error:
                typed.told(errors, error.complaints, FIELDS)
            except Conflict as error:
                typed.told(errors, [error.complaint], {})
            else:
                return RedirectResponse(f"{request.url.path}s/{begun.order.replay_id}", 303)
        return await shown(request, store, webhook, confirmed, errors)

    @router.get(single, dependencies=may_read)
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
            words=words,
        )

    @router.post(f"{single}/cancel", dependencies=may_change)
    async def cancel(request: Request, store: StoreOf, webhook: SubscriptionId, replay: ReplayId) -> Response:
        try:
            await room.replays.cancel(store.store, webhook, replay)
            note = "cancelled"
        except Conflict:
            note = "ended"
        return RedirectResponse(f"{request.url.path.removesuffix('/cancel')}?note={note}", 303)

    return router
