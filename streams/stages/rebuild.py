"""Rebuilds the loyalty stage's state from the facts alone, by today's rules."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, get_args

from streams.codec.avro import build_value, decode_tree
from streams.domain.events import Event
from streams.domain.state import DataKey
from streams.domain.store import StoreSettings
from streams.errors import Poison
from streams.secrets.crypto_shredding import HEADER as PERSONAL
from streams.secrets.crypto_shredding import open_personal
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.stages.contradictions import apply_fact
from streams.stages.state_schema import STATE_SCHEMA, StateSchema
from streams.tables.owner_entries import OwnerState
from streams.tables.tables import Tables

_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def rebuild(
    tables: Tables,
    records: Iterable[Record],
    store: Callable[[str], StoreSettings | None],
    secret: Callable[[str], bytes | None],
    layout: StateSchema = STATE_SCHEMA,
) -> list[str]:
    """Applies facts to the tables' batch. `secret` returns an owner's data key, which opens personal fields.
    Returns how facts contradict each other. Raises Poison for a record that is not a fact."""
    told = replay_facts(tables, records, store, secret, layout)
    return [f"{each.state.owner}: {each.contradicts}" for each in told if each.contradicts]


class ReplayedFact(NamedTuple):
    """A fact, its owner's state after it, and the store's current settings."""

    record: Record
    fact: Event
    state: OwnerState
    store: StoreSettings
    contradicts: str | None = None
    """How it contradicts the facts before it, or None."""


def replay_facts(
    tables: Tables,
    records: Iterable[Record],
    store: Callable[[str], StoreSettings | None],
    secret: Callable[[str], bytes | None],
    layout: StateSchema = STATE_SCHEMA,
) -> Iterator[ReplayedFact]:
    """Yields each fact after it was applied to the tables' batch. `secret` is only called for records with
    personal fields. Raises Poison."""
    for record in records:
        name, tree = decode_tree(_open_value(record, secret), record.schema)
        if name not in _EVENTS:
            raise Poison(f"{name} is no fact")
        event: Event = build_value(_EVENTS[name], tree)
        settings = store(event.store)
        if settings is None:
            raise Poison(f"store {event.store!r} has no settings")
        state = tables.of(owner_of(event.store, event.member_id))
        contradicts = apply_fact(state, event, settings, layout)
        yield ReplayedFact(record, event, state, settings, contradicts)


def _open_value(record: Record, secret: Callable[[str], bytes | None]) -> bytes | None:
    if PERSONAL not in record.headers:
        return record.value
    owner = (record.key or b"").decode(errors="replace")
    return open_personal(record.value, record.headers, secret(owner))


def data_key_lookup(running: Tables) -> Callable[[str], bytes | None]:
    """Looks up an owner's data key in the running state."""

    def secret(owner: str) -> bytes | None:
        key = running.of(owner).get(DataKey)
        return key.secret if key else None

    return secret
