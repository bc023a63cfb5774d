"""Forecasts the events of a member's timers, by running the timers' own rules ahead of time."""

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
    """A state that is changed by the forecast and then dropped."""

    def apply(self, change: Change) -> None:
        """Applies the changed entry, or its removal."""


def forecast(
    draft: DraftState, store: StoreSettings, member_id: str, now: datetime, end: datetime
) -> Iterator[Event]:
    """Yields the events with now <= time < end, in order; overdue timers fire at `now`. Timers follow the
    current settings, even if they have not been replanned yet."""
    timers = _Timers(end)
    for planned in _timed_entries(draft, store, now, end):
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


def _timed_entries(state: State, store: StoreSettings, now: datetime, end: datetime) -> Iterator[TimedEntry]:
    for kind in PLANNED_KINDS:
        for entry in state.scan(kind):
            if not (isinstance(entry, Lot) and _is_certainly_later(entry, store, end)):
                yield replan_timer(state, entry, store, now)
    yield from state.scan(PendingLot)


def _is_certainly_later(lot: Lot, store: StoreSettings, end: datetime) -> bool:
    """Whether the lot certainly has nothing due before `end`. This check needs no calendar: few of a store's
    lots are due, and computing exact times for all of them would dominate the cost."""
    if lot.expires_at is None:
        return True
    # Two days of margin: no change of clocks or zones adds as much.
    return lot.expires_at - end > timedelta(days=max(store.units_lead_times(lot.wallet), default=0) + 2)


class _Timers:
    """Timers due before `end`, the earliest first, ties in the order of the due index."""

    def __init__(self, end: datetime) -> None:
        self._end = end
        self._heap: list[tuple[datetime, bytes]] = []

    def add(self, change: Change) -> bool:
        """Adds the changed entry if it is due before `end`. Returns whether it is."""
        if isinstance(change, Drop) or change.due is None or change.due >= self._end:
            return False
        heappush(self._heap, (change.due, change.letter + change.key()))
        return True

    def next(self, state: State) -> TimedEntry | None:
        """The next due entry as it is now, or None. Entries that were removed or rescheduled are skipped."""
        while self._heap:
            at, key = heappop(self._heap)
            entry = state.get(_KINDS[key[:1]], key[1:])
            if entry is not None and entry.due == at:
                return entry
        return None
