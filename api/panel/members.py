"""Members: found by what they are known by; one with all that it has, and what happened to it."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from api.auth.scopes import require_scope
from api.contract.fields import UUID_PATTERN
from api.contract.listing import MAX_PAGES
from api.panel import balances
from api.panel.activity_timeline import ActivityTimeline
from api.panel.forecasts import ForecastService
from api.panel.form_inputs import identifier_candidates
from api.panel.pages import PageRenderer, link
from api.panel.session_guard import CurrentStore
from api.problems import Invalid
from api.rest.member_state import MemberReads
from api.services.command_service import CommandService
from streams.domain.state import Held, PendingLot

PAGE_SIZE = 25
MAX_PAGE = 50
"""Pending and blocked units that are listed; there are more seldom."""
MemberPath = Annotated[str, Path(pattern=UUID_PATTERN)]
PageNumber = Annotated[int, Query(ge=1, le=MAX_PAGES)]


async def find_members(command_service: CommandService, store: str, text: str) -> list[str]:
    """Ids of the members whom `text` names: an id, an e-mail address, a phone or a card number."""
    each = [await command_service.found(store, name) for name in identifier_candidates(text)]
    return list(dict.fromkeys(member_id for member_id in each if member_id))


def routes(
    pages: PageRenderer, reading: MemberReads, happenings: ActivityTimeline, forecasts: ForecastService
) -> APIRouter:
    router, command_service = APIRouter(dependencies=[require_scope("read")]), reading.command_service

    @router.get("/{store}/members")
    async def search(
        request: Request, store: CurrentStore, q: Annotated[str, Query(max_length=255)] = ""
    ) -> Response:
        text = q.strip()
        ids = await find_members(command_service, store.store, text) if text else []
        if len(ids) == 1:
            return RedirectResponse(f"{request.url.path}/{ids[0]}", 303)
        return pages.page(request, "members", store, q=q, asked=bool(text), ids=ids)

    @router.get("/{store}/members/{member}")
    async def one(
        request: Request,
        store: CurrentStore,
        member: MemberPath,
        lots: PageNumber = 1,
        coupons: PageNumber = 1,
    ) -> Response:
        about = await reading.member(store.store, member)
        state, moment = about.state, forecasts.now()
        held, issued = balances.open_lots(state), balances.issued_coupons(state)
        return pages.page(
            request,
            "member",
            store,
            member_id=about.member_id,
            member=about.member,
            wallets=balances.wallet_balances(state, store),
            wallet_name=lambda code: store.wallet_type(code).name,
            lots=_Cut(request, "lots", held, lots),
            endless=[lot for lot in held if lot.expires_at is None],
            most=MAX_PAGES,
            chart=balances.expiry_chart(held, store, moment),
            pending=list(islice(state.scan(PendingLot), MAX_PAGE)),
            held=list(islice(state.scan(Held), MAX_PAGE)),
            out_of_reach=MAX_PAGE,
            rungs=balances.tier_progress(state, store, moment),
            coupons=_Cut(request, "coupons", issued, coupons),
            coupon_status=lambda reward: balances.coupon_status(reward, moment),
        )

    @router.get("/{store}/members/{member}/events")
    async def events(
        request: Request, store: CurrentStore, member: MemberPath, page: PageNumber = 1
    ) -> Response:
        if await command_service.found(store.store, member) is None:
            raise HTTPException(404)
        try:
            happened = await happenings.of(store, member, page)
            problem = ""
        except Invalid as refused:
            happened, problem = None, refused.complaints[0].message
        return pages.page(
            request,
            "happened",
            store,
            member_id=member,
            happened=happened,
            problem=problem,
            page=page,
            events_link=lambda page: link(request, {"page": page}),
        )

    return router


class _Cut:
    """One page of rows, its place named in the address by `name`."""

    def __init__(self, request: Request, name: str, rows: Sequence[Any], page: int) -> None:
        self.total, self.page = len(rows), page
        self.pages = max(1, -(-len(rows) // PAGE_SIZE))
        self.rows = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        self.link = lambda page: f"{link(request, {name: page})}#{name}"
