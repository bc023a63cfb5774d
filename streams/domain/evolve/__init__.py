"""`evolve`: from an owner's state and a fact to the entries that it changes."""

from collections.abc import Iterator

from streams.domain.events import Event, RewardEvent, TransactionEvent, UnitsEvent
from streams.domain.evolve.members import evolve_member
from streams.domain.evolve.rewards import evolve_reward
from streams.domain.evolve.transactions import evolve_transaction
from streams.domain.evolve.units import evolve_units
from streams.domain.state import Change, State
from streams.domain.store import StoreSettings


def evolve(state: State, event: Event, store: StoreSettings) -> Iterator[Change]:
    """Yields the changed entries; the caller applies each before it requests the next.

    Everything but the timers depends on the facts alone. Timers also depend on the store's current lead times
    and tier sets."""
    if isinstance(event, UnitsEvent):
        return evolve_units(state, event, store)
    if isinstance(event, TransactionEvent):
        return evolve_transaction(state, event)
    if isinstance(event, RewardEvent):
        return evolve_reward(state, event, store)
    return evolve_member(state, event, store)
