"""Bodies of the webhooks about units."""

from streams.domain.values import plain
from streams.webhooks.catalogue import Body, webhook
from streams.webhooks.events import AvailablePointsAmountChanged, PointsWillExpire
from streams.webhooks.parts import action_cause, customer, moment, wallet_type

_OLD_CHANGE_TYPES = {"block": "subtract", "unblock": "add", "expire": "subtract", "activate": "add"}
"""The old edition knew add, subtract, p2p_add and p2p_subtract only; a cancel takes away."""


def _legacy_changed(event: AvailablePointsAmountChanged) -> Body:
    kind = event.amount_change_type
    return {
        "customerId": event.member_id,
        "amount": plain(event.amount),
        "amount_change": plain(event.amount_change),
        "amount_change_type": "subtract" if kind == "cancel" else _OLD_CHANGE_TYPES.get(kind, kind),
    }


@webhook(AvailablePointsAmountChanged, legacy=_legacy_changed)
def available_points_amount_changed(event: AvailablePointsAmountChanged) -> Body:
    """The number of units that a member can spend changed: earned, spent, expired, or moved by hand."""
    cause = action_cause(event.cause, event.member_id)
    if cause is not None and event.cause is not None:
        cause["performedAt"] = moment(event.cause.performed_at)
    return {
        "customer": customer(event.customer),
        "accountId": event.wallet_id,
        "amount": plain(event.amount),
        "amountChange": plain(event.amount_change),
        "amountChangeType": event.amount_change_type,
        "transferId": event.transfer_id,
        "wallet": {"walletId": event.wallet_id, "walletType": wallet_type(event.wallet)},
        "actionCause": cause,
    }


def _legacy_will_expire(event: PointsWillExpire) -> list[Body]:
    who = event.customer
    return [
        {
            "customerId": who.customer_id,
            "customerEmail": who.email,
            "customerPhone": who.phone,
            "customerLoyaltyCardNumber": who.loyalty_card_number,
            "customerFirstName": who.first_name,
            "customerLastName": who.last_name,
            "points": plain(event.remaining),
            "pointsWillExpire": moment(event.expires_at),
        }
    ]


@webhook(PointsWillExpire, legacy=_legacy_will_expire)
def points_will_expire(event: PointsWillExpire) -> Body:
    """Units of a member will expire in as many days as the store's Expiring Notifications say."""
    return {
        "accountId": event.wallet_id,
        "points": plain(event.points),
        "remainingUnits": plain(event.remaining),
        "pointsWillExpire": moment(event.expires_at),
    }
