"""Shapes of the bodies about rewards, coupons and campaigns."""

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from streams.domain.values import EffectType, RedemptionStatus, TriggerType
from streams.webhooks.shapes import ActionCause, Amount, Contact, Id, Moment, Place


class CouponIssued(TypedDict):
    code: str
    value: Amount
    activeFrom: Moment
    activeTo: Moment | None


class CouponOfUse(CouponIssued):
    usedAt: Moment | None


class CouponBought(CouponOfUse):
    status: Literal["active", "inactive"]


class CouponOfType(CouponOfUse):
    valueType: Literal["money", "percentage"]


class RewardNamed(TypedDict):
    rewardId: Id
    rewardName: str
    rewardType: str


class Redemption(TypedDict):
    redeemedRewardId: Id


class BoughtRewardBody(TypedDict):
    customer: Contact
    coupon: CouponBought | None
    reward: RewardNamed
    rewardRedemption: Redemption
    costInPoints: Amount
    actionCause: ActionCause | None


class CouponWillExpireBody(TypedDict):
    customer: Contact
    issuedCoupon: CouponOfType


class Redeemer(TypedDict):
    email: str | None
    firstName: str | None
    lastName: str | None
    companyName: str | None
    nip: str | None
    phone: str | None
    loyaltyCardNumber: str | None
    address: Place | None


class IssuedReward(TypedDict):
    issuedRewardId: Id
    token: str
    name: str
    customerId: Id
    status: RedemptionStatus
    costInPoints: Amount
    tax: Amount | None
    taxPriceValue: Amount | None
    price: Amount | None
    redemptionDate: Moment
    customerData: Redeemer
    rewardType: str
    rewardId: Id
    issuedCoupon: CouponIssued | None


class RedemptionStatusBody(TypedDict):
    issuedReward: IssuedReward
    newStatus: RedemptionStatus
    newComment: str | None
    newDate: Moment
    oldStatus: RedemptionStatus
    oldComment: str | None
    oldDate: Moment


class PurchaseTrigger(TypedDict):
    type: Literal["transaction", "return_transaction"]
    triggerId: Id
    createdAt: Moment
    purchasedAt: Moment | None
    documentNumber: str | None


class CustomEventTrigger(TypedDict):
    type: Literal["custom_event"]
    triggerId: Id
    createdAt: Moment
    eventDate: Moment | None
    eventId: Id


class InternalPayload(TypedDict):
    eventName: str | None


class InternalEventTrigger(TypedDict):
    type: Literal["internal_event"]
    triggerId: Id
    createdAt: Moment
    payload: InternalPayload


class CampaignRun(TypedDict):
    campaignId: Id
    name: str
    triggerType: TriggerType
    trigger: PurchaseTrigger | CustomEventTrigger | InternalEventTrigger


class Effect(TypedDict):
    status: Literal["success", "skipped", "failed"]
    target: Annotated[str, Meta(description="Id of the member who got it.")]
    walletTypeCode: str | None
    type: EffectType
    points: Amount | None
    couponValue: Amount | None
    rewardId: Id | None


class CampaignEffectBody(TypedDict):
    member: Contact
    campaign: CampaignRun
    effectsGiven: list[Effect]
    redemptionCode: str | None
