"""Applies facts about issued rewards and their coupons."""

from collections.abc import Iterator
from typing import assert_never

from msgspec.structs import replace

from streams.domain import coupon
from streams.domain.events import (
    CouponExpired,
    CouponExpiryAnnounced,
    CouponReinstated,
    CouponUsed,
    RedemptionStatusChanged,
    RewardBought,
    RewardEvent,
)
from streams.domain.state import Change, CouponPlace, IssuedReward, State
from streams.domain.store import StoreSettings


def evolve_reward(state: State, event: RewardEvent, store: StoreSettings) -> Iterator[Change]:
    if isinstance(event, RewardBought):
        yield coupon.schedule_coupon(_issued_reward(event), store)
        if event.coupon:
            yield CouponPlace(code=event.coupon.code, issued_reward_id=event.issued_reward_id)
        return
    reward = state.get(IssuedReward, event.issued_reward_id.encode())
    if reward is None:
        raise LookupError(f"reward {event.issued_reward_id} has facts but was not issued")
    yield coupon.schedule_coupon(_changed_reward(reward, event), store)


def _issued_reward(event: RewardBought) -> IssuedReward:
    return IssuedReward(
        issued_reward_id=event.issued_reward_id,
        reward_id=event.reward_id,
        issued_at=event.occurred_at,
        cost=event.cost,
        coupon=event.coupon,
        reward_name=event.reward_name,
        reward_type=event.reward_type,
        price=event.price,
        tax=event.tax,
        tax_price_value=event.tax_price_value,
    )


def _changed_reward(
    reward: IssuedReward,
    event: RedemptionStatusChanged | CouponUsed | CouponReinstated | CouponExpired | CouponExpiryAnnounced,
) -> IssuedReward:
    match event:
        case RedemptionStatusChanged():
            return replace(
                reward,
                status=event.new_status,
                status_comment=event.new_comment,
                status_at=event.occurred_at,
            )
        case CouponUsed():
            return replace(reward, used_at=event.occurred_at)
        case CouponReinstated():
            return replace(reward, used_at=None)
        case CouponExpired():
            return replace(reward, expired=True)
        case CouponExpiryAnnounced():
            return replace(reward, announced=(*reward.announced, event.days))
        case _:
            assert_never(event)
