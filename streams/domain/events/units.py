"""What happened to units."""

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
    """A new lot of units, named by the transfer that made it; pending until `locked_until`, if set."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    expires_at: Instant | None
    comment: Text | None
    cause: Cause | None
    locked_until: Instant | None = None
    oldest_first: bool = False
    purchase: Text | None = None
    """The document number of the purchase that gave them: its returns take them back."""


class UnitsActivated(Fact):
    """Pending units may be spent."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal


class UnitsSpent(Fact):
    """`draws` say which lots paid; their units sum to `units`."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    comment: Text | None
    cause: Cause | None


class UnitsExpired(Fact):
    """What was left of a lot is gone."""

    transfer_id: Uuid
    wallet: Code
    lot: Draw


class UnitsBlocked(Fact):
    """Unusable until the transfer is cancelled."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    comment: Text | None


class UnitsUnblocked(Fact):
    """`transfer_id` is the blocking one's."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal


class UnitsCancelled(Fact):
    """What the transfer gave was taken back: from `draws`, or, pending, from what nobody could spend yet."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    pending: bool
    draws: tuple[Draw, ...]


class UnitsTakenBack(Fact):
    """A return took `units` back: `pending` ones, those of `draws` that could be spent, and `blocked` ones.
    What was not there is the member's debt (`owed`), or nothing more is taken for it (`waived`).

    `purchase` is the document number of the purchase, and `shares` says what is taken for each lot that it
    gave; without it, the return named none.
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
        """How much less the member can spend."""
        return sum((draw.units for draw in self.draws), Decimal(0))


class DebtPaid(Fact):
    """Units that came to the wallet pay what a return could not take."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]


class UnitsHeld(Fact):
    """Set aside for `receiver_id`, until its partition answers. Still counted as the sender's."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    receiver_id: Uuid
    comment: Text | None


class UnitsReleased(Fact):
    """The receiver could not take them, for that reason: nothing was transferred. Its `command_id` is that of
    the transfer."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    field: Text
    value: str
    reason: str


class UnitsSent(Fact):
    """The receiver has them."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    receiver_id: Uuid
    comment: Text | None


class UnitsReceived(Fact):
    """One lot for each of `draws`, which were the sender's, each with its expiry."""

    transfer_id: Uuid
    wallet: Code
    units: Decimal
    draws: tuple[Draw, ...]
    sender_id: Uuid
    sent_as: Uuid
    """The sender's transfer."""
    comment: Text | None


class UnitsExpiryAnnounced(Fact):
    """The member was told, `days` before, that `remaining` of the lot's `units` will expire."""

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
