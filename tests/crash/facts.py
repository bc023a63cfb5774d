"""Facts as whoever has the data keys reads them: each run draws its own."""

from collections.abc import Iterable

import msgspec

from streams.domain.state import DataKey
from streams.errors import Poison
from streams.secrets.crypto_shredding import HEADER, open_personal
from streams.stages.context import Record
from streams.tables.owner_entries import OWNER_END
from tests.crash.model import State


def is_data_key(table: str, key: bytes) -> bool:
    return table == DataKey.table and key.partition(OWNER_END)[2] == DataKey.letter


def as_opened(facts: Iterable[Record], state: State) -> list[Record]:
    """With the keys in `state`; that something is sealed for good shows."""
    keys = {
        key.partition(OWNER_END)[0]: raw for (table, key), raw in state.items() if is_data_key(table, key)
    }
    return [fact._replace(value=_whole(fact, keys.get(fact.key or b""))) for fact in facts]


def _whole(fact: Record, key: bytes | None) -> bytes | None:
    if HEADER not in fact.headers:
        return fact.value
    if key is None:
        return b"sealed for good: " + (fact.value or b"")
    try:
        return open_personal(fact.value, fact.headers, msgspec.msgpack.decode(key, type=DataKey).secret)
    except Poison as failure:
        return str(failure).encode()
