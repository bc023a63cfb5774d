"""What may be asked of a member's account. Commands are imperative; each has a schema of its name."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from streams.domain.values import Buyer, Code, DocumentType, Instant, Item, Profile, Text, Uuid, Value


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


class RegisterTransaction(Command):
    """Record a purchase or a return of this member. The document number is unique for the member."""

    document_number: Annotated[str, Meta(min_length=1, max_length=255)]
    purchased_at: Instant
    items: tuple[Item, ...]
    document_type: DocumentType = "sell"
    buyer: Buyer | None = None
    channel_id: Uuid | None = None


class AddUnits(Command):
    """Give units by hand. `expires_in_days` overrides the wallet type's policy."""

    units: Decimal
    wallet: Code | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    comment: Text | None = None


class SpendUnits(Command):
    """Take units away, those that expire soonest first."""

    units: Decimal
    wallet: Code | None = None
    comment: Text | None = None


class BuyReward(Command):
    """Pay for a reward of the store's catalogue with units and issue it, with its coupon."""

    reward_id: Uuid
    quantity: Annotated[int, Meta(ge=1, le=100)] = 1


class AdvanceClock(Value):
    """Not about a member: tells a partition that history has reached `issued_at`, so that timers fire.

    A purchase says so too; this says it where no purchase follows. Ignored when the clock is the wall's.
    """

    command_id: Uuid
    issued_at: Instant


MemberCommand = RegisterMember | RegisterTransaction | AddUnits | SpendUnits | BuyReward
"""Every command about a member: a closed set, matched in `decide`."""
