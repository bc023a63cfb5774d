"""Control records that cannot be worked with: told apart where they are read, and set aside.

One never hides an older good one. While a process runs, what it had stays in force. After compaction, which
leaves nothing of a key but the bad record, a process that starts finds the last good one on its machine's
disk (see `streams.kafka.last_valid`). Nothing is written over the bad record by itself: to a newer release of
this program it may be a good one. Whoever changes the thing next replaces it, by REST or `loyalty store put`.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from confluent_kafka import Message

from streams.codec import avro
from streams.control_records import MAX_LOGGED_CHARACTERS, RecordFault, find_fault, redact_values
from streams.domain.values import Value
from streams.errors import Poison, Rejected

V = TypeVar("V", bound=Value)


@dataclass(frozen=True, slots=True)
class UnfitRecord:
    """Where a bad record stands, and what is wrong with it: never a value of it, which may be a secret."""

    topic: str
    partition: int
    offset: int
    key: str
    fault: RecordFault
    in_force: int | None
    """The offset of the last good record of the key, which stays in force; None: there is none."""

    def __str__(self) -> str:
        where = f"{self.topic}[{self.partition}] at offset {self.offset}, key {self.key}"
        kept = (
            "nothing is in force for its key"
            if self.in_force is None
            else f"the record at offset {self.in_force} stays in force"
        )
        return f"{where}: {self.fault.field} {self.fault.reason}; {kept}"


class UnfitError(Exception):
    """Nobody could work with the record."""

    def __init__(self, key: str, found: RecordFault) -> None:
        super().__init__(f"{found.field} {found.reason}")
        self.key = key
        self.fault = found


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record's parts as they stand in the log."""

    offset: int
    key: bytes
    schema: str | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class ValidRecord(Generic[V]):
    """A record that can be worked with; None: its key is gone."""

    raw: RawRecord
    key: str
    value: V | None


def raw_record(message: Message) -> RawRecord:
    headers = dict(message.headers() or [])
    header = headers.get(avro.HEADER)
    schema = header.decode(errors="replace") if isinstance(header, bytes) else header
    return RawRecord(message.offset() or 0, message.key() or b"", schema, message.value())


def validate_record(kind: type[V], raw: RawRecord) -> ValidRecord[V]:
    """Raises Unfit."""
    try:
        key = raw.key.decode()
    except UnicodeDecodeError:
        raise UnfitError(printable_key(raw.key), RecordFault("key", "is no text")) from None
    if not key:
        raise UnfitError("", RecordFault("key", "is empty"))
    if raw.value is None:
        return ValidRecord(raw, key, None)
    try:
        value = avro.build_value(kind, _tree(kind, raw))
    except Rejected as rejected:
        reason = f"is not valid: {redact_values(rejected.reason)}"
        raise UnfitError(printable_key(raw.key), RecordFault(redact_values(rejected.field), reason)) from None
    except Poison as poison:
        raise UnfitError(printable_key(raw.key), RecordFault("record", _unread(raw, poison))) from None
    wrong = find_fault(key, value)
    if wrong:
        raise UnfitError(printable_key(raw.key), wrong)
    return ValidRecord(raw, key, value)


def _tree(kind: type[V], raw: RawRecord) -> avro.Tree:
    name, tree = avro.decode_tree(raw.value, raw.schema)
    if name != kind.__name__:
        raise Poison(f"is a {name} where a {kind.__name__} belongs")
    return tree


def _unread(raw: RawRecord, poison: Poison) -> str:
    """Without what its reader says of the bytes."""
    if raw.schema in avro.released_schemas():
        return f"cannot be read by its schema {raw.schema}, or is of another kind than its topic's"
    return redact_values(str(poison)) if raw.schema is None else "names no released schema"


def printable_key(key: bytes) -> str:
    """Fit for one line of a log."""
    try:
        text = ascii(key.decode())[1:-1]
    except UnicodeDecodeError:
        text = repr(key)[2:-1]
    return text if len(text) <= MAX_LOGGED_CHARACTERS else f"{text[:MAX_LOGGED_CHARACTERS]}..."
