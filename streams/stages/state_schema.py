"""The version of the rules by which facts become entries.

A change of these rules needs the next number: the running state was made by the former rules, and is rebuilt
by `loyalty replay state --build` and `--switch`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streams.domain.events import Event
from streams.domain.evolve import evolve
from streams.domain.state import Change, State
from streams.domain.store import StoreSettings

Evolve = Callable[[State, Event, StoreSettings], Iterator[Change]]


@dataclass(frozen=True, slots=True)
class StateSchema:
    """`added` names kinds of entries (Lot) and fields (Lot.units) that the former schema does not have: the
    running state cannot confirm them, so that they are not compared."""

    number: int
    evolve: Evolve
    added: frozenset[str] = frozenset()


STATE_SCHEMA = StateSchema(
    1,
    evolve,
    added=frozenset(
        {
            "TransactionDetails",
            "Transaction.apart",
            "Document.purchase_place",
            "Document.labels",
            "Document.matched_at",
        }
    ),
)
"""The state schema of this release."""
