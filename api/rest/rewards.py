"""Rewards bought and redeemed, coupons used: /reward/…, /redemption/…, /member/{member}/reward/…"""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field

from api.auth.scopes import require_scope
from api.contract.fields import MEMBER_PATH, BodyModel, Comment, MemberText, TextLine, id_in_path
from api.contract.json_body import Router
from api.services.command_service import ChangeRequest, CommandService
from streams.domain.commands import (
    AssignReward,
    BuyReward,
    ChangeRedemptionStatus,
    ReinstateCoupon,
    UseCoupon,
)
from streams.domain.event_context import EventContext
from streams.domain.state import IssuedReward
from streams.domain.values import RedemptionStatus

REWARD_FIELDS = {"reward_id": "reward", "member_id": "customerId", "issued_reward_id": "issuedReward"}


class PurchaseBody(BodyModel):
    customer_id: MemberText
    quantity: Annotated[int, Field(ge=1, le=100)] = 1
    without_points: bool = False


class RedemptionStatusBody(BodyModel):
    status: RedemptionStatus
    comment: Comment | None = None


class CouponBody(BodyModel):
    coupon_code: TextLine


RewardId = Annotated[str, id_in_path("reward")]
IssuedRewardId = Annotated[str, id_in_path("issuedReward")]


def routes(command_service: CommandService) -> APIRouter:
    router = Router(prefix="/api/{storeCode}", tags=["rewards"], dependencies=[require_scope("commands")])
    head = Depends(command_service.asked)

    @router.post("/reward/{reward}/buy", summary="Buy a reward for a member")
    async def buy(asked: Annotated[ChangeRequest, head], reward: RewardId, body: PurchaseBody) -> Response:
        """One issued reward for each of `quantity`; `withoutPoints`: at no cost."""
        command = AssignReward if body.without_points else BuyReward
        bought = command(
            **asked.head(await command_service.member_in(asked.store, body.customer_id, "customerId")),
            reward_id=reward,
            quantity=body.quantity,
        )

        def made(act: EventContext) -> object:
            return [{"issuedRewardId": act.id("issued_reward", i)} for i in range(body.quantity)]

        return await command_service.answer(asked, bought, REWARD_FIELDS, made)

    @router.post("/redemption/{issuedReward}/status", summary="Say how far a reward is", status_code=204)
    async def status(
        asked: Annotated[ChangeRequest, head], issued_reward: IssuedRewardId, body: RedemptionStatusBody
    ) -> Response:
        return await _status(command_service, asked, issued_reward, body.status, body.comment)

    @router.post("/redemption/{issuedReward}/cancel", summary="Cancel an issued reward", status_code=204)
    async def cancel(asked: Annotated[ChangeRequest, head], issued_reward: IssuedRewardId) -> Response:
        return await _status(command_service, asked, issued_reward, "canceled", None)

    @router.post("/member/{member}/reward/redeem", summary="Use a coupon")
    async def redeem(
        asked: Annotated[ChangeRequest, head], member: Annotated[str, MEMBER_PATH], body: CouponBody
    ) -> Response:
        return await _coupon(command_service, asked, member, body.coupon_code, UseCoupon)

    @router.post("/member/{member}/reward/reissue", summary="A used coupon may be used again")
    async def reissue(
        asked: Annotated[ChangeRequest, head], member: Annotated[str, MEMBER_PATH], body: CouponBody
    ) -> Response:
        return await _coupon(command_service, asked, member, body.coupon_code, ReinstateCoupon)

    return router


async def _status(
    command_service: CommandService,
    asked: ChangeRequest,
    issued_reward: str,
    status: RedemptionStatus,
    comment: str | None,
) -> Response:
    member_id = await command_service.owner_of(asked.store, (IssuedReward,), issued_reward)
    command = ChangeRedemptionStatus(
        **asked.head(member_id), issued_reward_id=issued_reward, status=status, comment=comment
    )
    return await command_service.answer(asked, command, REWARD_FIELDS)


async def _coupon(
    command_service: CommandService,
    asked: ChangeRequest,
    member: str,
    code: str,
    command: type[UseCoupon] | type[ReinstateCoupon],
) -> Response:
    def made(act: EventContext) -> object:
        return {"code": code, "used": command is UseCoupon, "customerId": act.member_id}

    handing = command(**asked.head(await command_service.member(asked.store, member)), code=code)
    return await command_service.answer(asked, handing, {"code": "couponCode"}, made)
