"""What a stage gets for one partition in one transaction, and what it returns; the ports `Stage` and
`Clock`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, Protocol

from streams.codec import avro
from streams.domain.commands import AdvanceClock
from streams.domain.state import Entry, StreamTime
from streams.domain.values import Value
from streams.errors import Poison
from streams.rejections import WRONG_PARTITION, PoisonRecord
from streams.tables.tables import Tables
from streams.topics import POISON, Topic

MAX_KEPT_KEY_BYTES = 1024
MAX_SCHEMA_HEADER_BYTES = 100
MAX_KEY_BYTES = 8 << 10
"""Bytes. The keys of owners, identifiers and subscriptions are all shorter."""


def _schema_names(header: bytes) -> tuple[str, str]:
    # Longer ones name no schema, and would only fill the memory.
    return _known_names(header) if len(header) <= MAX_SCHEMA_HEADER_BYTES else _split_header(header)


def _split_header(header: bytes) -> tuple[str, str]:
    """The schema's name with and without its version."""
    schema = header.decode(errors="replace")
    return schema, schema.rpartition(".v")[0]


_known_names = lru_cache(1024)(_split_header)


class Record(NamedTuple):
    """A record as it was read. `topic` is the name in `streams.topics`, without the prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    timestamp: int = 0
    """When it was appended, in milliseconds of Unix time; 0: unknown."""

    @property
    def schema(self) -> str | None:
        header = self.headers.get("schema")
        return None if header is None else _schema_names(header)[0]

    @property
    def kind(self) -> str:
        """The schema's name without its version, which is the value's type; empty if the header names no
        schema."""
        header = self.headers.get("schema")
        return "" if header is None else _schema_names(header)[1]

    def check_key(self, owner: str) -> None:
        """Raises Poison if the key is not the owner's: the record would be decided on another owner's
        state."""
        if self.key != owner.encode():
            key = (self.key or b"")[:MAX_KEPT_KEY_BYTES].decode(errors="replace")
            raise Poison(f"has the key {key!r} where {owner!r} belongs")


class Output(NamedTuple):
    """A record to append. A value of None is a tombstone. A partition of None means the key's hash
    decides."""

    topic: Topic
    key: str
    value: Value | None
    partition: int | None
    encoded: tuple[bytes, str] | None
    """The value's bytes and the schema header; None for a tombstone."""
    personal: bytes | None = None
    """Personal fields, encrypted with the owner's data key: see `streams.secrets.crypto_shredding`."""


