"""A member's state, kept as many small entries so that a command touches only those it needs.

An entry knows its table, its key below its owner, and the next instant at which it wants attention
(`due_at`): the due index hangs on that alone. Entries are frozen; a change is a new entry or a `Drop`.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal, Protocol, TypeVar

from msgspec import Struct

from streams.domain.values import (
    Buyer,
    Code,
    Coupon,
    DocumentType,
    Draw,
    FrozenMeta,
    Instant,
    Item,
    Profile,
    RedemptionStatus,
    Text,
    Uuid,
    Value,
)

FOREVER = b"\xff" * 8


class Entry(Struct, metaclass=FrozenMeta, array_like=True):
    """Base of all entries. Stored as arrays: fields are only ever added at the end, with a default."""

    table: ClassVar[str]
    letter: ClassVar[bytes]
    due_group_size: ClassVar[int] = 0

    def key(self) -> bytes:
        """Where the entry stands among its owner's entries of the same kind."""
        return b""

    @property
    def due(self) -> datetime | None:
        """The next instant at which the entry wants attention, or None."""
        return None

    def due_group(self) -> bytes:
        """Entries of different groups do not wait for each other; `due_group_size` bytes."""
        return b""

    @classmethod
    def timed(cls) -> bool:
        """Whether entries of this kind may ever be due."""
        return cls.due is not Entry.due


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


class Secret(Entry):
    """A code that was sent, and what for: activation, or a change of e-mail or phone to `value`."""

    table, letter = "members", b"s"

    purpose: Literal["activation", "email", "phone", "password"]
    code: Text
    code_number: int
    value: Text | None
    issued_at: Instant

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
    """Lead times, in days before it, that are over."""
    due_at: Instant | None = None

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


class Transaction(Entry):
    table, letter = "members", b"t"

    document_number: Text
    transaction_id: Uuid
    gross_value: Decimal
    returned: bool = False

    def key(self) -> bytes:
        return self.document_number.encode()


class Account(Entry):
    """A member's wallet: sums over all its transfers. `changes` counts changes of `available`."""

    table, letter = "ledgers", b"a"

    wallet: Code
    available: Decimal = Decimal(0)
    earned: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    expired: Decimal = Decimal(0)
    changes: int = 0
    pending: Decimal = Decimal(0)
    blocked: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    """Set aside for transfers under way: part of `available`, but not to be spent."""
    sent: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    cancelled: Decimal = Decimal(0)

    @property
    def spendable(self) -> Decimal:
        return self.available - self.held

    def key(self) -> bytes:
        return self.wallet.encode()


class Lot(Entry):
    """Units earned together and not yet gone. Lots of a wallet stand in spending order."""

    table, letter = "ledgers", b"l"

    wallet: Code
    lot_id: Uuid
    units: Decimal
    remaining: Decimal
    earned_at: Instant
    expires_at: Instant | None
    announced: tuple[int, ...] = ()
    """Lead times, in days, of which the member has been told."""
    due_at: Instant | None = None
    oldest_first: bool = False
    """Whether it stands in order of age instead of expiry."""
    returns: int = 0
    """How often it came back after it was gone: it makes the ids of its ends differ."""

    def key(self) -> bytes:
        return lot_key(self.wallet, self.draw(self.remaining))

    @property
    def due(self) -> datetime | None:
        return self.due_at

    def draw(self, units: Decimal) -> Draw:
        """`units` of this lot, with where it stands."""
        return Draw(
            lot_id=self.lot_id,
            units=units,
            earned_at=self.earned_at,
            expires_at=self.expires_at,
            oldest_first=self.oldest_first,
        )


class PendingLot(Entry):
    """Units that may not be spent before `unlocks_at`."""

    table, letter = "ledgers", b"p"

    lot: Lot
    unlocks_at: Instant

    def key(self) -> bytes:
        return self.lot.lot_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.unlocks_at


class Transfer(Entry):
    """Finds the lot of a transfer that gave units, for as long as they could be taken back."""

    table, letter = "ledgers", b"x"

    wallet: Code
    place: Draw
    """Its `units` are all that it gave."""

    def key(self) -> bytes:
        return self.place.lot_id.encode()


