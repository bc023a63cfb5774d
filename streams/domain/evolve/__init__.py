"""`evolve`: from an owner's state and a fact to the entries that it changes."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

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
    return _RULES.get(type(event), evolve_member)(state, event, store)


_Rule = Callable[[State, Any, StoreSettings], Iterator[Change]]
_RULES: dict[type[Event], _Rule] = {
    **dict.fromkeys(get_args(UnitsEvent), evolve_units),
    **dict.fromkeys(get_args(TransactionEvent), lambda state, event, _: evolve_transaction(state, event)),
    **dict.fromkeys(get_args(RewardEvent), evolve_reward),
}
"""By kind of fact; all others are `evolve_member`'s."""
