"""Rules of rewards: bought with units, assigned by hand or given by campaigns, and their redemption
status."""

from collections.abc import Iterator
from datetime import timedelta

from streams.domain.commands import AssignReward, BuyReward, ChangeRedemptionStatus
from streams.domain.event_context import EventContext
from streams.domain.events import Event, RedemptionStatusChanged, RewardBought, UnitsSpent
from streams.domain.ledger import draw_and_spend, require_available, require_wallet
from streams.domain.member import require_active_member, require_member
from streams.domain.state import IssuedReward, State
from streams.domain.store import Reward, StoreSettings
from streams.domain.values import Cause, Coupon
from streams.errors import Rejected


def buy_reward(
    state: State, command: BuyReward, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """Yields one spend and one issued reward for each of `quantity`; all of them or none."""
    require_active_member(state, context)
    reward = require_reward(store, command.reward_id)
    wallet = require_wallet(store, reward.wallet)
    require_available(state, wallet, "cost", reward.cost * command.quantity)
    for index in range(command.quantity):
        payment = (
            draw_and_spend(state, wallet, reward.cost, context, comment=reward.name, index=index)
            if reward.cost
            else None
        )
        if payment:
            yield payment
        yield issue_reward(reward, context, store, index, payment=payment)


def assign_reward(
    state: State, command: AssignReward, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    require_active_member(state, context)
    reward = require_reward(store, command.reward_id)
    for index in range(command.quantity):
        yield issue_reward(reward, context, store, index)


def require_reward(store: StoreSettings, reward_id: str) -> Reward:
    reward = store.reward(reward_id)
    if reward is None:
        raise Rejected("reward_id", reward_id, f"is no active reward of store {store.store!r}")
    return reward


def issue_reward(
    reward: Reward,
    context: EventContext,
    store: StoreSettings,
    index: int,
    *,
    payment: UnitsSpent | None = None,
    cause: Cause | None = None,
) -> RewardBought:
    """The event of an issued reward. Without `payment` it was free."""
    return RewardBought(
        **context.stamp("RewardBought", index),
        issued_reward_id=context.id("issued_reward", index),
        reward_id=reward.reward_id,
        reward_name=reward.name,
        reward_type=reward.reward_type,
        wallet=payment.wallet if payment else require_wallet(store, reward.wallet).code,
        cost=payment.units if payment else reward.cost * 0,
        transfer_id=payment.transfer_id if payment else None,
        coupon=_make_coupon(reward, context, store, index),
        cause=cause,
        price=reward.price,
        tax=reward.tax,
        tax_price_value=reward.tax_price_value,
    )


def _make_coupon(reward: Reward, context: EventContext, store: StoreSettings, index: int) -> Coupon | None:
    if reward.coupon_value is None:
        return None
    active_from = context.now + timedelta(days=reward.days_inactive)
    days = reward.days_valid
    return Coupon(
        code=context.id("coupon", index).replace("-", "")[:16].upper(),
        value=reward.coupon_value,
        value_type=reward.coupon_value_type,
        active_from=active_from,
        active_to=store.calendar.end_of_day(active_from, days) if days else None,
    )


def change_redemption_status(
    state: State, command: ChangeRedemptionStatus, context: EventContext
) -> Iterator[Event]:
    require_member(state, context)
    reward = state.get(IssuedReward, command.issued_reward_id.encode())
    if reward is None:
        raise Rejected(
            "issued_reward_id", command.issued_reward_id, "is no reward that the member was issued"
        )
    if (reward.status, reward.status_comment) == (command.status, command.comment):
        raise Rejected("status", command.status, "is the status already, with the same comment")
    yield RedemptionStatusChanged(
        **context.stamp("RedemptionStatusChanged"),
        issued_reward_id=reward.issued_reward_id,
        old_status=reward.status,
        old_comment=reward.status_comment,
        old_at=reward.status_at or reward.issued_at,
        new_status=command.status,
        new_comment=command.comment,
    )
