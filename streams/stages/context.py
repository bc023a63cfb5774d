"""What a stage is given for one partition in one transaction, and what it leaves."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
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
MAX_KEY_BYTES = 8 << 10
"""Bytes: more than the key of any owner, identifier or subscription has."""


class Record(NamedTuple):
    """A record as it came; `topic` is the registry's name, without the prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]

    @property
    def schema(self) -> str | None:
        header = self.headers.get("schema")
        return None if header is None else header.decode(errors="replace")

    @property
    def kind(self) -> str:
        """The schema's name without its version, which is its value's type; empty: it names none."""
        return (self.schema or "").rpartition(".v")[0]

    def check_key(self, owner: str) -> None:
        """Raises Poison where the key is not that of the value's owner: it would see another state."""
        if self.key != owner.encode():
            key = (self.key or b"")[:MAX_KEPT_KEY_BYTES].decode(errors="replace")
            raise Poison(f"has the key {key!r} where {owner!r} belongs")


class Output(NamedTuple):
    """A record to append; a value of None is a tombstone. `partition` None: where the key's hash says."""

    topic: Topic
    key: str
    value: Value | None
    partition: int | None
    encoded: tuple[bytes, str] | None
    """The value's bytes and the header that names its schema; None for a tombstone."""
    personal: bytes | None = None
    """What only the key of its owner opens: see `streams.secrets.crypto_shredding`."""


class StageContext:
    """One partition's share of a transaction; `place` says which partition of its source a key belongs to."""

    __slots__ = ("_place", "now", "outputs", "partition", "record", "tables")

    def __init__(
        self, partition: int, tables: Tables, now: datetime, place: Callable[[bytes], int] | None = None
    ) -> None:
        self.partition = partition
        self._place = place
        self.tables = tables
        self.now = now
        """The wall clock's time at the start of the transaction."""
        self.outputs: list[Output] = []
        self.record: Record | None = None
        """What is being handled: it is to blame where the stage fails. None: a timer, or nothing."""

    def each(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records that stand where they belong, each to blame while it is the latest."""
        for record in records:
            if self.takes(record):
                yield record
        self.record = None

    def takes(self, record: Record) -> bool:
        """Whether it stands where its key belongs; it is to blame from now on. Otherwise it is put aside: on
        another partition its owner would have a second state."""
        self.record = record
        try:
            self._check_place(record)
        except Poison as cause:
            self.poison(record, cause)
            return False
        return True

    def _check_place(self, record: Record) -> None:
        # A clock's record goes to each partition, whatever its key; what has no key, the stage refuses.
        if not record.key or record.kind == AdvanceClock.__name__:
            return
        if len(record.key) > MAX_KEY_BYTES:
            raise Poison(f"has a key of {len(record.key):,} bytes; one has {MAX_KEY_BYTES:,} at most")
        if self._place is None:
            return
        expected = self._place(record.key)
        if record.partition != expected:
            raise Poison(
                f"{WRONG_PARTITION} {record.partition}: expected partition {expected} for this key "
                "(partitioner: murmur2)"
            )

    def send(self, topic: Topic, key: str, value: Value | None) -> None:
        """Append where the key's hash says."""
        self._append(topic, key, value, None)

    def send_to_same_partition(
        self, topic: Topic, key: str, value: Value, personal: bytes | None = None
    ) -> None:
        """Append to the partition of the same number: co-partitioned topics, the same key."""
        self._append(topic, key, value, self.partition, personal)

    def _append(
        self,
        topic: Topic,
        key: str,
        value: Value | None,
        partition: int | None,
        personal: bytes | None = None,
    ) -> None:
        # Encoded here and not where it is produced: a value that no record can hold fails while the record
        # that led to it is the one to blame.
        encoded = None if value is None else avro.encode(value)
        self.outputs.append(Output(topic, key, value, partition, encoded, personal))

    def poison(self, record: Record, cause: Poison) -> None:
        """Put the record aside, as it came; of one too large for that, its beginning."""
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
        # The key only spreads the records: its beginning is enough.
        self.send(POISON, (record.key or b"")[:MAX_KEPT_KEY_BYTES].decode(errors="replace"), kept.bounded())


class Stage(Protocol):
    """What a feed asks of a stage."""

    kinds: Sequence[type[Entry]]
    """The entries that its tables hold."""

    @property
    def patience(self) -> float:
        """Seconds for which a feed may wait for records where `wants` says nothing."""

    def assigned(self, partition: int, tables: Tables) -> None:
        """The partition belongs to this process now, and its tables are restored."""

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        """Handle records in order, and what is due, in at most about `budget` steps. Returns how many
        records were handled; the others come again in the next turn."""

    def wants(self, partition: int, tables: Tables) -> bool:
        """Whether there is something to do without a record: between turns only."""

    def between(self, partition: int, tables: Tables) -> None:
        """No transaction is under way: the time to begin what goes on outside them."""

    def rest(self) -> bool:
        """The process is to end: begin nothing more. Asked again, between turns, until it is true."""

    def revoked(self, partition: int) -> None:
        """The partition belongs to another process now."""


class Clock(Protocol):
    """What time it is for a partition's timers."""

    plays_history: bool
    """Whether time only moves with records, so that timers fire between them."""

    def at(self, turn: StageContext, issued_at: datetime) -> datetime:
        """The time at which a record issued at `issued_at` is handled."""

    def now(self, tables: Tables) -> datetime:
        """The time between records."""

    def past(self, tables: Tables, moment: datetime) -> bool:
        """Whether `moment` is of history: what was due then happened then, however late it is come to."""

    def behind(self, tables: Tables) -> bool:
        """Whether it is live, and what was due since the history that was played must happen first."""

    def live(self, turn: StageContext) -> None:
        """All of that has happened: history ends at the turn's time."""


class WallClock:
    """Live: now is now. Where history was played before, all up to the first live turn's end is of it."""

    plays_history = False

    def __init__(self, utc: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._utc = utc

    def at(self, turn: StageContext, issued_at: datetime) -> datetime:  # noqa: ARG002
        return turn.now

    def now(self, tables: Tables) -> datetime:  # noqa: ARG002
        return self._utc()

    def past(self, tables: Tables, moment: datetime) -> bool:
        played = _played(tables)
        return played is not None and (not played.over or moment <= played.now)

    def behind(self, tables: Tables) -> bool:
        played = _played(tables)
        return played is not None and not played.over

    def live(self, turn: StageContext) -> None:
        turn.tables.of("").apply(StreamTime(now=turn.now, over=True))


class StreamClock:
    """Replayed: the highest `issued_at` that the partition has seen, kept with its tables."""

    plays_history = True
    _START = datetime.fromtimestamp(0, UTC)

    def at(self, turn: StageContext, issued_at: datetime) -> datetime:
        now = self.now(turn.tables)
        if issued_at > now:
            turn.tables.of("").apply(StreamTime(now=issued_at))
        return max(now, issued_at)

    def now(self, tables: Tables) -> datetime:
        played = _played(tables)
        return played.now if played else self._START

    def past(self, tables: Tables, moment: datetime) -> bool:  # noqa: ARG002
        return True

    def behind(self, tables: Tables) -> bool:  # noqa: ARG002
        return False

    def live(self, turn: StageContext) -> None: ...


def _played(tables: Tables) -> StreamTime | None:
    return tables.of("").get(StreamTime)
