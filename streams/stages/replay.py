"""A member's state as it was: made again from the facts, by the rules that made it."""

from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from streams.codec import build, read
from streams.domain.events import Event
from streams.domain.evolve import evolve
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.stages.loyalty import LoyaltyStage
from streams.stages.turn import Record
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, families

_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


class TooMuch(Exception):
    """The past of that owner lies among more facts than may be read for one answer."""


def replayed(owner: str, records: Iterable[Record], store: StoreSettings, at: datetime) -> State:
    """What `owner` had at `at`, of records of the events topic in their order; others' are passed over."""
    tables = Tables(MemoryStore(families(LoyaltyStage.kinds)), LoyaltyStage.kinds)
    state = tables.of(owner)
    for record in records:
        if record.key == owner.encode():
            name, tree = read(record.value, record.schema)
            event: Event = build(_EVENTS[name], tree)
            if event.occurred_at <= at:
                for change in evolve(state, event, store):
                    state.apply(change)
    return state
