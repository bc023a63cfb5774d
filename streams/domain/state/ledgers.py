"""Entries of wallets: sums, lots in spending order, and units out of reach."""

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
    returns: int = 0
    """How many lots came back after they were gone."""
    returned: Decimal = Decimal(0)
    """What returns took. All of it but what was pending is in `spent` too."""
    owed: Decimal = Decimal(0)
    """What returns should have taken and was not there: units that come pay it first."""

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
    """Which return of the wallet's lots brought it back after it was gone; 0: it was never gone. It makes the
    ids of its ends differ: parts of a lot may come back one by one, each to an end of its own."""
    purchase: Text | None = None
    """The document number of the purchase that gave it."""

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


class Ending(Entry):
    """Finds a lot that stands in order of age by when its day is over. The others stand in that order."""

    table, letter = "ledgers", b"e"

    wallet: Code
    expires_at: Instant
    place: Draw

    def key(self) -> bytes:
        return wallet_prefix(self.wallet) + sortable(self.expires_at) + self.place.lot_id.encode()


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
    """Its `units` are all that it gave, less what returns took of it."""
    purchase: Text | None = None
    """The document number of the purchase that gave them."""

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


def lot_key(wallet: str, lot: Draw) -> bytes:
    """Spending order. Earliest-expiring first: the member loses the fewest points. Where the wallet type says
    so, the oldest first. Ties by lot id, so that a replay draws the same lots."""
    first = lot.earned_at if lot.oldest_first else lot.expires_at
    return wallet_prefix(wallet) + sortable(first) + sortable(lot.earned_at) + lot.lot_id.encode()


def wallet_prefix(wallet: str) -> bytes:
    # The zero byte ends the code: "gold" must not be a prefix of "golden".
    return wallet.encode() + b"\x00"