class StageContext:
    """One partition's share of a transaction. `place` returns the partition of the source topic that a key
    belongs to; None disables that check."""

    __slots__ = ("_partition_of", "now", "outputs", "partition", "record", "tables")

    def __init__(
        self, partition: int, tables: Tables, now: datetime, place: Callable[[bytes], int] | None = None
    ) -> None:
        self.partition = partition
        self._partition_of = place
        self.tables = tables
        self.now = now
        """The wall-clock time at the start of the transaction."""
        self.outputs: list[Output] = []
        self.record: Record | None = None
        """The record that is being handled, and is suspected if the stage fails. None while a timer runs, and
        between records."""

    def each(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yields the records that are on the right partition. The latest one is the suspect if the stage
        fails."""
        for record in records:
            if self.takes(record):
                yield record
        self.record = None

    def takes(self, record: Record) -> bool:
        """Whether the record is on the partition of its key. If not, it is put into poison: on another
        partition its owner would get a second state. From now on the record is the suspect if the stage
        fails."""
        self.record = record
        try:
            self._check_partition(record)
        except Poison as cause:
            self.poison(record, cause)
            return False
        return True

    def _check_partition(self, record: Record) -> None:
        # AdvanceClock goes to every partition, whatever its key. The stage itself rejects a record without a
        # key.
        if not record.key or record.kind == AdvanceClock.__name__:
            return
        if len(record.key) > MAX_KEY_BYTES:
            raise Poison(f"has a key of {len(record.key):,} bytes; one has {MAX_KEY_BYTES:,} at most")
        if self._partition_of is None:
            return
        expected = self._partition_of(record.key)
        if record.partition != expected:
            raise Poison(
                f"{WRONG_PARTITION} {record.partition}: expected partition {expected} for this key "
                "(partitioner: murmur2)"
            )

    def send(self, topic: Topic, key: str, value: Value | None) -> None:
        """Appends to the partition of the key's hash."""
        self._append(topic, key, value, None)

    def send_to_same_partition(
        self, topic: Topic, key: str, value: Value, personal: bytes | None = None
    ) -> None:
        """Appends to the partition of the same number: the topics are co-partitioned and the key is the
        same."""
        self._append(topic, key, value, self.partition, personal)

    def _append(
        self,
        topic: Topic,
        key: str,
        value: Value | None,
        partition: int | None,
        personal: bytes | None = None,
    ) -> None:
        # Encoded here and not in the producer: a value that cannot be encoded fails while the record that led
        # to it is still the suspect.
        encoded = None if value is None else avro.encode(value)
        self.outputs.append(Output(topic, key, value, partition, encoded, personal))

    def poison(self, record: Record, cause: Poison) -> None:
        """Puts the record into poison as it came; a record that is too large for that is truncated."""
        kept = PoisonRecord(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            cause=str(cause),
            key=record.key,
            value=record.value,
            headers=dict(record.headers),
            found_at=self.now,
        )
        # The key only distributes the records over partitions: its beginning is enough.
        self.send(POISON, (record.key or b"")[:MAX_KEPT_KEY_BYTES].decode(errors="replace"), kept.bounded())


class Stage(Protocol):
    """What a feed needs from a stage."""

    kinds: Sequence[type[Entry]]
    """The kinds of entries in its tables."""

    @property
    def patience(self) -> float:
        """Seconds for which a feed may wait for records where `wants` says nothing."""

    def assigned(self, partition: int, tables: Tables) -> None:
        """Called when this process owns the partition and has restored its tables."""

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        """Handles records in order, and timers that are due, in about `budget` steps at most. Returns how
        many records were handled: the others come again in the next transaction."""

    def wants(self, partition: int, tables: Tables) -> bool:
        """Whether there is work without a record, such as a timer that is due. Only between transactions."""

    def between(self, partition: int, tables: Tables) -> None:
        """Called while no transaction is open: work outside transactions may start here."""

    def rest(self) -> bool:
        """Asks the stage to start nothing more, as the process ends. Called between transactions until it
        returns true."""

    def revoked(self, partition: int) -> None:
        """Called when another process owns the partition."""


class Clock(Protocol):
    """The time of a partition's timers."""

    plays_history: bool
    """Whether only records advance the time, so that timers fire between them."""

    def at(self, turn: StageContext, issued_at: datetime) -> datetime:
        """The time at which a record issued at `issued_at` is handled."""

    def now(self, tables: Tables) -> datetime:
        """The time while no record is handled."""

    def is_history(self, tables: Tables, moment: datetime) -> bool:
        """Whether `moment` belongs to the history: a timer that was due then fires with that time, however
        late it runs."""

    def has_history_timers(self, tables: Tables) -> bool:
        """Whether the partition has gone live, but timers of the played history still have to fire."""

    def end_history(self, turn: StageContext) -> None:
        """Ends the history at the transaction's time: all of its timers have fired."""


class WallClock:
    """The wall clock's time. If history was played before, everything up to the end of the first live
    transaction belongs to it."""

    plays_history = False

    def __init__(self, utc: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._utc = utc

    def at(self, turn: StageContext, issued_at: datetime) -> datetime:  # noqa: ARG002
        return turn.now

    def now(self, tables: Tables) -> datetime:  # noqa: ARG002
        return self._utc()

    def is_history(self, tables: Tables, moment: datetime) -> bool:
        played = _history_clock(tables)
        return played is not None and (not played.over or moment <= played.now)

    def has_history_timers(self, tables: Tables) -> bool:
        played = _history_clock(tables)
        return played is not None and not played.over

    def end_history(self, turn: StageContext) -> None:
        turn.tables.of("").apply(StreamTime(now=turn.now, over=True))


class StreamClock:
    """The highest `issued_at` that the partition has seen, which is stored in its tables."""

    plays_history = True
    _START = datetime.fromtimestamp(0, UTC)

    def at(self, turn: StageContext, issued_at: datetime) -> datetime:
        now = self.now(turn.tables)
        if issued_at > now:
            turn.tables.of("").apply(StreamTime(now=issued_at))
        return max(now, issued_at)

    def now(self, tables: Tables) -> datetime:
        played = _history_clock(tables)
        return played.now if played else self._START

    def is_history(self, tables: Tables, moment: datetime) -> bool:  # noqa: ARG002
        return True

    def has_history_timers(self, tables: Tables) -> bool:  # noqa: ARG002
        return False

    def end_history(self, turn: StageContext) -> None: ...


def _history_clock(tables: Tables) -> StreamTime | None:
    return tables.of("").get(StreamTime)
