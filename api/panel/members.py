"""Members: found by what they are known by; one with all that it has, and what happened to it."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from api.auth.scopes import requires
from api.contract.fields import UUID
from api.contract.listing import MOST
from api.panel import balances
from api.panel.activity_timeline import Happenings
from api.panel.forecasts import Forecasts
from api.panel.form_inputs import names
from api.panel.pages import Pages, link
from api.panel.session_guard import StoreOf
from api.problems import Invalid
from api.rest.member_state import Reading
from api.services.command_service import Desk
from streams.domain.state import Held, PendingLot

A_PAGE = 25
OUT_OF_REACH = 50
"""Pending and blocked units that are listed; there are more seldom."""
Member = Annotated[str, Path(pattern=UUID)]
PageNumber = Annotated[int, Query(ge=1, le=MOST)]


async def found(desk: Desk, store: str, text: str) -> list[str]:
    """Ids of the members whom `text` names: an id, an e-mail address, a phone or a card number."""
    each = [await desk.found(store, name) for name in names(text)]
    return list(dict.fromkeys(member_id for member_id in each if member_id))


def routes(pages: Pages, reading: Reading, happenings: Happenings, forecasts: Forecasts) -> APIRouter:
    router, desk = APIRouter(dependencies=[requires("read")]), reading.desk

    @router.get("/{store}/members")
    async def search(
        request: Request, store: StoreOf, q: Annotated[str, Query(max_length=255)] = ""
    ) -> Response:
        text = q.strip()
        ids = await found(desk, store.store, text) if text else []
        if len(ids) == 1:
            return RedirectResponse(f"{request.url.path}/{ids[0]}", 303)
        return pages.page(request, "members", store, q=q, asked=bool(text), ids=ids)

    @router.get("/{store}/members/{member}")
    async def one(
        request: Request, store: StoreOf, member: Member, lots: PageNumber = 1, coupons: PageNumber = 1
    ) -> Response:
        about = await reading.member(store.store, member)
        state, moment = about.state, forecasts.now()
        held, issued = balances.lots(state), balances.coupons(state)
        return pages.page(
            request,
            "member",
            store,
            member_id=about.member_id,
            member=about.member,
            wallets=balances.wallets(state, store),
            wallet_name=lambda code: store.wallet_type(code).name,
            lots=_Cut(request, "lots", held, lots),
            endless=[lot for lot in held if lot.expires_at is None],
            most=MOST,
            chart=balances.endings(held, store, moment),
            pending=list(islice(state.scan(PendingLot), OUT_OF_REACH)),
            held=list(islice(state.scan(Held), OUT_OF_REACH)),
            out_of_reach=OUT_OF_REACH,
            rungs=balances.rungs(state, store, moment),
            coupons=_Cut(request, "coupons", issued, coupons),
            coupon_status=lambda reward: balances.coupon_status(reward, moment),
        )

    @router.get("/{store}/members/{member}/events")
    async def events(request: Request, store: StoreOf, member: Member, page: PageNumber = 1) -> Response:
        if await desk.found(store.store, member) is None:
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
        self.pages = max(1, -(-len(rows) // A_PAGE))
        self.rows = rows[(page - 1) * A_PAGE : page * A_PAGE]
        self.link = lambda page: f"{link(request, {name: page})}#{name}"