class Pledge(Value):
    """Units of a lot set aside, with the lot as it was."""

    lot: Lot
    units: Decimal


class Held(Entry):
    """Units out of reach: blocked, or on their way to another member."""

    table, letter = "ledgers", b"H"

    transfer_id: Uuid
    command_id: Uuid
    purpose: Literal["blocked", "transfer"]
    wallet: Code
    units: Decimal
    pledges: tuple[Pledge, ...]
    receiver_id: Uuid | None = None
    comment: Text | None = None

    def key(self) -> bytes:
        return self.transfer_id.encode()


class IssuedReward(Entry):
    table, letter = "coupons", b"r"

    issued_reward_id: Uuid
    reward_id: Uuid
    issued_at: Instant
    cost: Decimal
    coupon: Coupon | None
    reward_name: Text = ""
    reward_type: Text = ""
    status: RedemptionStatus = "issued"
    status_comment: Text | None = None
    status_at: Instant | None = None
    """When the status was set; None: when it was issued."""
    price: Decimal | None = None
    tax: Decimal | None = None
    tax_price_value: Decimal | None = None
    used_at: Instant | None = None
    expired: bool = False
    announced: tuple[int, ...] = ()
    due_at: Instant | None = None

    def key(self) -> bytes:
        return self.issued_reward_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.due_at


class CouponPlace(Entry):
    """Finds the issued reward of a coupon's code."""

    table, letter = "coupons", b"k"

    code: Text
    issued_reward_id: Uuid

    def key(self) -> bytes:
        return self.code.encode()


class Handled(Entry):
    """The memory of a command: what was answered. Forgotten at `forget_at`."""

    table, letter = "commands", b"h"

    command_id: Uuid
    forget_at: Instant
    rejection: tuple[str, str, str] | None = None
    """Field, value and reason, where it was refused."""

    def key(self) -> bytes:
        return self.command_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.forget_at


class Claim(Entry):
    """A command that waits until the identity stage has said whose its identifiers are."""

    table, letter = "commands", b"q"

    schema: Text
    command: bytes
    command_id: Uuid
    decided_at: Instant
    """The time at which it is to be decided."""
    waiting: int = 0
    """How many commands of the same owner came meanwhile."""


class Waiting(Entry):
    """A command that came while a claim of its owner was under way."""

    table, letter = "commands", b"w"

    number: int
    schema: Text
    command: bytes
    decided_at: Instant

    def key(self) -> bytes:
        return self.number.to_bytes(4, "big")


class Known(Entry):
    """Who is known by an identifier; its owner is the identifier."""

    table, letter = "identifiers", b"i"

    member_id: Uuid


class StreamTime(Entry):
    """How far history has been played on a partition; its owner is nobody."""

    table, letter = "commands", b"c"

    now: Instant


class Drop(Value):
    """The entry is gone."""

    entry: Entry


Change = Entry | Drop
E = TypeVar("E", bound=Entry)


class State(Protocol):
    """One owner's entries, read where they lie. What a decision sees."""

    def get(self, kind: type[E], key: bytes = b"") -> E | None:
        """The entry of that kind and key, or None."""

    def scan(self, kind: type[E], prefix: bytes = b"") -> Iterator[E]:
        """Entries of that kind whose key starts with `prefix`, in key order, read as they are asked for."""


def sortable(instant: datetime | None) -> bytes:
    """Eight bytes that sort as instants do, microseconds since 1970, offset to be unsigned; None last."""
    if instant is None:
        return FOREVER
    return (round(instant.timestamp() * 1_000_000) + (1 << 62)).to_bytes(8, "big")


def lot_key(wallet: str, lot: Draw) -> bytes:
    """Spending order. Earliest-expiring first: the member loses the fewest points. Where the wallet type says
    so, the oldest first. Ties by lot id, so that a replay draws the same lots."""
    first = lot.earned_at if lot.oldest_first else lot.expires_at
    return wallet_prefix(wallet) + sortable(first) + sortable(lot.earned_at) + lot.lot_id.encode()


def wallet_prefix(wallet: str) -> bytes:
    # The zero byte ends the code: "gold" must not be a prefix of "golden".
    return wallet.encode() + b"\x00"
