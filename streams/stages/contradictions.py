"""Facts that contradict each other: what a worker decided on a state that was not the true one.

A stale disk lets a lot be spent twice. The facts stay as they are: what was told and given away cannot be
taken back. So that a state follows from them all the same, such a fact is taken as far as the others allow.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from streams.domain.events import Event, UnitsSpent
from streams.domain.state import Change, Drop, Entry, Lot, wallet_prefix
from streams.domain.store import StoreSettings
from streams.domain.values import Draw, plain_decimal
from streams.stages.state_schema import StateSchema
from streams.tables.owner_entries import OwnerState


def apply_fact(state: OwnerState, event: Event, settings: StoreSettings, layout: StateSchema) -> str | None:
    """Lets the fact change the state. Says why it contradicts those before it, where it does. Units spent of
    a lot that is gone are then taken of others, in spending order, while there are any; all else is passed
    over."""
    why = _taken(state, event, settings, layout)
    if why is None:
        return None
    said = f"{type(event).__name__}: {why}"
    if isinstance(event, UnitsSpent):
        others = _drawn_anew(state, event)
        if others and _taken(state, others, settings, layout) is None:
            taken = f"{plain_decimal(others.units)} of {plain_decimal(event.units)}"
            return f"{said}; {taken} units were taken of other lots"
    return f"{said}; it was passed over"


def _taken(state: OwnerState, event: Event, settings: StoreSettings, layout: StateSchema) -> str | None:
    """All of its changes; or none, and why."""
    before: list[tuple[Entry, Entry | None]] = []
    try:
        for change in layout.evolve(state, event, settings):
            entry = change.entry if isinstance(change, Drop) else change
            before.append((entry, state.get(type(entry), entry.key())))
            state.apply(change)
    except LookupError as missing:
        for change in _undone(before):
            state.apply(change)
        return str(missing)
    return None


def _undone(before: list[tuple[Entry, Entry | None]]) -> Iterator[Change]:
    for entry, was in reversed(before):
        yield Drop(entry=entry) if was is None else was


def _drawn_anew(state: OwnerState, event: UnitsSpent) -> UnitsSpent | None:
    left, draws = event.units, list[Draw]()
    for lot in state.scan(Lot, wallet_prefix(event.wallet)):
        if left > 0:
            draws.append(lot.draw(min(left, lot.remaining)))
            left -= draws[-1].units
    return replace(event, units=event.units - left, draws=tuple(draws)) if draws else None
