"""An owner's entries that time wakes."""

from collections.abc import Iterator
from datetime import datetime

from streams.domain.decide import Timed
from streams.domain.state import IssuedReward, Lot, PendingLot, Standing
from streams.tables.owner_entries import Owned


def timed(state: Owned, now: datetime) -> Iterator[Timed]:
    """The owner's entries that are due at `now`."""
    kinds: tuple[type[Timed], ...] = (Lot, PendingLot, IssuedReward, Standing)
    for kind in kinds:
        for entry in state.scan(kind):
            if entry.due is not None and entry.due <= now:
                yield entry


def due_of(entry: Timed) -> datetime:
    if entry.due is None:
        raise ValueError(f"{type(entry).__name__} is not due")
    return entry.due
