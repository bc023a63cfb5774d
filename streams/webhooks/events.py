"""The webhook events, typed, as they stand on `webhook-events` before anyone asks who wants them.

Named as the outside world names them: Customer, Level, Points. Each holds all that its new and its legacy
body need, so that a body can be made again at any time from the log alone.
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
    Instant,
    Item,
    Profile,
    Text,
    Uuid,
    Value,
)


class WebhookEvent(Value):
    """The head of every webhook event. `event_id` is the fact that it tells of."""

    webhook_event_id: Uuid
    event_id: Uuid
    store: Code
    member_id: Uuid
    created_at: Instant


class Customer(Value):
    """How the outside world knows the member; the contact details of the moment."""

    customer_id: Uuid
    email: Text | None
    phone: Text | None
    loyalty_card_number: Text | None
    first_name: Text | None
    last_name: Text | None


class CustomerRegistered(WebhookEvent):
    profile: Profile
    registered_at: datetime


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


class AvailablePointsAmountChanged(WebhookEvent):
    """`amount` is what is available after the change, `amount_change` its magnitude, never negative.

    `sequence` counts the changes of this wallet of this member from 1: a receiver sees what it missed.
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
