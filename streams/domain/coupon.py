"""Rules of coupons: use, reinstatement, announcement and expiry."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from streams.domain import lead_times
from streams.domain.commands import ReinstateCoupon, UseCoupon
from streams.domain.event_context import EventContext
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
"""Redemption statuses in which the coupon is void."""


def use_coupon(state: State, command: UseCoupon, context: EventContext) -> Iterator[Event]:
    require_active_member(state, context)
    reward, coupon = _find_coupon(state, command.code)
    if reward.used_at:
        raise Rejected("code", command.code, f"was used at {reward.used_at.isoformat()}")
    if reward.status in VOID_STATUSES:
        raise Rejected("code", command.code, f"belongs to a reward that is {reward.status}")
    if context.now < coupon.active_from:
        raise Rejected("code", command.code, f"is not active before {coupon.active_from.isoformat()}")
    if coupon.active_to and context.now >= coupon.active_to:
        raise Rejected("code", command.code, f"expired at {coupon.active_to.isoformat()}")
    yield CouponUsed(
        **context.stamp("CouponUsed"), issued_reward_id=reward.issued_reward_id, code=coupon.code
    )


def reinstate_coupon(state: State, command: ReinstateCoupon, context: EventContext) -> Iterator[Event]:
    require_member(state, context)
    reward, coupon = _find_coupon(state, command.code)
    if not reward.used_at:
        raise Rejected("code", command.code, "was not used")
    yield CouponReinstated(
        **context.stamp("CouponReinstated"), issued_reward_id=reward.issued_reward_id, code=coupon.code
    )


def _find_coupon(state: State, code: str) -> tuple[IssuedReward, Coupon]:
    place = state.get(CouponPlace, code.encode())
    reward = state.get(IssuedReward, place.issued_reward_id.encode()) if place else None
    if reward is None or reward.coupon is None:
        raise Rejected("code", code, "is no coupon of this member")
    return reward, reward.coupon


def run_coupon_timer(
    state: State, reward: IssuedReward, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """The events of a coupon's timer: overdue announcements first, then the expiry."""
    coupon = reward.coupon
    if coupon is None or coupon.active_to is None or not _can_expire(reward):
        return
    if coupon.active_to <= context.now:
        yield CouponExpired(
            **context.stamp("CouponExpired"), issued_reward_id=reward.issued_reward_id, code=coupon.code
        )
    elif is_active(state):
        for days in _reached_days(reward, store, context.now):
            yield CouponExpiryAnnounced(
                **context.stamp("CouponExpiryAnnounced", days),
                issued_reward_id=reward.issued_reward_id,
                coupon=coupon,
                days=days,
            )


def _can_expire(reward: IssuedReward) -> bool:
    """Whether the coupon can still expire."""
    return not (reward.used_at or reward.expired or reward.status in VOID_STATUSES)


def _unannounced_days(reward: IssuedReward, store: StoreSettings) -> list[int]:
    return lead_times.unannounced_days(store.coupons_expiring_days, reward.announced)


def _coupon_end(reward: IssuedReward) -> datetime | None:
    return reward.coupon.active_to if reward.coupon else None


def _reached_days(reward: IssuedReward, store: StoreSettings, now: datetime) -> list[int]:
    return lead_times.reached_days(_unannounced_days(reward, store), _coupon_end(reward), now, store.calendar)


def skip_announcements(reward: IssuedReward, store: StoreSettings, now: datetime) -> IssuedReward:
    """The reward after its timer announced nothing: skipped lead times are not announced later."""
    passed = _reached_days(reward, store, now)
    return schedule_coupon(replace(reward, announced=(*reward.announced, *passed)), store)


def schedule_coupon(reward: IssuedReward, store: StoreSettings) -> IssuedReward:
    """The reward with the next due time of its timer."""
    end = _coupon_end(reward)
    if end is None or not _can_expire(reward):
        return replace(reward, due_at=None)
    at = lead_times.next_timer_at(_unannounced_days(reward, store), end, reward.issued_at, store.calendar)
    return replace(reward, due_at=at)
