"""From facts about issued rewards to the webhook events about rewards and coupons."""

from collections.abc import Iterator
from typing import get_args

from streams.domain.events import CouponExpiryAnnounced, RedemptionStatusChanged, RewardBought, RewardEvent
from streams.domain.state import IssuedReward, Member, State
from streams.domain.store import StoreSettings
from streams.webhooks.derivation import derives
from streams.webhooks.event_header import customer, webhook_event_header
from streams.webhooks.events import (
    CouponWillExpire,
    CustomerBoughtReward,
    RewardRedemptionStatusChanged,
    WebhookEvent,
)


@derives(*get_args(RewardEvent))
def reward_webhook_events(event: RewardEvent, state: State, _: StoreSettings) -> Iterator[WebhookEvent]:
    match event:
        case RewardBought():
            yield _reward_bought(event, state)
        case RedemptionStatusChanged():
            yield _status_changed(event, state)
        case CouponExpiryAnnounced():
            yield CouponWillExpire(
                **webhook_event_header(event, "CouponWillExpire"),
                customer=customer(state, event.member_id),
                issued_reward_id=event.issued_reward_id,
                coupon=event.coupon,
                days=event.days,
            )
        case _:
            pass


def _reward_bought(event: RewardBought, state: State) -> CustomerBoughtReward:
    return CustomerBoughtReward(
        **webhook_event_header(event, "CustomerBoughtReward"),
        customer=customer(state, event.member_id),
        issued_reward_id=event.issued_reward_id,
        reward_id=event.reward_id,
        reward_name=event.reward_name,
        reward_type=event.reward_type,
        cost=event.cost,
        coupon=event.coupon,
        cause=event.cause,
    )


def _status_changed(event: RedemptionStatusChanged, state: State) -> RewardRedemptionStatusChanged:
    reward = state.get(IssuedReward, event.issued_reward_id.encode())
    member = state.get(Member)
    if reward is None or member is None:
        raise LookupError(f"reward {event.issued_reward_id} has facts but was not issued")
    return RewardRedemptionStatusChanged(
        **webhook_event_header(event, "RewardRedemptionStatusChanged"),
        customer=customer(state, event.member_id),
        profile=member.profile,
        issued_reward_id=reward.issued_reward_id,
        token=reward.coupon.code if reward.coupon else reward.issued_reward_id,
        reward_id=reward.reward_id,
        reward_name=reward.reward_name,
        reward_type=reward.reward_type,
        cost=reward.cost,
        price=reward.price,
        tax=reward.tax,
        tax_price_value=reward.tax_price_value,
        redeemed_at=reward.issued_at,
        coupon=reward.coupon,
        new_status=event.new_status,
        new_comment=event.new_comment,
        new_at=event.occurred_at,
        old_status=event.old_status,
        old_comment=event.old_comment,
        old_at=event.old_at,
    )
