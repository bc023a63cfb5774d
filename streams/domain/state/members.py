"""Entries of accounts: who a member is, which tier, which purchases."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from streams.domain.state.entry import Entry
from streams.domain.values import (
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
    """Whether the member registered alone."""
    purchases: Decimal = Decimal(0)
    """Money spent, less what was returned."""
    was_active: bool = False
    """Whether the account was ever open, if it was closed since."""
    erased_at: Instant | None = None
    """Since when nothing is known of who it is."""
    phone_as_typed: Text | None = None
    """As it came, where the profile has it in another form."""


class Secret(Entry):
    """A code that was sent, and what for: activation, or a change of e-mail or phone to `value`."""

    table, letter = "members", b"s"

    purpose: Literal["activation", "email", "phone", "password"]
    code: Text
    code_number: int
    value: Text | None
    issued_at: Instant
    wrong: int = 0
    """How often another code was given instead of it."""

    def key(self) -> bytes:
        return self.purpose.encode()


class Standing(Entry):
    """A member's tier of one set."""

    table, letter = "members", b"g"

    tier_set_id: Uuid
    level_id: Uuid
    since: Instant
    moves: int = 0
    """How often it changed: it makes the ids of changes differ."""
    floor_id: Uuid | None = None
    """The tier that was assigned by hand."""
    earned_base: Decimal = Decimal(0)
    """Units earned up to the last recalculation."""
    recalculated_at: Instant | None = None
    """The next recalculation, where the tier set has any."""
    announced: tuple[int, ...] = ()
    """Lead times, in days before it, of which the member has been told."""
    due_at: Instant | None = None
    plans: int = 0
    """How often the next recalculation was set anew: it makes the ids of its announcements differ."""
    safe: tuple[int, ...] = ()
    """Lead times at whose moment the tier was not in danger: told of late, should it come to be."""

    def key(self) -> bytes:
        return self.tier_set_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.due_at


class CampaignUse(Entry):
    """How often a campaign with a limit has acted for the member."""

    table, letter = "members", b"u"

    campaign_id: Uuid
    count: int

    def key(self) -> bytes:
        return self.campaign_id.encode()


class Document(Entry):
    """A transaction that was recorded without its member. Its owner is the document itself."""

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
    """Whom it was matched to."""
    linked_document_number: Text | None = None


class Gift(Value):
    """A lot that a purchase gave: `units`, of which returns have taken `taken`, and `gone` are cancelled or
    have expired."""

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
    """What of a purchase was not returned yet; empty where no release had kept what was bought."""
    returned_value: Decimal = Decimal(0)
    """The sum of a purchase's returns."""
    gifts: tuple[Gift, ...] = ()
    """What a purchase gave."""

    def key(self) -> bytes:
        return self.document_number.encode()
