"""A member's state as it was, and what was told of it: made again from the facts, by the rules of now."""

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
from streams.tables.tables import Tables, families
from streams.webhooks.events import WebhookEvent

_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


class TooManyFacts(Exception):
    """The past of that owner lies among more facts than may be read for one answer."""


def replay_member(owner: str, records: Iterable[Record], store: StoreSettings, at: datetime) -> State:
    """What `owner` had at `at`, of records of the events topic in their order; others' are passed over."""
    state = _nothing_yet(owner)
    for event in _facts(owner, records):
        if event.occurred_at <= at:
            _take(state, event, store)
    return state


def replay_webhook_events(
    owner: str, records: Iterable[Record], store: StoreSettings, secret: bytes | None
) -> Iterator[tuple[Event, tuple[WebhookEvent, ...]]]:
    """Each of the owner's facts, in their order, with the webhook events that tell of it. What is personal
    in them is there where `secret`, of the owner's data key, is."""
    state = _nothing_yet(owner)
    for event in _facts(owner, records, secret):
        _take(state, event, store)
        yield event, tuple(derive(event, state, store))


def _nothing_yet(owner: str) -> OwnerState:
    return Tables(MemoryStore(families(LoyaltyStage.kinds)), LoyaltyStage.kinds).of(owner)


def _facts(owner: str, records: Iterable[Record], secret: bytes | None = None) -> Iterator[Event]:
    for record in records:
        if record.key == owner.encode():
            name, tree = decode_tree(open_personal(record.value, record.headers, secret), record.schema)
            event: Event = build_value(_EVENTS[name], tree)
            yield event


def _take(state: OwnerState, event: Event, store: StoreSettings) -> None:
    for change in evolve(state, event, store):
        state.apply(change)
