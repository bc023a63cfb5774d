"""The 18 webhooks by both their names: as subscribed to, and as the legacy body's `type` says."""

LEGACY_TYPES = {
    "TransactionRegistered": "transaction.registered",
    "PointsWillExpire": "account.expiring_points_notification",
    "LevelWillExpire": "account.expiring_level_notification",
    "AvailablePointsAmountChanged": "account.available_points_amount_changed",
    "TransactionAssignedToCustomer": "transaction.assigned_to_customer",
    "RewardRedemptionStatusChanged": "reward.redemption_status_changed",
    "CampaignEffectWasApplied": "campaign.effect_was_applied",
    "CustomerWasRegisteredWithoutActivation": "customer.registered_without_activation",
    "CustomerUpdated": "customer.updated",
    "CustomerRequestedSendActivationCode": "customer.requested_send_activation_code",
    "CustomerRequestedPasswordReset": "customer.requested_password_reset",
    "CustomerRegistered": "customer.registered",
    "CustomerPhoneNumberWasChanged": "customer.phone_number_was_changed",
    "CustomerLevelChanged": "customer.level_changed",
    "CustomerEmailWasChanged": "customer.email_was_changed",
    "CustomerDeactivated": "customer.deactivated",
    "CustomerBoughtReward": "campaign.customer_bought_campaign",
    "CouponWillExpire": "campaign.coupon_expiration",
}

LEVEL_CHANGED_AUTOMATICALLY = "customer.level_changed_automatically"
"""What the old edition sent of automatic moves besides `customer.level_changed`."""

_PASCAL = {dotted: name for name, dotted in LEGACY_TYPES.items()}


def event_name(either: str) -> str | None:
    """The subscription name for either spelling, or None if it is neither's."""
    return either if either in LEGACY_TYPES else _PASCAL.get(either)


def add_legacy_type(name: str, legacy_type: str) -> None:
    """Both names of one more webhook."""
    LEGACY_TYPES[name] = legacy_type
    _PASCAL[legacy_type] = name
