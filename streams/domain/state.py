"""A member's state, kept as many small entries so that a command touches only those it needs.

An entry knows its table, its key below its owner, and the next instant at which it wants attention
(`due_at`): the due index hangs on that alone. Entries are frozen; a change is a new entry or a `Drop`.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Protocol, TypeVar

from msgspec import Struct

from streams.domain.values import Code, Coupon, Draw, FrozenMeta, Instant, Profile, Text, Uuid, Value

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


class Transaction(Entry):
    table, letter = "members", b"t"

    document_number: Text
    transaction_id: Uuid
    gross_value: Decimal

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

    def key(self) -> bytes:
        return lot_key(self.wallet, self.draw(self.remaining))

    @property
    def due(self) -> datetime | None:
        return self.due_at

    def draw(self, units: Decimal) -> Draw:
        """`units` of this lot, with where it stands."""
        return Draw(lot_id=self.lot_id, units=units, earned_at=self.earned_at, expires_at=self.expires_at)


class IssuedReward(Entry):
    table, letter = "coupons", b"r"

    issued_reward_id: Uuid
    reward_id: Uuid
    issued_at: Instant
    cost: Decimal
    coupon: Coupon | None

    def key(self) -> bytes:
        return self.issued_reward_id.encode()


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
    """Spending order. Earliest-expiring first: the member loses the fewest points. Ties by lot id, so that
    a replay draws the same lots."""
    return wallet_prefix(wallet) + sortable(lot.expires_at) + sortable(lot.earned_at) + lot.lot_id.encode()


def wallet_prefix(wallet: str) -> bytes:
    # The zero byte ends the code: "gold" must not be a prefix of "golden".
    return wallet.encode() + b"\x00"
