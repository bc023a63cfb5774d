"""Bodies of the webhooks about rewards and coupons."""

from streams.domain.values import Profile, plain_decimal
from streams.webhooks.catalogue import webhook
from streams.webhooks.events import CouponWillExpire, CustomerBoughtReward, RewardRedemptionStatusChanged
from streams.webhooks.legacy_shapes import CollectedArray, OldCouponWillExpire
from streams.webhooks.parts import (
    action_cause,
    address,
    coupon,
    coupon_issued,
    coupon_status,
    customer,
    iso_instant,
    unix_seconds,
)
from streams.webhooks.reward_shapes import (
    BoughtRewardBody,
    CouponBought,
    CouponWillExpireBody,
    IssuedReward,
    Redeemer,
    RedemptionStatusBody,
)


@webhook(
    CustomerBoughtReward,
    legacy_type="campaign.customer_bought_campaign",
    triggers=(
        "A reward is assigned to a member by hand, in the panel or through the API.",
        "A campaign's effect gives a member a reward.",
        "A member buys a reward from the catalogue: POST /api/{storeCode}/reward/{reward}/buy.",
    ),
)
def customer_bought_reward(event: CustomerBoughtReward) -> BoughtRewardBody:
    """A member got a reward: bought from the catalogue, assigned by hand, or given by a campaign."""
    return {
        "customer": customer(event.customer),
        "coupon": _bought_coupon(event),
        "reward": {
            "rewardId": event.reward_id,
            "rewardName": event.reward_name,
            "rewardType": event.reward_type,
        },
        "rewardRedemption": {"redeemedRewardId": event.issued_reward_id},
        "costInPoints": plain_decimal(event.cost),
        "actionCause": action_cause(event.cause, event.member_id),
    }


def _bought_coupon(event: CustomerBoughtReward) -> CouponBought | None:
    issued = event.coupon
    return {**coupon(issued), "status": coupon_status(issued, event.created_at)} if issued else None


def _legacy_will_expire(event: CouponWillExpire) -> CollectedArray[OldCouponWillExpire]:
    who, issued = event.customer, event.coupon
    return [
        {
            "customerId": who.customer_id,
            "customerEmail": who.email,
            "customerLoyaltyCardNumber": who.loyalty_card_number,
            "customerPhone": who.phone,
            "coupon": issued.code,
            "couponExpiresAt": unix_seconds(issued.active_to),
            "couponStatus": coupon_status(issued, event.created_at),
        }
    ]


@webhook(
    CouponWillExpire,
    legacy_type="campaign.coupon_expiration",
    legacy=_legacy_will_expire,
    triggers=(
        "An unused coupon's end is as many days away as Expiring Notifications, Expiring coupons "
        "notifications, says.",
    ),
)
def coupon_will_expire(event: CouponWillExpire) -> CouponWillExpireBody:
    """A coupon of a member will expire in as many days as the store's Expiring Notifications say."""
    issued = event.coupon
    return {
        "customer": customer(event.customer),
        "issuedCoupon": {**coupon(issued), "valueType": issued.value_type},
    }


@webhook(
    RewardRedemptionStatusChanged,
    legacy_type="reward.redemption_status_changed",
    triggers=(
        "The status of a redeemed reward is changed in the panel.",
        "The status of a redeemed reward is changed through the API: "
        "POST /api/{storeCode}/redemption/{issuedReward}/status.",
    ),
)
def reward_redemption_status_changed(event: RewardRedemptionStatusChanged) -> RedemptionStatusBody:
    """A reward that a member got went on to another status, such as packing, shipped or returned."""
    return {
        "issuedReward": _issued_reward_body(event),
        "newStatus": event.new_status,
        "newComment": event.new_comment,
        "newDate": iso_instant(event.new_at),
        "oldStatus": event.old_status,
        "oldComment": event.old_comment,
        "oldDate": iso_instant(event.old_at),
    }


def _issued_reward_body(event: RewardRedemptionStatusChanged) -> IssuedReward:
    return {
        "issuedRewardId": event.issued_reward_id,
        "token": event.token,
        "name": event.reward_name,
        "customerId": event.member_id,
        "status": event.new_status,
        "costInPoints": plain_decimal(event.cost),
        "tax": plain_decimal(event.tax) if event.tax is not None else None,
        "taxPriceValue": plain_decimal(event.tax_price_value) if event.tax_price_value is not None else None,
        "price": plain_decimal(event.price) if event.price is not None else None,
        "redemptionDate": iso_instant(event.redeemed_at),
        "customerData": _redeemer_body(event.profile),
        "rewardType": event.reward_type,
        "rewardId": event.reward_id,
        "issuedCoupon": coupon_issued(event.coupon) if event.coupon else None,
    }


def _redeemer_body(who: Profile) -> Redeemer:
    return {
        "email": who.email,
        "firstName": who.first_name,
        "lastName": who.last_name,
        "companyName": who.company.name if who.company else None,
        "nip": who.company.nip if who.company else None,
        "phone": who.phone,
        "loyaltyCardNumber": who.loyalty_card_number,
        "address": address(who.address),
    }
