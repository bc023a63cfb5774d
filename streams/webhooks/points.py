"""Bodies of the webhooks about units."""

from streams.domain.values import plain_decimal
from streams.webhooks import events
from streams.webhooks.catalogue import webhook
from streams.webhooks.events import AvailablePointsAmountChanged, PointsWillExpire
from streams.webhooks.legacy_shapes import CollectedArray, OldAmountChanged, OldPointsWillExpire
from streams.webhooks.parts import action_cause, customer, iso_instant, wallet_type
from streams.webhooks.shapes import AmountChangedBody, DatedCause, PointsWillExpireBody, TakenBack

_OLD_CHANGE_TYPES = {
    "block": "subtract",
    "unblock": "add",
    "expire": "subtract",
    "activate": "add",
    "cancel": "subtract",
}
"""The earlier version only had add, subtract, p2p_add and p2p_subtract; a cancellation subtracts."""


def _legacy_changed(event: AvailablePointsAmountChanged) -> OldAmountChanged:
    kind = event.amount_change_type
    return {
        "customerId": event.member_id,
        "amount": plain_decimal(event.amount),
        "amount_change": plain_decimal(event.amount_change),
        "amount_change_type": _OLD_CHANGE_TYPES.get(kind, kind),
    }


@webhook(
    AvailablePointsAmountChanged,
    legacy_type="account.available_points_amount_changed",
    legacy=_legacy_changed,
    triggers=(
        "Units are spent: a reward is bought with them, or through POST /api/{storeCode}/points/spend.",
        "Units are added or deducted by hand by an administrator.",
        "A campaign adds or deducts units.",
        "Unit transfers are imported.",
        "A unit transfer is cancelled: POST /api/{storeCode}/points/{transfer}/cancel.",
        "Pending units get active, by themselves or by hand.",
        "Units expire, by themselves or by hand.",
        "Units are blocked: POST /api/{storeCode}/points/block.",
        "Units are unblocked: the transfer that blocked them is cancelled.",
        "Units are transferred between members: one webhook for the sender and one for the receiver.",
    ),
)
def available_points_amount_changed(event: AvailablePointsAmountChanged) -> AmountChangedBody:
    """The number of units that a member can spend changed: earned, spent, expired, or moved by hand.

    After a return it says what was taken, in `takenBack`, even where all of it was pending or blocked: then
    the amount is as it was.
    """
    body: AmountChangedBody = {
        "customer": customer(event.customer),
        "accountId": event.wallet_id,
        "amount": plain_decimal(event.amount),
        "amountChange": plain_decimal(event.amount_change),
        "amountChangeType": event.amount_change_type,
        "transferId": event.transfer_id,
        "wallet": {"walletId": event.wallet_id, "walletType": wallet_type(event.wallet)},
        "actionCause": _dated_cause(event),
    }
    if event.taken_back:
        body["takenBack"] = _taken_back_body(event.taken_back)
    return body


def _taken_back_body(taken: events.TakenBack) -> TakenBack:
    return {
        "purchaseDocumentNumber": taken.purchase,
        "pending": plain_decimal(taken.pending),
        "active": plain_decimal(taken.active),
        "blocked": plain_decimal(taken.blocked),
        "owed": plain_decimal(taken.owed),
        "waived": plain_decimal(taken.waived),
    }


def _dated_cause(event: AvailablePointsAmountChanged) -> DatedCause | None:
    cause = action_cause(event.cause, event.member_id)
    if cause is None or event.cause is None:
        return None
    return {**cause, "performedAt": iso_instant(event.cause.performed_at)}


def _legacy_will_expire(event: PointsWillExpire) -> CollectedArray[OldPointsWillExpire]:
    who = event.customer
    return [
        {
            "customerId": who.customer_id,
            "customerEmail": who.email,
            "customerPhone": who.phone,
            "customerLoyaltyCardNumber": who.loyalty_card_number,
            "customerFirstName": who.first_name,
            "customerLastName": who.last_name,
            "points": plain_decimal(event.remaining),
            "pointsWillExpire": iso_instant(event.expires_at),
        }
    ]


@webhook(
    PointsWillExpire,
    legacy_type="account.expiring_points_notification",
    legacy=_legacy_will_expire,
    triggers=(
        "Units' end is as many days away as Expiring Notifications, Expiring units notifications, says.",
    ),
)
def points_will_expire(event: PointsWillExpire) -> PointsWillExpireBody:
    """Units of a member will expire in as many days as the store's Expiring Notifications say."""
    return {
        "accountId": event.wallet_id,
        "points": plain_decimal(event.points),
        "remainingUnits": plain_decimal(event.remaining),
        "pointsWillExpire": iso_instant(event.expires_at),
    }
