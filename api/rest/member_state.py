"""GET /api/{storeCode}/member/{member}…: what a member has, and had.

It is read from a replica of the workers' tables in this process. An answer shows everything that was
committed before the request came, by whichever process: it waits until the replica has reached the ends which
the changelogs had at that moment.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Protocol

from fastapi import APIRouter, Query
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api.auth.scopes import require_scope
from api.contract import member_bodies
from api.contract.fields import MEMBER_PATH, StoreCode
from api.contract.json_body import Router
from api.contract.listing import MAX_PAGES, PageNumber, PageSize, read_instant_at, slice_page
from api.problems import Complaint, Invalid
from api.services.command_service import CommandService
from streams.domain.events import Event
from streams.domain.state import DataKey, IssuedReward, Lot, Member, State
from streams.domain.store import StoreSettings
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.stages.member_replay import TooManyFacts, replay_member, replay_webhook_events
from streams.webhooks.events import WebhookEvent

MemberFacts = tuple[tuple[Event, tuple[WebhookEvent, ...]], ...]
MEMBER_TABLES = ("members", "ledgers", "coupons")
MemberInPath = Annotated[str, MEMBER_PATH]


class MemberHistory(Protocol):
    async def of(self, owner: str) -> Iterable[Record]:
        """An owner's facts, in their order. Raises TooMuch, or Retryable."""


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A member and all that it has."""

    member_id: str
    member: Member
    state: State
    store: StoreSettings


@dataclass(frozen=True, slots=True)
class MemberReads:
    command_service: CommandService
    past: MemberHistory

    async def member(self, store: str, text: str) -> FoundMember:
        """As of now. Raises 404."""
        settings = self.command_service.settings(store)
        member_id = await self.command_service.member(store, text)
        owner = owner_of(store, member_id)
        await self.command_service.book.current(owner, MEMBER_TABLES)
        state = self.command_service.book.state(owner)
        member = state.get(Member)
        if member is None:
            raise HTTPException(404)
        return FoundMember(member_id, member, state, settings)

    async def balance(self, store: str, text: str, at: datetime) -> list[member_bodies.JsonRow]:
        settings = self.command_service.settings(store)
        member_id = await self.command_service.member(store, text)
        owner = owner_of(store, member_id)
        state = replay_member(owner, await self._facts(owner), settings, at)
        if state.get(Member) is None:
            # Not a member yet.
            raise HTTPException(404)
        return list(member_bodies.wallet_rows(member_id, state, settings))

    async def history(self, store: str, member_id: str) -> MemberFacts:
        """All that happened to a member, the oldest first, with the webhook events that tell of it.

        Raises Invalid where its partition holds too many facts.
        """
        owner, settings = owner_of(store, member_id), self.command_service.settings(store)
        facts = await self._facts(owner)
        await self.command_service.book.current(owner, (DataKey.table,))
        key = self.command_service.book.state(owner).get(DataKey)
        secret = key.secret if key else None
        return await asyncio.to_thread(lambda: tuple(replay_webhook_events(owner, facts, settings, secret)))

    async def _facts(self, owner: str) -> Iterable[Record]:
        try:
            return await self.past.of(owner)
        except TooManyFacts as reason:
            raise Invalid(Complaint("at", f"The past cannot be told: {reason}.", "too_much")) from None


def routes(reading: MemberReads) -> APIRouter:
    router = Router(
        prefix="/api/{storeCode}/member/{member}", tags=["members"], dependencies=[require_scope("read")]
    )

    @router.get("", summary="Read a member")
    async def member(store: StoreCode, member: MemberInPath) -> Response:
        found = await reading.member(store, member)
        return member_bodies.exact_json(member_bodies.member_row(found.member_id, found.member, found.store))

    @router.get("/wallet", summary="A member's wallets and their counters")
    async def wallets(
        store: StoreCode,
        member: MemberInPath,
        at: Annotated[str | None, Query(max_length=64, description=_AT)] = None,
    ) -> Response:
        if at is None:
            found = await reading.member(store, member)
            return _whole(member_bodies.wallet_rows(found.member_id, found.state, found.store))
        return _whole(await reading.balance(store, member, read_instant_at("at", at)))

    _rows(router, reading, "lot", "Units not yet spent or expired, in spending order", _lots)
    _rows(router, reading, "transfer", "Transfers that can still be cancelled or activated", _transfers)
    _rows(router, reading, "reward", "Rewards that the member was issued, with their coupons", _rewards)

    @router.get("/tier", summary="A member's tiers and the way to the next")
    async def tiers(store: StoreCode, member: MemberInPath) -> Response:
        found = await reading.member(store, member)
        return _whole(member_bodies.tier_rows(found.state, found.store, reading.command_service.now()))

    return router


def _rows(
    router: APIRouter,
    reading: MemberReads,
    name: str,
    summary: str,
    rows: Callable[[State], Iterable[member_bodies.JsonRow]],
) -> None:
    @router.get(f"/{name}", summary=summary, name=name)
    async def page(
        store: StoreCode, member: MemberInPath, page: PageNumber = 1, size: PageSize = 10
    ) -> Response:
        found = await reading.member(store, member)
        return member_bodies.exact_json(
            slice_page(list(islice(rows(found.state), MAX_PAGES)), page, size, lambda row: row)
        )


def _lots(state: State) -> Iterable[member_bodies.JsonRow]:
    return member_bodies.lot_rows(state.scan(Lot))


def _transfers(state: State) -> Iterable[member_bodies.JsonRow]:
    return member_bodies.transfer_rows(state)


def _rewards(state: State) -> Iterable[member_bodies.JsonRow]:
    return member_bodies.coupon_rows(state.scan(IssuedReward))


def _whole(rows: Iterable[member_bodies.JsonRow]) -> Response:
    items = list(rows)
    return member_bodies.exact_json(slice_page(items, 1, MAX_PAGES, lambda row: row))


_AT = (
    "An instant: the balance as it was then, made again from the facts of that time. It reads the whole "
    "partition of the member: 400 where that holds more facts than LOYALTY_HISTORY_RECORDS."
)
