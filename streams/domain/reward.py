"""Rewards of the catalogue, bought with units and issued with a coupon."""

from collections.abc import Iterator
from datetime import timedelta

from streams.domain.act import Act
from streams.domain.commands import BuyReward
from streams.domain.events import Event, RewardBought
from streams.domain.ledger import require_available, spent, the_wallet
from streams.domain.member import require
from streams.domain.state import State
from streams.domain.store import Reward, StoreSettings
from streams.domain.values import Coupon
from streams.errors import Rejected


def buy(state: State, command: BuyReward, act: Act, store: StoreSettings) -> Iterator[Event]:
    """One spend and one issued reward for each of `quantity`: all of them or none."""
    require(state, act)
    reward = store.reward(command.reward_id)
    if reward is None:
        raise Rejected("reward_id", command.reward_id, f"is no active reward of store {store.store!r}")
    wallet = the_wallet(store, reward.wallet)
    require_available(state, wallet, "cost", reward.cost * command.quantity)
    for index in range(command.quantity):
        payment = (
            spent(state, wallet, reward.cost, act, comment=reward.name, index=index) if reward.cost else None
        )
        if payment:
            yield payment
        yield RewardBought(
            **act.stamp("RewardBought", index),
            issued_reward_id=act.id("issued_reward", index),
            reward_id=reward.reward_id,
            reward_name=reward.name,
            reward_type=reward.reward_type,
            wallet=wallet.code,
            cost=reward.cost,
            transfer_id=payment.transfer_id if payment else None,
            coupon=_coupon(reward, act, store, index),
            cause=None,
        )


def _coupon(reward: Reward, act: Act, store: StoreSettings, index: int) -> Coupon | None:
    if reward.coupon_value is None:
        return None
    active_from = act.now + timedelta(days=reward.days_inactive)
    return Coupon(
        code=act.id("coupon", index).replace("-", "")[:16].upper(),
        value=reward.coupon_value,
        value_type=reward.coupon_value_type,
        active_from=active_from,
        active_to=store.end_of_day(active_from, reward.days_valid) if reward.days_valid else None,
    )
