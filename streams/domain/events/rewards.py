"""Facts about issued rewards and their coupons."""

from decimal import Decimal

from streams.domain.events.fact import Fact
from streams.domain.values import (
    Cause,
    Code,
    Coupon,
    Instant,
    RedemptionStatus,
    Text,
    Uuid,
)


class RewardBought(Fact):
    """Comes after the UnitsSpent that paid for it, `transfer_id`, unless it was free."""

    issued_reward_id: Uuid
    reward_id: Uuid
    reward_name: Text
    reward_type: Text
    wallet: Code
    cost: Decimal
    transfer_id: Uuid | None
    coupon: Coupon | None
    cause: Cause | None
    price: Decimal | None = None
    tax: Decimal | None = None
    tax_price_value: Decimal | None = None


class RedemptionStatusChanged(Fact):
    issued_reward_id: Uuid
    old_status: RedemptionStatus
    old_comment: Text | None
    old_at: Instant
    new_status: RedemptionStatus
    new_comment: Text | None


class CouponUsed(Fact):
    issued_reward_id: Uuid
    code: Text


class CouponReinstated(Fact):
    issued_reward_id: Uuid
    code: Text


class CouponExpired(Fact):
    issued_reward_id: Uuid
    code: Text


class CouponExpiryAnnounced(Fact):
    """The coupon's expiry was announced to the member, `days` before."""

    issued_reward_id: Uuid
    coupon: Coupon
    days: int


RewardEvent = (
    RewardBought
    | RedemptionStatusChanged
    | CouponUsed
    | CouponReinstated
    | CouponExpired
    | CouponExpiryAnnounced
)
