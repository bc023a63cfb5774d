"""How facts become entries. Whoever changes that gives it the next number: the state that runs was made by
the rules before, and is made anew by `loyalty replay state --build` and `--switch`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streams.domain.events import Event
from streams.domain.evolve import evolve
from streams.domain.state import Change, State
from streams.domain.store import StoreSettings

Evolve = Callable[[State, Event, StoreSettings], Iterator[Change]]


@dataclass(frozen=True, slots=True)
class StateSchema:
    """`added`: kinds of entries (Lot), and fields (Lot.units), that the layout before has not: what runs
    tells nothing of them, so that they are not compared."""

    number: int
    evolve: Evolve
    added: frozenset[str] = frozenset()


STATE_SCHEMA = StateSchema(1, evolve)
"""That of this release."""
