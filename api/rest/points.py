"""/api/{storeCode}/points/…: units given, taken, blocked, moved."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api.auth.scopes import requires
from api.contract.fields import Code, Comment, Days, MemberText, Model, Units, id_in_path
from api.contract.json_body import Router
from api.services.command_service import Asked, Desk
from streams.domain.commands import (
    ActivateUnits,
    AddUnits,
    BlockUnits,
    CancelTransfer,
    ExpireUnits,
    SpendUnits,
    TransferUnits,
)
from streams.domain.event_context import EventContext
from streams.domain.state import Held, PendingLot, Transfer

FIELDS = {
    "units": "transfer.points",
    "wallet": "transfer.walletCode",
    "member_id": "transfer.customer",
    "receiver_id": "transfer.receiver",
}
Ending = type[ActivateUnits] | type[CancelTransfer] | type[ExpireUnits]
ENDINGS: tuple[tuple[str, Ending, str], ...] = (
    ("activate", ActivateUnits, "Make pending units active now"),
    ("cancel", CancelTransfer, "Take back what a transfer gave, or end a blocking one"),
    ("expire", ExpireUnits, "Let what is left of a transfer expire now"),
)
TransferId = Annotated[str, id_in_path("transfer")]


class Taking(Model):
    customer: MemberText
    points: Units
    wallet_code: Code | None = None
    comment: Comment | None = None


class Giving(Taking):
    expires_in_days: Days | None = None
    locked_until_days: Days | None = None


class Moving(Model):
    sender: MemberText
    receiver: MemberText
    points: Units
    wallet_code: Code | None = None
    comment: Comment | None = None


class TakingBody(Model):
    transfer: Taking


class GivingBody(Model):
    transfer: Giving


class MovingBody(Model):
    transfer: Moving


def routes(desk: Desk) -> APIRouter:
    router = Router(prefix="/api/{storeCode}/points", tags=["points"], dependencies=[requires("commands")])
    head = Depends(desk.asked)

    @router.post("/add", summary="Give units by hand")
    async def add(asked: Annotated[Asked, head], body: GivingBody) -> Response:
        """The days override the wallet type's policy."""
        given = body.transfer
        command = AddUnits(
            **asked.head(await _customer(desk, asked, given)),
            units=given.points,
            wallet=given.wallet_code,
            comment=given.comment,
            expires_in_days=given.expires_in_days,
            locked_for_days=given.locked_until_days,
        )
        return await desk.answer(asked, command, FIELDS, lambda act: _transfer(act, "lot"))

    @router.post("/spend", summary="Take units away")
    async def spend(asked: Annotated[Asked, head], body: TakingBody) -> Response:
        return await _take(desk, asked, body.transfer, SpendUnits, "spending")

    @router.post("/block", summary="Make units unusable")
    async def block(asked: Annotated[Asked, head], body: TakingBody) -> Response:
        return await _take(desk, asked, body.transfer, BlockUnits, "blocking")

    @router.post("/transfer", summary="Give units to another member")
    async def transfer(asked: Annotated[Asked, head], body: MovingBody) -> Response:
        """Answered once the receiver has them, or could not take them."""
        moving = body.transfer
        sender = await desk.member_in(asked.store, moving.sender, "transfer.sender")
        command = TransferUnits(
            **asked.head(sender),
            receiver_id=await desk.member_in(asked.store, moving.receiver, "transfer.receiver"),
            units=moving.points,
            wallet=moving.wallet_code,
            comment=moving.comment,
        )
        fields = {**FIELDS, "member_id": "transfer.sender"}
        return await desk.answer(asked, command, fields, lambda act: _transfer(act, "giving"))

    for name, command, summary in ENDINGS:
        _ending(router, desk, name, command, summary)
    return router


def _ending(router: APIRouter, desk: Desk, name: str, command: Ending, summary: str) -> None:
    @router.post(
        f"/{{transfer}}/{name}", summary=summary, description=command.__doc__, status_code=204, name=name
    )
    async def end(asked: Annotated[Asked, Depends(desk.asked)], transfer: TransferId) -> Response:
        member_id = await desk.owner_of(asked.store, (Transfer, PendingLot, Held), transfer)
        ending = command(**asked.head(member_id), transfer_id=transfer)
        return await desk.answer(asked, ending, {"transfer_id": "transfer"})


async def _customer(desk: Desk, asked: Asked, taking: Taking) -> str:
    return await desk.member_in(asked.store, taking.customer, "transfer.customer")


async def _take(
    desk: Desk, asked: Asked, taking: Taking, command: type[SpendUnits] | type[BlockUnits], kind: str
) -> Response:
    taken = command(
        **asked.head(await _customer(desk, asked, taking)),
        units=taking.points,
        wallet=taking.wallet_code,
        comment=taking.comment,
    )
    return await desk.answer(asked, taken, FIELDS, lambda act: _transfer(act, kind))


def _transfer(act: EventContext, kind: str) -> object:
    return {"transferId": act.id(kind)}
