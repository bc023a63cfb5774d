"""Recomputes one member's past state and webhook events from the facts, by today's rules."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import get_args

from streams.codec.avro import build_value, decode_tree
from streams.derived import derive
from streams.domain.events import Event
from streams.domain.evolve import evolve
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.secrets.crypto_shredding import open_personal
from streams.stages.context import Record
from streams.stages.loyalty import LoyaltyStage
from streams.tables.owner_entries import OwnerState
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.webhooks.events import WebhookEvent

_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


class TooManyFacts(Exception):
    """The owner's facts lie among more facts than may be read for one answer."""


def replay_member(owner: str, records: Iterable[Record], store: StoreSettings, at: datetime) -> State:
    """The state of `owner` at `at`, from records of the events topic in their order. Other owners' records
    are skipped."""
    state = _empty_state(owner)
    for event in _read_facts(owner, records):
        if event.occurred_at <= at:
            _apply_fact(state, event, store)
    return state


def replay_webhook_events(
    owner: str, records: Iterable[Record], store: StoreSettings, secret: bytes | None
) -> Iterator[tuple[Event, tuple[WebhookEvent, ...]]]:
    """Yields each of the owner's facts, in order, with its webhook events. Personal fields are filled if the
    owner's data key `secret` is given."""
    state = _empty_state(owner)
    for event in _read_facts(owner, records, secret):
        _apply_fact(state, event, store)
        yield event, tuple(derive(event, state, store))


def _empty_state(owner: str) -> OwnerState:
    return Tables(MemoryStore(table_families(LoyaltyStage.kinds)), LoyaltyStage.kinds).of(owner)


def _read_facts(owner: str, records: Iterable[Record], secret: bytes | None = None) -> Iterator[Event]:
    for record in records:
        if record.key == owner.encode():
            name, tree = decode_tree(open_personal(record.value, record.headers, secret), record.schema)
            event: Event = build_value(_EVENTS[name], tree)
            yield event


def _apply_fact(state: OwnerState, event: Event, store: StoreSettings) -> None:
    for change in evolve(state, event, store):
        state.apply(change)
