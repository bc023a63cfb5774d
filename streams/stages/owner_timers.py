"""An owner's timers."""

from collections.abc import Iterator
from datetime import datetime

from streams.domain.decide import TimedEntry
from streams.domain.state import IssuedReward, Lot, PendingLot, Standing
from streams.tables.owner_entries import OwnerState


def due_timers(state: OwnerState, now: datetime) -> Iterator[TimedEntry]:
    """The owner's entries that are due at `now`."""
    kinds: tuple[type[TimedEntry], ...] = (Lot, PendingLot, IssuedReward, Standing)
    for kind in kinds:
        for entry in state.scan(kind):
            if entry.due is not None and entry.due <= now:
                yield entry


def due_of(entry: TimedEntry) -> datetime:
    if entry.due is None:
        raise ValueError(f"{type(entry).__name__} is not due")
    return entry.due
