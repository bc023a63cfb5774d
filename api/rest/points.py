"""/api/{storeCode}/points/…: units given, taken, blocked, moved."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api.auth.scopes import require_scope
from api.contract.fields import BodyModel, Code, Comment, Days, MemberText, Units, id_in_path
from api.contract.json_body import Router
from api.services.command_service import ChangeRequest, CommandService
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

POINTS_FIELDS = {
    "units": "transfer.points",
    "wallet": "transfer.walletCode",
    "member_id": "transfer.customer",
    "receiver_id": "transfer.receiver",
}
TransferEnding = type[ActivateUnits] | type[CancelTransfer] | type[ExpireUnits]
TRANSFER_ENDINGS: tuple[tuple[str, TransferEnding, str], ...] = (
    ("activate", ActivateUnits, "Make pending units active now"),
    ("cancel", CancelTransfer, "Take back what a transfer gave, or end a blocking one"),
    ("expire", ExpireUnits, "Let what is left of a transfer expire now"),
)
TransferId = Annotated[str, id_in_path("transfer")]


class PointsTaking(BodyModel):
    customer: MemberText
    points: Units
    wallet_code: Code | None = None
    comment: Comment | None = None


class PointsGiving(PointsTaking):
    expires_in_days: Days | None = None
    locked_until_days: Days | None = None


class PointsTransfer(BodyModel):
    sender: MemberText
    receiver: MemberText
    points: Units
    wallet_code: Code | None = None
    comment: Comment | None = None


class PointsTakingBody(BodyModel):
    transfer: PointsTaking


class PointsGivingBody(BodyModel):
    transfer: PointsGiving


class PointsTransferBody(BodyModel):
    transfer: PointsTransfer


def routes(command_service: CommandService) -> APIRouter:
    router = Router(
        prefix="/api/{storeCode}/points", tags=["points"], dependencies=[require_scope("commands")]
    )
    head = Depends(command_service.asked)

    @router.post("/add", summary="Give units by hand")
    async def add(asked: Annotated[ChangeRequest, head], body: PointsGivingBody) -> Response:
        """The days override the wallet type's policy."""
        given = body.transfer
        command = AddUnits(
            **asked.head(await _customer(command_service, asked, given)),
            units=given.points,
            wallet=given.wallet_code,
            comment=given.comment,
            expires_in_days=given.expires_in_days,
            locked_for_days=given.locked_until_days,
        )
        return await command_service.answer(asked, command, POINTS_FIELDS, lambda act: _transfer(act, "lot"))

    @router.post("/spend", summary="Take units away")
    async def spend(asked: Annotated[ChangeRequest, head], body: PointsTakingBody) -> Response:
        return await _take(command_service, asked, body.transfer, SpendUnits, "spending")

    @router.post("/block", summary="Make units unusable")
    async def block(asked: Annotated[ChangeRequest, head], body: PointsTakingBody) -> Response:
        return await _take(command_service, asked, body.transfer, BlockUnits, "blocking")

    @router.post("/transfer", summary="Give units to another member")
    async def transfer(asked: Annotated[ChangeRequest, head], body: PointsTransferBody) -> Response:
        """Answered once the receiver has them, or could not take them."""
        moving = body.transfer
        sender = await command_service.member_in(asked.store, moving.sender, "transfer.sender")
        command = TransferUnits(
            **asked.head(sender),
            receiver_id=await command_service.member_in(asked.store, moving.receiver, "transfer.receiver"),
            units=moving.points,
            wallet=moving.wallet_code,
            comment=moving.comment,
        )
        fields = {**POINTS_FIELDS, "member_id": "transfer.sender"}
        return await command_service.answer(asked, command, fields, lambda act: _transfer(act, "giving"))

    for name, command, summary in TRANSFER_ENDINGS:
        _ending(router, command_service, name, command, summary)
    return router


def _ending(
    router: APIRouter, command_service: CommandService, name: str, command: TransferEnding, summary: str
) -> None:
    @router.post(
        f"/{{transfer}}/{name}", summary=summary, description=command.__doc__, status_code=204, name=name
    )
    async def end(
        asked: Annotated[ChangeRequest, Depends(command_service.asked)], transfer: TransferId
    ) -> Response:
        member_id = await command_service.owner_of(asked.store, (Transfer, PendingLot, Held), transfer)
        ending = command(**asked.head(member_id), transfer_id=transfer)
        return await command_service.answer(asked, ending, {"transfer_id": "transfer"})


async def _customer(command_service: CommandService, asked: ChangeRequest, taking: PointsTaking) -> str:
    return await command_service.member_in(asked.store, taking.customer, "transfer.customer")


async def _take(
    command_service: CommandService,
    asked: ChangeRequest,
    taking: PointsTaking,
    command: type[SpendUnits] | type[BlockUnits],
    kind: str,
) -> Response:
    taken = command(
        **asked.head(await _customer(command_service, asked, taking)),
        units=taking.points,
        wallet=taking.wallet_code,
        comment=taking.comment,
    )
    return await command_service.answer(asked, taken, POINTS_FIELDS, lambda act: _transfer(act, kind))


def _transfer(act: EventContext, kind: str) -> object:
    return {"transferId": act.id(kind)}
