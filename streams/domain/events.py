"""What happened to a member: the source of truth. One total order a member, kept for ever."""

from decimal import Decimal

from streams.domain.values import (
    Buyer,
    Cause,
    Code,
    Coupon,
    DocumentType,
    Draw,
    Instant,
    Item,
    Profile,
    Text,
    Uuid,
    Value,
)


class Fact(Value):
    """The head of every event.

    `event_id` is derived from what caused it, `command_id` names that: the command, or the entry whose
    time had come. `occurred_at` is when it was decided, in the clock's time.
    """

    event_id: Uuid
    command_id: Uuid
    store: Code
    member_id: Uuid
    occurred_at: Instant


class MemberRegistered(Fact):
    profile: Profile
    registered_at: Instant


class TransactionRecorded(Fact):
    """`gross_value` is the sum of the items', in the store's currency."""

    transaction_id: Uuid
    document_number: Text
    document_type: DocumentType
    purchased_at: Instant
    gross_value: Decimal
    items: tuple[Item, ...]
    buyer: Buyer | None
    channel_id: Uuid | None


class TransactionAssigned(Fact):
    transaction_id: Uuid
    document_number: Text
    gross_value: Decimal


class UnitsEarned(Fact):
    """A new lot of units, named by the transfer that made it."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    expires_at: Instant | None
    comment: Text | None
    cause: Cause | None


class UnitsSpent(Fact):
    """`draws` say which lots paid; their units sum to `units`."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    comment: Text | None
    cause: Cause | None


class UnitsExpired(Fact):
    """What was left of a lot is gone."""

    transfer_id: Uuid
    wallet: Code
    lot: Draw


class UnitsExpiryAnnounced(Fact):
    """The member was told, `days` before, that `remaining` of the lot's `units` will expire."""

    wallet: Code
    lot_id: Uuid
    units: Decimal
    remaining: Decimal
    earned_at: Instant
    expires_at: Instant
    days: int


class RewardBought(Fact):
    """Follows the UnitsSpent that paid for it, `transfer_id`, if it cost anything."""

    issued_reward_id: Uuid
    reward_id: Uuid
    reward_name: Text
    reward_type: Text
    wallet: Code
    cost: Decimal
    transfer_id: Uuid | None
    coupon: Coupon | None
    cause: Cause | None


Event = (
    MemberRegistered
    | TransactionRecorded
    | TransactionAssigned
    | UnitsEarned
    | UnitsSpent
    | UnitsExpired
    | UnitsExpiryAnnounced
    | RewardBought
)
"""Every fact: a closed set, matched in `evolve` and `derive`."""
