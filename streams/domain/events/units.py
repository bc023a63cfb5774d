"""Facts about units."""

from decimal import Decimal

from streams.domain.events.fact import Fact
from streams.domain.values import (
    BlockedShare,
    Cause,
    Code,
    Draw,
    Instant,
    Share,
    Text,
    Uuid,
)


class UnitsEarned(Fact):
    """A new lot, identified by the transfer that made it. It is pending until `locked_until`, if set."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    expires_at: Instant | None
    comment: Text | None
    cause: Cause | None
    locked_until: Instant | None = None
    oldest_first: bool = False
    purchase: Text | None = None
    """The document number of the purchase that gave them, whose returns take them back."""


class UnitsActivated(Fact):
    """Pending units became spendable."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal


class UnitsSpent(Fact):
    """`draws` are the lots that paid; their units add up to `units`."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    comment: Text | None
    cause: Cause | None


class UnitsExpired(Fact):
    """The rest of a lot expired."""

    transfer_id: Uuid
    wallet: Code
    lot: Draw


class UnitsBlocked(Fact):
    """The units cannot be spent until the transfer is cancelled."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    comment: Text | None


class UnitsUnblocked(Fact):
    """`transfer_id` is that of the block."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal


class UnitsCancelled(Fact):
    """The transfer's units were taken back: from `draws`, or from pending units."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    pending: bool
    draws: tuple[Draw, ...]


class UnitsTakenBack(Fact):
    """A return took `units` back: pending, spendable (`draws`) and blocked ones. Missing units become the
    member's debt (`owed`) or are waived (`waived`). `purchase` is the purchase's document number, or None if
    the return named none; `shares` are the units taken for each lot of the purchase.
    """

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    pending: tuple[Share, ...]
    draws: tuple[Draw, ...]
    blocked: tuple[BlockedShare, ...]
    owed: Decimal
    waived: Decimal
    purchase: Text | None
    shares: tuple[Share, ...]
    comment: Text | None
    cause: Cause | None

    @property
    def drawn(self) -> Decimal:
        """By how much the spendable units decrease."""
        return sum((draw.units for draw in self.draws), Decimal(0))


class DebtPaid(Fact):
    """Received units paid the debt that a return left."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]


class UnitsHeld(Fact):
    """The units are held for `receiver_id` until its partition answers. They still count as the sender's."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    receiver_id: Uuid
    comment: Text | None


class UnitsReleased(Fact):
    """The receiver rejected the units, for that reason: nothing was transferred. `command_id` is that of the
    transfer."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    field: Text
    value: str
    reason: str


class UnitsSent(Fact):
    """The receiver got the units."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    receiver_id: Uuid
    comment: Text | None


class UnitsReceived(Fact):
    """One lot for each of the sender's `draws`, with the same expiry."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    sender_id: Uuid
    sent_as: Uuid
    """The id of the sender's transfer."""
    comment: Text | None


class UnitsExpiryAnnounced(Fact):
    """The expiry of `remaining` of the lot's `units` was announced to the member, `days` before."""

    wallet: Code
    lot_id: Uuid
    units: Decimal
    remaining: Decimal
    earned_at: Instant
    expires_at: Instant
    days: int


UnitsEvent = (
    UnitsEarned
    | UnitsActivated
    | UnitsSpent
    | UnitsExpired
    | UnitsBlocked
    | UnitsUnblocked
    | UnitsCancelled
    | UnitsTakenBack
    | DebtPaid
    | UnitsHeld
    | UnitsReleased
    | UnitsSent
    | UnitsReceived
    | UnitsExpiryAnnounced
)
