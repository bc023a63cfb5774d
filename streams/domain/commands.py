"""What may be asked of a member's account. Commands are imperative; each has a schema of its name."""

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
    """The head of every command. Key of its record: `store/member_id`.

    `command_id` is the producer's: the same id again within the window changes nothing.
    `issued_at` is when the programme learnt of it; stream time follows it while history is played.
    """

    command_id: Uuid
    store: Code
    member_id: Uuid
    issued_at: Instant


class RegisterMember(Command):
    """Open an account. `registered_at` defaults to `issued_at`; it may lie in the past for imports."""

    profile: Profile
    registered_at: Instant | None = None


class SignUpMember(Command):
    """The member registers; the account is inactive until it is activated."""

    profile: Profile
    registered_at: Instant | None = None


class ActivateMember(Command):
    """Make an account active: with the `code` that its owner was sent; an administrator needs none."""

    code: Line | None = None


class UpdateMember(Command):
    """Replace the profile: what is absent from it is unset. `registered_at` None leaves that as it is."""

    profile: Profile
    registered_at: Instant | None = None


class ChangeOwnEmail(Command):
    """The logged-in member asks for another address; it holds once ConfirmChange brings the code."""

    email: Line


class ChangeOwnPhone(Command):
    """The logged-in member asks for another number; it holds once ConfirmChange brings the code."""

    phone: Line


class ConfirmChange(Command):
    """The member has received the code that was sent to the new address or number."""

    code: Line


class SendActivationCode(Command):
    """The member asks for a code, for the first time or again."""


class RequestPasswordReset(Command):
    """A member who signed up and is active has forgotten the password."""


class DeactivateMember(Command):
    """Close the account: nothing more is earned, spent or announced. ActivateMember opens it again."""


class EraseMember(Command):
    """Forget who the member is, for good: what is personal goes, numbers stay for the books.

    It closes the account first where that is open; again it changes nothing.
    """


class AssignTier(Command):
    """Put the member into a tier by hand; automatic moves never go below it."""

    level_id: Uuid


class RemoveManualTier(Command):
    """Let the rules of the tier set decide again."""

    tier_set_id: Uuid


class RegisterTransaction(Command):
    """Record a purchase or a return of this member. The document number is unique for the member.

    For a till that knows the member's id: one hop. Where it knows a card, a phone or an address only, or
    nothing, RecordTransaction matches it.
    """

    document_number: Line
    purchased_at: Instant
    items: tuple[Item, ...]
    document_type: DocumentType = "sell"
    buyer: Buyer | None = None
    channel_id: Uuid | None = None
    linked_document_number: Line | None = None
    """Of a return: the document number of the purchase that it returns, or a part of."""


class RecordTransaction(Command):
    """Record a purchase or a return of whom it may be: its data's card number, then phone, then e-mail say.

    `member_id` is `document_id(store, document_number)`, for the document is its own owner: its number is
    unique for the store.
    """

    document_number: Line
    purchased_at: Instant
    items: tuple[Item, ...]
    document_type: DocumentType = "sell"
    buyer: Buyer | None = None
    channel_id: Uuid | None = None
    linked_document_number: Line | None = None
    """Of a return: the document number of the purchase that it returns, or a part of."""


class AssignTransaction(Command):
    """Match a recorded transaction to a member, by one of the four. `member_id`: as RecordTransaction's."""

    document_number: Line
    to_member: Uuid | None = None
    loyalty_card_number: Line | None = None
    phone: Line | None = None
    email: Line | None = None


class RecordCustomEvent(Command):
    """Something that campaigns may act upon. `event_id` is unique for the member while it is remembered."""

    event_type: Code
    event_id: Uuid
    happened_at: Instant
    attributes: tuple[Attribute, ...] = ()


class AddUnits(Command):
    """Give units by hand. The days override the wallet type's policy; locked units are pending at first."""

    units: Decimal
    wallet: Code | None = None
    expires_in_days: Days | None = None
    comment: Text | None = None
    locked_for_days: Days | None = None
    once: bool = False
    """Whether its id is remembered for ever once it was carried out, and not for the window alone."""


class SpendUnits(Command):
    """Take units away, those that expire soonest first. `once`: as of AddUnits."""

    units: Decimal
    wallet: Code | None = None
    comment: Text | None = None
    once: bool = False


class BlockUnits(Command):
    """Make units unusable without taking them; cancelling the transfer ends it."""

    units: Decimal
    wallet: Code | None = None
    comment: Text | None = None


class CancelTransfer(Command):
    """Take back what a transfer gave, where the member still has as much; or end a blocking one."""

    transfer_id: Uuid


class ActivateUnits(Command):
    """Make the pending units of a transfer active now."""

    transfer_id: Uuid


class ExpireUnits(Command):
    """Let what is left of a transfer expire now; only where it has an expiry date."""

    transfer_id: Uuid


class TransferUnits(Command):
    """Give units to another member. The receiver's lots keep the expiry of the sender's."""

    receiver_id: Uuid
    units: Decimal
    wallet: Code | None = None
    comment: Text | None = None


class BuyReward(Command):
    """Pay for a reward of the store's catalogue with units and issue it, with its coupon."""

    reward_id: Uuid
    quantity: Annotated[int, Meta(ge=1, le=100)] = 1


class AssignReward(Command):
    """Issue a reward by hand, at no cost."""

    reward_id: Uuid
    quantity: Annotated[int, Meta(ge=1, le=100)] = 1


class ChangeRedemptionStatus(Command):
    """Say how far an issued reward has come. Any status may follow any other."""

    issued_reward_id: Uuid
    status: RedemptionStatus
    comment: Text | None = None


class UseCoupon(Command):
    """The member hands a coupon in."""

    code: Line


class ReinstateCoupon(Command):
    """A used coupon may be used again."""

    code: Line


class AdvanceClock(Value):
    """Not about a member: tells a partition that history has reached `issued_at`, so that timers fire.

    A purchase says so too; this says it where no purchase follows. Ignored when the clock is the wall's.
    """

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

DocumentCommand = RecordTransaction | AssignTransaction
"""Every command about a transaction whose member is not known yet."""
