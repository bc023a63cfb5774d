"""Applies facts that contradict each other, because a worker decided on a stale state.

A stale disk lets a lot be spent twice. Such facts stay as they are: rewards and webhooks that were sent
cannot be revoked. To get a state from them anyway, such a fact is applied as far as the facts before it
allow.
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
    """Applies the fact to the state. Returns how it contradicts the facts before it, or None.

    If a spent lot no longer exists, the units are drawn from other lots in spending order, as far as there
    are any. Every other contradicting fact is skipped."""
    why = _try_apply(state, event, settings, layout)
    if why is None:
        return None
    said = f"{type(event).__name__}: {why}"
    if isinstance(event, UnitsSpent):
        others = _redraw_lots(state, event)
        if others and _try_apply(state, others, settings, layout) is None:
            taken = f"{plain_decimal(others.units)} of {plain_decimal(event.units)}"
            return f"{said}; {taken} units were taken of other lots"
    return f"{said}; it was passed over"


def _try_apply(state: OwnerState, event: Event, settings: StoreSettings, layout: StateSchema) -> str | None:
    """Applies all changes of the fact, or none. Returns the reason in the second case."""
    before: list[tuple[Entry, Entry | None]] = []
    try:
        for change in layout.evolve(state, event, settings):
            entry = change.entry if isinstance(change, Drop) else change
            before.append((entry, state.get(type(entry), entry.key())))
            state.apply(change)
    except LookupError as missing:
        for change in _undo_changes(before):
            state.apply(change)
        return str(missing)
    return None


def _undo_changes(before: list[tuple[Entry, Entry | None]]) -> Iterator[Change]:
    for entry, was in reversed(before):
        yield Drop(entry=entry) if was is None else was


def _redraw_lots(state: OwnerState, event: UnitsSpent) -> UnitsSpent | None:
    left, draws = event.units, list[Draw]()
    for lot in state.scan(Lot, wallet_prefix(event.wallet)):
        if left > 0:
            draws.append(lot.draw(min(left, lot.remaining)))
            left -= draws[-1].units
    return replace(event, units=event.units - left, draws=tuple(draws)) if draws else None
