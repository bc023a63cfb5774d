"""What became of records that led to nothing: refused commands, and records that no one understands."""

from typing import NamedTuple

from streams.domain.values import Code, Instant, Text, Uuid, Value


class Refusal(NamedTuple):
    """Which command was refused, and why."""

    command: str
    field: str
    value: str
    reason: str


class CommandRejected(Value):
    """A command refused by a rule. Key: as the command's. Names the field, its value and the reason."""

    command_id: Uuid
    command: Text
    store: Code
    member_id: Uuid
    field: Text
    value: str
    reason: str
    rejected_at: Instant


class PoisonRecord(Value):
    """A record that cannot be understood, as it came, with where it stood and why. Key: as the record's."""

    topic: Text
    partition: int
    offset: int
    cause: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    found_at: Instant
