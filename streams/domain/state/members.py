"""Entries of accounts: profile, codes, tiers, campaign limits and purchases."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from streams.domain.state.entry import Entry
from streams.domain.values import (
    Attribute,
    Buyer,
    DocumentType,
    Instant,
    Item,
    Profile,
    SkuTotal,
    Text,
    Uuid,
    Value,
)


class Member(Entry):
    table, letter = "members", b"m"

    profile: Profile
    registered_at: Instant
    command_id: Uuid
    """The command that registered the member."""
    status: Literal["active", "inactive", "deactivated"] = "active"
    signed_up: bool = False
    """Whether the member signed up without an administrator."""
    purchases: Decimal = Decimal(0)
    """Money spent on purchases, less returns."""
    was_active: bool = False
    """Whether a closed account was ever active."""
    erased_at: Instant | None = None
    """When the member was erased."""
    phone_as_typed: Text | None = None
    """The phone number as it was sent, if the profile has it in another form."""


class Secret(Entry):
    """A code that was sent, with its purpose: activation, or a change of e-mail or phone to `value`."""

    table, letter = "members", b"s"

    purpose: Literal["activation", "email", "phone", "password"]
    code: Text
    code_number: int
    value: Text | None
    issued_at: Instant
    wrong: int = 0
    """How many wrong codes were given."""

    def key(self) -> bytes:
        return self.purpose.encode()


class Standing(Entry):
    """A member's tier in one tier set."""

    table, letter = "members", b"g"

    tier_set_id: Uuid
    level_id: Uuid
    since: Instant
    moves: int = 0
    """The number of changes, which makes their ids differ."""
    floor_id: Uuid | None = None
    """The tier assigned by hand."""
    earned_base: Decimal = Decimal(0)
    """Units earned before the last recalculation."""
    recalculated_at: Instant | None = None
    """The next recalculation, or None if the tier set has none."""
    announced: tuple[int, ...] = ()
    """Lead times, in days before the recalculation, that have been announced."""
    due_at: Instant | None = None
    plans: int = 0
    """How often the recalculation was rescheduled, which makes the ids of its announcements differ."""
    safe: tuple[int, ...] = ()
    """Lead times at which the tier was not in danger. They are announced late if it comes into danger."""

    def key(self) -> bytes:
        return self.tier_set_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.due_at


class CampaignUse(Entry):
    """How often a campaign with a limit has run for the member."""

    table, letter = "members", b"u"

    campaign_id: Uuid
    count: int

    def key(self) -> bytes:
        return self.campaign_id.encode()


class Document(Entry):
    """A transaction that was recorded without its member. It is its own owner."""

    table, letter = "members", b"d"

    transaction_id: Uuid
    document_number: Text
    document_type: DocumentType
    purchased_at: Instant
    gross_value: Decimal
    items: tuple[Item, ...]
    buyer: Buyer | None
    channel_id: Uuid | None
    to_member: Uuid | None = None
    """The member that it was matched to."""
    linked_document_number: Text | None = None
    purchase_place: Text | None = None
    labels: tuple[Attribute, ...] = ()
    matched_at: Instant | None = None


class TransactionDetails(Entry):
    """What a transaction that was recorded for a known member says, besides its units. A Document has the
    same itself."""

    table, letter = "members", b"D"

    transaction_id: Uuid
    document_number: Text
    document_type: DocumentType
    purchased_at: Instant
    gross_value: Decimal
    items: tuple[Item, ...]
    buyer: Buyer | None
    channel_id: Uuid | None
    linked_document_number: Text | None
    purchase_place: Text | None
    labels: tuple[Attribute, ...]
    recorded_at: Instant

    def key(self) -> bytes:
        return self.transaction_id.encode()


class Gift(Value):
    """A lot that a purchase gave: of its `units`, returns have taken `taken`, and `gone` were cancelled or
    expired."""

    lot_id: Uuid
    wallet: Text
    units: Decimal
    taken: Decimal = Decimal(0)
    gone: Decimal = Decimal(0)


class Transaction(Entry):
    table, letter = "members", b"t"

    document_number: Text
    transaction_id: Uuid
    gross_value: Decimal
    returned: bool = False
    """Whether it is a return itself."""
    left: tuple[SkuTotal, ...] = ()
    """The purchased items that have not been returned; empty for purchases of older releases, which did not
    store items."""
    returned_value: Decimal = Decimal(0)
    """The sum of a purchase's returns."""
    gifts: tuple[Gift, ...] = ()
    """The lots that the purchase gave."""
    apart: bool = False
    """Whether it is a return with the number of a purchase of the same member."""

    def key(self) -> bytes:
        return transaction_key(self.document_number, apart=self.apart)


def transaction_key(document_number: str, *, apart: bool = False) -> bytes:
    return document_number.encode() + (b"\x00return" if apart else b"")
