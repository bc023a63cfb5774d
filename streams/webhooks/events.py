"""The webhook events on the topic `webhook-events`, before they are matched with subscriptions.

Names are the outside world's: Customer, Level, Points. Each event holds everything that its new and its
legacy body need, so that a body can be made at any time from the log alone.
"""

from datetime import datetime
from decimal import Decimal

from streams.domain.store import WalletLabel
from streams.domain.values import (
    Buyer,
    Cause,
    Code,
    Coupon,
    DocumentType,
    EffectGiven,
    Instant,
    Item,
    Profile,
    RedemptionStatus,
    Text,
    Trigger,
    Uuid,
    Value,
)


class WebhookEvent(Value):
    """The header of every webhook event. `event_id` is that of its fact."""

    webhook_event_id: Uuid
    event_id: Uuid
    store: Code
    member_id: Uuid
    created_at: Instant


class Customer(Value):
    """The member in the outside world's terms, with the contact details at the time of the event."""

    customer_id: Uuid
    email: Text | None
    phone: Text | None
    loyalty_card_number: Text | None
    first_name: Text | None
    last_name: Text | None


class CustomerRegistered(WebhookEvent):
    profile: Profile
    registered_at: datetime
    birth_date: Text | None = None
    """As it is sent: midnight in the store's time zone. Older events only have the profile's instant."""


class TransactionRegistered(WebhookEvent):
    transaction_id: Uuid
    document_number: Text
    document_type: DocumentType
    purchased_at: Instant
    items: tuple[Item, ...]
    buyer: Buyer | None
    channel_id: Uuid | None


class TransactionAssignedToCustomer(WebhookEvent):
    transaction_id: Uuid
    gross_value: Decimal
    customer: Customer


class TakenBack(Value):
    """The units that a return took back from its purchase, and the missing ones."""

    purchase: Text | None
    pending: Decimal
    active: Decimal
    blocked: Decimal
    owed: Decimal
    waived: Decimal


class AvailablePointsAmountChanged(WebhookEvent):
    """`amount` is available after the change; `amount_change` is its size, never negative. `sequence` counts
    the changes of the member's wallet from 1, so that a receiver notices gaps.
    """

    customer: Customer
    wallet_id: Uuid
    wallet: WalletLabel
    amount_before: Decimal
    amount: Decimal
    amount_change: Decimal
    amount_change_type: Text
    sequence: int
    transfer_id: Uuid
    cause: Cause | None
    taken_back: TakenBack | None = None


class CustomerBoughtReward(WebhookEvent):
    customer: Customer
    issued_reward_id: Uuid
    reward_id: Uuid
    reward_name: Text
    reward_type: Text
    cost: Decimal
    coupon: Coupon | None
    cause: Cause | None


class PointsWillExpire(WebhookEvent):
    """Sent `days` before the lot's end; `remaining` of its `points` are not spent yet."""

    customer: Customer
    wallet_id: Uuid
    lot_id: Uuid
    points: Decimal
    remaining: Decimal
    expires_at: Instant
    days: int


class CustomerUpdated(WebhookEvent):
    customer: Customer


class CustomerDeactivated(WebhookEvent):
    customer: Customer


class _CodeSent(WebhookEvent):
    """A code that the receiver sends to the member, who returns `code` or `code_number`."""

    customer: Customer
    code: Text
    code_number: int


class CustomerWasRegisteredWithoutActivation(_CodeSent): ...


class CustomerRequestedSendActivationCode(_CodeSent): ...


class CustomerRequestedPasswordReset(_CodeSent): ...


class CustomerPhoneNumberWasChanged(_CodeSent): ...


class CustomerEmailWasChanged(_CodeSent): ...


class CustomerLevelChanged(WebhookEvent):
    """`automatic`: by the tier set's rules, not by hand. The first level is neither a move up nor down."""

    customer: Customer
    level_id: Uuid
    level_name: Text
    move_up: bool
    move_down: bool
    automatic: bool
    achieved_at: Instant


class LevelWillExpire(WebhookEvent):
    """Sent `days` before the recalculation that will lower the level; no future level: it will have none."""

    customer: Customer
    level_id: Uuid
    level_name: Text
    future_level_id: Uuid | None
    future_level_name: Text | None
    recalculated_at: Instant
    days: int


class CouponWillExpire(WebhookEvent):
    """Sent `days` before the coupon's end."""

    customer: Customer
    issued_reward_id: Uuid
    coupon: Coupon
    days: int


class RewardRedemptionStatusChanged(WebhookEvent):
    """An issued reward went from the old status to the new one. `profile` is the member's at that moment."""

    customer: Customer
    profile: Profile
    issued_reward_id: Uuid
    token: Text
    reward_id: Uuid
    reward_name: Text
    reward_type: Text
    cost: Decimal
    price: Decimal | None
    tax: Decimal | None
    tax_price_value: Decimal | None
    redeemed_at: Instant
    coupon: Coupon | None
    new_status: RedemptionStatus
    new_comment: Text | None
    new_at: Instant
    old_status: RedemptionStatus
    old_comment: Text | None
    old_at: Instant


class CampaignEffectWasApplied(WebhookEvent):
    """One run of a campaign for a member, with all that it gave, in the order in which it gave it."""

    customer: Customer
    campaign_id: Uuid
    campaign_name: Text
    trigger: Trigger
    effects: tuple[EffectGiven, ...]
    redemption_code: Text | None
