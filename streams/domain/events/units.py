"""What happened to units."""

from decimal import Decimal

from streams.domain.events.fact import Fact
from streams.domain.values import (
    Cause,
    Code,
    Draw,
    Instant,
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
    | UnitsHeld
    | UnitsReleased
    | UnitsSent
    | UnitsReceived
    | UnitsExpiryAnnounced
)
