"""What happened to a member: the source of truth. One total order a member, kept for ever."""

from decimal import Decimal
from typing import Literal

from streams.domain.values import (
    Attribute,
    Buyer,
    Cause,
    Code,
    Coupon,
    DocumentType,
    Draw,
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


class MemberSignedUp(Fact):
    """Inactive until activated with `code`, which was sent along."""

    profile: Profile
    registered_at: Instant
    code: Text
    code_number: int


class MemberActivated(Fact):
    """`first`: the member signed up and was never active before."""

    first: bool


class MemberUpdated(Fact):
    """The profile from now on, whole."""

    profile: Profile
    registered_at: Instant
    cause: Cause | None


class ContactChangeAsked(Fact):
    """The member wants `value` for e-mail or phone, and was sent a code there."""

    kind: Literal["email", "phone"]
    value: Text
    code: Text
    code_number: int


class ActivationCodeIssued(Fact):
    code: Text
    code_number: int


class PasswordResetIssued(Fact):
    code: Text
    code_number: int


class MemberDeactivated(Fact): ...


class TierChanged(Fact):
    """`previous_level_id` None: the first one. `manual`: assigned by hand, the
    least from now on."""

    tier_set_id: Uuid
    level_id: Uuid
    level_name: Text
    previous_level_id: Uuid | None
    up: bool
    manual: bool


class TierFloorRemoved(Fact):
    tier_set_id: Uuid


class TierRecalculated(Fact):
    """A period is over: what counts per period counts from here."""

    tier_set_id: Uuid
    due_at: Instant


class TierExpiryAnnounced(Fact):
    """The member was told, `days` before, of the tier that the recalculation would lead to."""

    tier_set_id: Uuid
    level_id: Uuid
    level_name: Text
    future_level_id: Uuid | None
    future_level_name: Text | None
    recalculated_at: Instant
    days: int


class CustomEventRecorded(Fact):
    custom_event_type: Text
    custom_event_id: Uuid
    happened_at: Instant
    attributes: tuple[Attribute, ...]


class CampaignApplied(Fact):
    """Follows the facts of its effects."""

    campaign_id: Uuid
    campaign_name: Text
    trigger: Trigger
    effects: tuple[EffectGiven, ...]


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


class TransactionMatched(Fact):
    """The document's owner was found: `to_member`, who is told. `by_hand`: somebody asked for it."""

    transaction_id: Uuid
    document_number: Text
    to_member: Uuid
    by_hand: bool


class TransactionUnmatched(Fact):
    """`to_member` could not take the transaction, for that reason: it can be matched again. Its `command_id`
    is that of the match."""

    transaction_id: Uuid
    document_number: Text
    to_member: Uuid
    by_hand: bool
    field: Text
    value: str
    reason: str


class TransactionAssigned(Fact):
    transaction_id: Uuid
    document_number: Text
    gross_value: Decimal
    document_type: DocumentType = "sell"


class UnitsEarned(Fact):
    """A new lot of units, named by the transfer that made it; pending until `locked_until`, if set."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    expires_at: Instant | None
    comment: Text | None
    cause: Cause | None
    locked_until: Instant | None = None
    oldest_first: bool = False


class UnitsActivated(Fact):
    """Pending units may be spent."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal


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


class UnitsBlocked(Fact):
    """Unusable until the transfer is cancelled."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    comment: Text | None


class UnitsUnblocked(Fact):
    """`transfer_id` is the blocking one's."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal


class UnitsCancelled(Fact):
    """What the transfer gave was taken back: from `draws`, or, pending, from what nobody could spend yet."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    pending: bool
    draws: tuple[Draw, ...]


class UnitsHeld(Fact):
    """Set aside for `receiver_id`, until its partition answers. Still counted as the sender's."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    receiver_id: Uuid
    comment: Text | None


class UnitsReleased(Fact):
    """The receiver could not take them, for that reason: nothing was transferred. Its `command_id` is that of
    the transfer."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    field: Text
    value: str
    reason: str


class UnitsSent(Fact):
    """The receiver has them."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    receiver_id: Uuid
    comment: Text | None


class UnitsReceived(Fact):
    """One lot for each of `draws`, which were the sender's, each with its expiry."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    sender_id: Uuid
    sent_as: Uuid
    """The sender's transfer."""
    comment: Text | None


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
    price: Decimal | None = None
    tax: Decimal | None = None
    tax_price_value: Decimal | None = None


class RedemptionStatusChanged(Fact):
    issued_reward_id: Uuid
    old_status: RedemptionStatus
    old_comment: Text | None
    old_at: Instant
    new_status: RedemptionStatus
    new_comment: Text | None


class CouponUsed(Fact):
    issued_reward_id: Uuid
    code: Text


class CouponReinstated(Fact):
    issued_reward_id: Uuid
    code: Text


class CouponExpired(Fact):
    issued_reward_id: Uuid
    code: Text


class CouponExpiryAnnounced(Fact):
    """The member was told, `days` before, that the coupon will expire."""

    issued_reward_id: Uuid
    coupon: Coupon
    days: int


MemberEvent = (
    MemberRegistered
    | MemberSignedUp
    | MemberActivated
    | MemberUpdated
    | ContactChangeAsked
    | ActivationCodeIssued
    | PasswordResetIssued
    | MemberDeactivated
    | TierChanged
    | TierFloorRemoved
    | TierRecalculated
    | TierExpiryAnnounced
    | CustomEventRecorded
    | CampaignApplied
)
TransactionEvent = TransactionRecorded | TransactionMatched | TransactionUnmatched | TransactionAssigned
UnitsEvent = (
    UnitsEarned
    | UnitsActivated
    | UnitsSpent
    | UnitsExpired
    | UnitsBlocked
    | UnitsUnblocked
    | UnitsCancelled
    | UnitsHeld
    | UnitsReleased
    | UnitsSent
    | UnitsReceived
    | UnitsExpiryAnnounced
)
RewardEvent = (
    RewardBought
    | RedemptionStatusChanged
    | CouponUsed
    | CouponReinstated
    | CouponExpired
    | CouponExpiryAnnounced
)
Event = MemberEvent | TransactionEvent | UnitsEvent | RewardEvent
"""Every fact: a closed set, matched in `evolve` and `derive`."""
