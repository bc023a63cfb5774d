"""Entries of issued rewards and their coupons."""

from datetime import datetime
from decimal import Decimal

from streams.domain.state.entry import Entry
from streams.domain.values import (
    Coupon,
    Instant,
    RedemptionStatus,
    Text,
    Uuid,
)


class IssuedReward(Entry):
    table, letter = "coupons", b"r"

    issued_reward_id: Uuid
    reward_id: Uuid
    issued_at: Instant
    cost: Decimal
    coupon: Coupon | None
    reward_name: Text = ""
    reward_type: Text = ""
    status: RedemptionStatus = "issued"
    status_comment: Text | None = None
    status_at: Instant | None = None
    """When the status was set; None: when the reward was issued."""
    price: Decimal | None = None
    tax: Decimal | None = None
    tax_price_value: Decimal | None = None
    used_at: Instant | None = None
    expired: bool = False
    announced: tuple[int, ...] = ()
    due_at: Instant | None = None

    def key(self) -> bytes:
        return self.issued_reward_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.due_at


class CouponPlace(Entry):
    """Finds the issued reward of a coupon's code."""

    table, letter = "coupons", b"k"

    code: Text
    issued_reward_id: Uuid

    def key(self) -> bytes:
        return self.code.encode()
