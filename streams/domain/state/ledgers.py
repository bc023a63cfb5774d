"""Entries of wallets: sums, lots in spending order, and held units."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from streams.domain.state.entry import Entry, sortable
from streams.domain.values import (
    Code,
    Draw,
    Instant,
    Text,
    Uuid,
    Value,
)


class Account(Entry):
    """The sums of a member's wallet. `changes` counts the changes of `available`."""

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
    """Held for transfers under way: part of `available`, but not spendable."""
    sent: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    cancelled: Decimal = Decimal(0)
    returns: int = 0
    """How many lots were restored after they were gone."""
    returned: Decimal = Decimal(0)
    """Units that returns took. All but the pending ones are part of `spent` too."""
    owed: Decimal = Decimal(0)
    """The debt of returns: units that were missing. Received units pay it first."""

    @property
    def spendable(self) -> Decimal:
        return self.available - self.held

    def key(self) -> bytes:
        return self.wallet.encode()


class Lot(Entry):
    """Units that were earned together. A wallet's lots sort in spending order."""

    table, letter = "ledgers", b"l"

    wallet: Code
    lot_id: Uuid
    units: Decimal
    remaining: Decimal
    earned_at: Instant
    expires_at: Instant | None
    announced: tuple[int, ...] = ()
    """Lead times, in days, that have been announced."""
    due_at: Instant | None = None
    oldest_first: bool = False
    """Whether it is sorted by age instead of expiry."""
    returns: int = 0
    """The number of the restoration that brought the lot back after it was gone; 0 if it was never gone. It
    makes the ids of repeated expiries differ: parts of a lot may be restored one by one, and each expires by
    itself."""
    purchase: Text | None = None
    """The document number of the purchase that gave the lot."""

    def key(self) -> bytes:
        return lot_key(self.wallet, self.draw(self.remaining))

    @property
    def due(self) -> datetime | None:
        return self.due_at

    def draw(self, units: Decimal) -> Draw:
        """A draw of `units` from this lot."""
        return Draw(
            lot_id=self.lot_id,
            units=units,
            earned_at=self.earned_at,
            expires_at=self.expires_at,
            oldest_first=self.oldest_first,
        )


class Ending(Entry):
    """Finds a lot that is sorted by age by its expiry. Other lots sort by expiry themselves."""

    table, letter = "ledgers", b"e"

    wallet: Code
    expires_at: Instant
    place: Draw

    def key(self) -> bytes:
        return wallet_prefix(self.wallet) + sortable(self.expires_at) + self.place.lot_id.encode()


class PendingLot(Entry):
    """Units that cannot be spent before `unlocks_at`."""

    table, letter = "ledgers", b"p"

    lot: Lot
    unlocks_at: Instant

    def key(self) -> bytes:
        return self.lot.lot_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.unlocks_at


class Transfer(Entry):
    """Finds the lot of a transfer, while its units can still be taken back."""

    table, letter = "ledgers", b"x"

    wallet: Code
    place: Draw
    """`units` are all units that it gave, less those that returns took."""
    purchase: Text | None = None
    """The document number of the purchase that gave them."""

    def key(self) -> bytes:
        return self.place.lot_id.encode()


class Pledge(Value):
    """Held units of a lot, with the lot as it was."""

    lot: Lot
    units: Decimal


class Held(Entry):
    """Held units: blocked, or on their way to another member."""

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


def lot_key(wallet: str, lot: Draw) -> bytes:
    """The key that sorts lots in spending order. Earliest-expiring first: the member loses the fewest points.
    If the wallet type says so, the oldest first. Ties by lot id, so that a replay draws the same lots."""
    first = lot.earned_at if lot.oldest_first else lot.expires_at
    return wallet_prefix(wallet) + sortable(first) + sortable(lot.earned_at) + lot.lot_id.encode()


def wallet_prefix(wallet: str) -> bytes:
    # The zero byte ends the code: "gold" must not be a prefix of "golden".
    return wallet.encode() + b"\x00"
