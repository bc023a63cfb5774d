"""Commands: what producers may request of a member or a transaction. Names are imperative; each has a schema
of its name."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from streams.domain.values import (
    Attribute,
    Buyer,
    Code,
    DocumentType,
    Instant,
    Item,
    Profile,
    RedemptionStatus,
    Text,
    Uuid,
    Value,
)

Days = Annotated[int, Meta(ge=1, le=36_500)]
Line = Annotated[str, Meta(min_length=1, max_length=255)]


class Command(Value):
    """The header of every command. Key of its record: `store/member_id`.

    `command_id` is chosen by the producer: a repetition within the deduplication window changes nothing.
    `issued_at` is when the programme learnt of it; it drives the clock while history is played."""

    command_id: Uuid
    store: Code
    member_id: Uuid
    issued_at: Instant


class RegisterMember(Command):
    """Open an account. `registered_at` defaults to `issued_at` and may lie in the past for imports."""

    profile: Profile
    registered_at: Instant | None = None


class SignUpMember(Command):
    """Register as a member. The account is inactive until it is activated."""

    profile: Profile
    registered_at: Instant | None = None


class ActivateMember(Command):
    """Activate an account, with the `code` that was sent to the member; an administrator needs none."""

    code: Line | None = None


class UpdateMember(Command):
    """Replace the profile: absent fields are unset. `registered_at` None leaves the date unchanged."""

    profile: Profile
    registered_at: Instant | None = None


class ChangeOwnEmail(Command):
    """Request another e-mail address. It becomes valid when ConfirmChange brings the code."""

    email: Line


class ChangeOwnPhone(Command):
    """Request another phone number. It becomes valid when ConfirmChange brings the code."""

    phone: Line


class ConfirmChange(Command):
    """Confirm a new address or number by the code that was sent there."""

    code: Line


class SendActivationCode(Command):
    """Send an activation code, for the first time or again."""


class RequestPasswordReset(Command):
    """Request a password reset, for an active member who registered by SignUpMember."""


class DeactivateMember(Command):
    """Close the account: nothing is earned, spent or announced any more. ActivateMember opens it again."""


class EraseMember(Command):
    """Erase the member's personal data for good; amounts stay for accounting. An open account is closed
    first. Repeating the command changes nothing."""


class AssignTier(Command):
    """Assign a tier by hand. Automatic moves never go below it."""

    level_id: Uuid


class RemoveManualTier(Command):
    """Remove the tier assigned by hand: the tier set's rules decide again."""

    tier_set_id: Uuid


class TransactionCommand(Command):
    """What a receipt says. Its number is unique within the store, once for purchases and once for returns."""

    document_number: Line
    purchased_at: Instant
    items: tuple[Item, ...]
    document_type: DocumentType = "sell"
    buyer: Buyer | None = None
    channel_id: Uuid | None = None
    linked_document_number: Line | None = None
    """Of a return: the document number of the purchase that it returns, or a part of."""
    purchase_place: Text | None = None
    labels: tuple[Attribute, ...] = ()


class RegisterTransaction(TransactionCommand):
    """Record a purchase or a return of this member. Without the member's id, RecordTransaction does it."""


class RecordTransaction(TransactionCommand):
    """Record a purchase or a return whose member is found by card number, then phone, then e-mail.
    `member_id` is `document_id(store, document_number, document_type)`, because the document is its own
    owner; a return may have a purchase's id, as older producers send it."""


class AssignTransaction(Command):
    """Match a recorded transaction to a member, by one of the four identifiers. `member_id` as in
    RecordTransaction."""

    document_number: Line
    to_member: Uuid | None = None
    loyalty_card_number: Line | None = None
    phone: Line | None = None
    email: Line | None = None


class ChangeTransactionLabels(Command):
    """Change the labels of a transaction's header. `member_id` is its member's, or the id of its document.
    What is removed is removed first; an added key replaces its former value."""

    transaction_id: Uuid
    added: tuple[Attribute, ...] = ()
    removed: tuple[Attribute, ...] = ()


class RecordCustomEvent(Command):
    """Record a custom event that campaigns may react to. `event_id` is unique per member while it is
    remembered."""

    event_type: Code
    event_id: Uuid
    happened_at: Instant
    attributes: tuple[Attribute, ...] = ()


class AddUnits(Command):
    """Add units by hand. The days override the wallet type's policy; locked units are pending at first."""

    units: Decimal
    wallet: Code | None = None
    expires_in_days: Days | None = None
    comment: Text | None = None
    locked_for_days: Days | None = None
    once: bool = False
    """Whether the id of an executed command is remembered forever, instead of for the deduplication
    window."""


class SpendUnits(Command):
    """Spend units, those that expire first first. `once`: as in AddUnits."""

    units: Decimal
    wallet: Code | None = None
    comment: Text | None = None
    once: bool = False


class BlockUnits(Command):
    """Block units: they cannot be spent until the transfer is cancelled."""

    units: Decimal
    wallet: Code | None = None
    comment: Text | None = None


class CancelTransfer(Command):
    """Take back a transfer's units if the member still has as many, or end a blocking transfer."""

    transfer_id: Uuid


class ActivateUnits(Command):
    """Activate the pending units of a transfer now."""

    transfer_id: Uuid


class ExpireUnits(Command):
    """Expire the rest of a transfer now; only if it has an expiry date."""

    transfer_id: Uuid


class TransferUnits(Command):
    """Transfer units to another member. The receiver's lots keep the expiry of the sender's."""

    receiver_id: Uuid
    units: Decimal
    wallet: Code | None = None
    comment: Text | None = None


class BuyReward(Command):
    """Buy a reward of the store's catalogue with units. It is issued with its coupon."""

    reward_id: Uuid
    quantity: Annotated[int, Meta(ge=1, le=100)] = 1


class AssignReward(Command):
    """Issue a reward by hand, at no cost."""

    reward_id: Uuid
    quantity: Annotated[int, Meta(ge=1, le=100)] = 1


class ChangeRedemptionStatus(Command):
    """Change the redemption status of an issued reward. Any status may follow any other."""

    issued_reward_id: Uuid
    status: RedemptionStatus
    comment: Text | None = None


class UseCoupon(Command):
    """Use a coupon."""

    code: Line


class ReinstateCoupon(Command):
    """Make a used coupon usable again."""

    code: Line


class AdvanceClock(Value):
    """Advance a partition's clock to `issued_at` while history is played, so that timers fire. Any other
    command does so too; this one does it where no command follows. Ignored with the wall clock."""

    command_id: Uuid
    issued_at: Instant


MemberCommand = (
    RegisterMember
    | SignUpMember
    | ActivateMember
    | UpdateMember
    | ChangeOwnEmail
    | ChangeOwnPhone
    | ConfirmChange
    | SendActivationCode
    | RequestPasswordReset
    | DeactivateMember
    | EraseMember
    | AssignTier
    | RemoveManualTier
    | RegisterTransaction
    | RecordCustomEvent
    | AddUnits
    | SpendUnits
    | BlockUnits
    | CancelTransfer
    | ActivateUnits
    | ExpireUnits
    | TransferUnits
    | BuyReward
    | AssignReward
    | ChangeRedemptionStatus
    | UseCoupon
    | ReinstateCoupon
)
"""Every command about a member."""

DocumentCommand = RecordTransaction | AssignTransaction | ChangeTransactionLabels
"""Every command about a transaction that may be its own owner."""
