"""Bodies of the webhooks about rewards and coupons."""

from streams.domain.values import plain
from streams.webhooks.catalogue import Body, webhook
from streams.webhooks.events import CustomerBoughtReward
from streams.webhooks.parts import action_cause, coupon, customer


@webhook(CustomerBoughtReward)
def customer_bought_reward(event: CustomerBoughtReward) -> Body:
    """A member got a reward: bought from the catalogue, assigned by hand, or given by a campaign."""
    return {
        "customer": customer(event.customer),
        "coupon": _coupon(event),
        "reward": {
            "rewardId": event.reward_id,
            "rewardName": event.reward_name,
            "rewardType": event.reward_type,
        },
        "rewardRedemption": {"redeemedRewardId": event.issued_reward_id},
        "costInPoints": plain(event.cost),
        "actionCause": action_cause(event.cause, event.member_id),
    }


def _coupon(event: CustomerBoughtReward) -> Body | None:
    issued = event.coupon
    if issued is None:
        return None
    status = "active" if issued.active_from <= event.created_at else "inactive"
    return {**coupon(issued), "status": status}
