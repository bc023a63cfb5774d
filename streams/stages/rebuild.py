"""Makes the loyalty stage's state again from the facts alone, by the rules of now."""

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
    """Takes facts into the tables' batch, by the rules of now; what is personal in them is sealed with an
    owner's `secret`. Returns which of them contradict others, and how. Raises Poison for what is none."""
    told = replay_facts(tables, records, store, secret, layout)
    return [f"{each.state.owner}: {each.contradicts}" for each in told if each.contradicts]


class ReplayedFact(NamedTuple):
    """A fact, its owner's state after it, and the settings of now."""

    record: Record
    fact: Event
    state: OwnerState
    store: StoreSettings
    contradicts: str | None = None
    """Why it cannot be true beside the facts before it."""


def replay_facts(
    tables: Tables,
    records: Iterable[Record],
    store: Callable[[str], StoreSettings | None],
    secret: Callable[[str], bytes | None],
    layout: StateSchema = STATE_SCHEMA,
) -> Iterator[ReplayedFact]:
    """Each fact once the tables' batch has taken it. `secret` is asked where there is something to be opened.
    Raises Poison."""
    for record in records:
        name, tree = decode_tree(_opened(record, secret), record.schema)
        if name not in _EVENTS:
            raise Poison(f"{name} is no fact")
        event: Event = build_value(_EVENTS[name], tree)
        settings = store(event.store)
        if settings is None:
            raise Poison(f"store {event.store!r} has no settings")
        state = tables.of(owner_of(event.store, event.member_id))
        contradicts = apply_fact(state, event, settings, layout)
        yield ReplayedFact(record, event, state, settings, contradicts)


def _opened(record: Record, secret: Callable[[str], bytes | None]) -> bytes | None:
    if PERSONAL not in record.headers:
        return record.value
    owner = (record.key or b"").decode(errors="replace")
    return open_personal(record.value, record.headers, secret(owner))


def data_key_lookup(running: Tables) -> Callable[[str], bytes | None]:
    """The data keys that the running state holds, by their owners."""

    def secret(owner: str) -> bytes | None:
        key = running.of(owner).get(DataKey)
        return key.secret if key else None

    return secret
