"""What a member's timers will bring if nothing else happens: the rules themselves, played ahead."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Protocol

from streams.domain.decide import TimedEntry, run_timer, skip_announcements
from streams.domain.events import Event
from streams.domain.evolve import evolve
from streams.domain.state import Change, Drop, Lot, PendingLot, State
from streams.domain.store import StoreSettings
from streams.domain.timer_rules import PLANNED_KINDS, replan_timer

_KINDS: dict[bytes, type[TimedEntry]] = {kind.letter: kind for kind in (*PLANNED_KINDS, PendingLot)}


class DraftState(State, Protocol):
    """A state to be changed and thrown away."""

    def apply(self, change: Change) -> None:
        """The changed entry, or that it is gone."""


def forecast(
    draft: DraftState, store: StoreSettings, member_id: str, now: datetime, end: datetime
) -> Iterator[Event]:
    """What comes from `now` until before `end`, in order; what is overdue, at `now`. Timers follow the
    settings of now, whatever they followed before."""
    timers = _Timers(end)
    for planned in _planned(draft, store, now, end):
        if timers.add(planned):
            draft.apply(planned)
    while entry := timers.next(draft):
        at, silently = max(entry.due or now, now), True
        for event in run_timer(draft, entry, store, member_id, at):
            for change in evolve(draft, event, store):
                draft.apply(change)
                timers.add(change)
            silently = False
            yield event
        left = draft.get(type(entry), entry.key())
        if silently and left is not None and left.due is not None and left.due <= at:
            quiet = skip_announcements(draft, left, store, at)
            draft.apply(quiet)
            timers.add(quiet)


def _planned(state: State, store: StoreSettings, now: datetime, end: datetime) -> Iterator[TimedEntry]:
    for kind in PLANNED_KINDS:
        for entry in state.scan(kind):
            if not (isinstance(entry, Lot) and _later(entry, store, end)):
                yield replan_timer(state, entry, store, now)
    yield from state.scan(PendingLot)


def _later(lot: Lot, store: StoreSettings, end: datetime) -> bool:
    """Whether it is plain, without a calendar, that nothing of the lot is due before `end`: of a store's lots
    few are, and exactly when would cost more than all the rest."""
    if lot.expires_at is None:
        return True
    # Two days more: no change of clocks or zones makes days longer by as much.
    return lot.expires_at - end > timedelta(days=max(store.units_lead_times(lot.wallet), default=0) + 2)


class _Timers:
    """Entries that are due before `end`: the earliest first, ties in the order of the due index."""

    def __init__(self, end: datetime) -> None:
        self._end = end
        self._heap: list[tuple[datetime, bytes]] = []

    def add(self, change: Change) -> bool:
        """Whether it is among them."""
        if isinstance(change, Drop) or change.due is None or change.due >= self._end:
            return False
        heappush(self._heap, (change.due, change.letter + change.key()))
        return True

    def next(self, state: State) -> TimedEntry | None:
        """The entry as it is now; one that is gone, or due at another time by now, is passed over."""
        while self._heap:
            at, key = heappop(self._heap)
            entry = state.get(_KINDS[key[:1]], key[1:])
            if entry is not None and entry.due == at:
                return entry
        return None
