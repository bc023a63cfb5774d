"""Coupons of issued rewards: used, used again, announced, expired."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from streams.domain import lead_times
from streams.domain.commands import ReinstateCoupon, UseCoupon
from streams.domain.event_context import Act
from streams.domain.events import (
    CouponExpired,
    CouponExpiryAnnounced,
    CouponReinstated,
    CouponUsed,
    Event,
)
from streams.domain.member import is_active, require_active_member, require_member
from streams.domain.state import CouponPlace, IssuedReward, State
from streams.domain.store import StoreSettings
from streams.domain.values import Coupon
from streams.errors import Rejected

VOID_STATUSES = ("canceled", "rejected", "returned")
"""Statuses of a redemption whose coupon is worth nothing."""


def use_coupon(state: State, command: UseCoupon, act: Act) -> Iterator[Event]:
    require_active_member(state, act)
    reward, coupon = _find(state, command.code)
    if reward.used_at:
        raise Rejected("code", command.code, f"was used at {reward.used_at.isoformat()}")
    if reward.status in VOID_STATUSES:
        raise Rejected("code", command.code, f"belongs to a reward that is {reward.status}")
    if act.now < coupon.active_from:
        raise Rejected("code", command.code, f"is not active before {coupon.active_from.isoformat()}")
    if coupon.active_to and act.now >= coupon.active_to:
        raise Rejected("code", command.code, f"expired at {coupon.active_to.isoformat()}")
    yield CouponUsed(**act.stamp("CouponUsed"), issued_reward_id=reward.issued_reward_id, code=coupon.code)


def reinstate_coupon(state: State, command: ReinstateCoupon, act: Act) -> Iterator[Event]:
    require_member(state, act)
    reward, coupon = _find(state, command.code)
    if not reward.used_at:
        raise Rejected("code", command.code, "was not used")
    yield CouponReinstated(
        **act.stamp("CouponReinstated"), issued_reward_id=reward.issued_reward_id, code=coupon.code
    )


def _find(state: State, code: str) -> tuple[IssuedReward, Coupon]:
    place = state.get(CouponPlace, code.encode())
    reward = state.get(IssuedReward, place.issued_reward_id.encode()) if place else None
    if reward is None or reward.coupon is None:
        raise Rejected("code", code, "is no coupon of this member")
    return reward, reward.coupon


def run_coupon_timer(state: State, reward: IssuedReward, act: Act, store: StoreSettings) -> Iterator[Event]:
    """What a coupon's timer brings: first what the member should have been told, then the end."""
    coupon = reward.coupon
    if coupon is None or coupon.active_to is None or not _ends(reward):
        return
    if coupon.active_to <= act.now:
        yield CouponExpired(
            **act.stamp("CouponExpired"), issued_reward_id=reward.issued_reward_id, code=coupon.code
        )
    elif is_active(state):
        for days in _passed(reward, store, act.now):
            yield CouponExpiryAnnounced(
                **act.stamp("CouponExpiryAnnounced", days),
                issued_reward_id=reward.issued_reward_id,
                coupon=coupon,
                days=days,
            )


def _ends(reward: IssuedReward) -> bool:
    """Whether it is still going to expire."""
    return not (reward.used_at or reward.expired or reward.status in VOID_STATUSES)


def _untold(reward: IssuedReward, store: StoreSettings) -> list[int]:
    return lead_times.unannounced_days(store.coupons_expiring_days, reward.announced)


def _end(reward: IssuedReward) -> datetime | None:
    return reward.coupon.active_to if reward.coupon else None


def _passed(reward: IssuedReward, store: StoreSettings, now: datetime) -> list[int]:
    return lead_times.reached_days(_untold(reward, store), _end(reward), now, store.calendar)


def skip_announcements(reward: IssuedReward, store: StoreSettings, now: datetime) -> IssuedReward:
    """The reward after its timer found nothing to tell: what it passed over is not told later."""
    passed = _passed(reward, store, now)
    return schedule_coupon(replace(reward, announced=(*reward.announced, *passed)), store)


def schedule_coupon(reward: IssuedReward, store: StoreSettings) -> IssuedReward:
    """With the next instant at which its timer must look at it."""
    end = _end(reward)
    if end is None or not _ends(reward):
        return replace(reward, due_at=None)
    at = lead_times.next_timer_at(_untold(reward, store), end, reward.issued_at, store.calendar)
    return replace(reward, due_at=at)
