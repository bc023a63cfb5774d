"""Records of failures: rejected commands, poison records and redrives; and the size limits of records."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Self

from msgspec.structs import replace

from streams.domain.commands import Command
from streams.domain.values import Code, Instant, Text, Uuid, Value
from streams.errors import Rejected

MAX_COMMAND_BYTES = 1 << 20
"""Most bytes of a command. The records that follow from it, JSON bodies above all, must fit in records
too."""
MAX_ACCEPTED_BYTES = 6 << 20
"""Most bytes of a batch on the topic `commands`, compressed. It exceeds the limit of a command, so that a
command that is too large can be rejected with its reason and kept whole."""
MAX_COMMAND_PARTS = 10_000
"""Most items, labels and attributes of a command: one of two bytes becomes two dozen bytes in a JSON body."""
MAX_MESSAGE_BYTES = MAX_COMMAND_BYTES + (1 << 10)
"""Most bytes of a message between owners, which is a little larger than the command that it follows from."""
MAX_RECORD_BYTES = 8 << 20
"""Most bytes of any record that this project writes: all records that follow from a command of the largest
size must fit."""
WRONG_PARTITION = "stands on partition"
"""How the cause of a poison record begins if the record is valid, but on the wrong partition."""
# Enough for a bug's traceback.
MAX_CAUSE_CHARACTERS = 8 << 10
_MAX_WHOLE_BYTES = 7 << 20
_MAX_REJECTED_CHARACTERS = 1 << 10
_MAX_VALUE_BYTES, _MAX_KEY_BYTES = 64 << 10, 1 << 10


class LateRejection(NamedTuple):
    """A rejection that arrives after the command was accepted: the command's type and the reason."""

    command: str
    field: str
    value: str
    reason: str


class CommandRejected(Value):
    """A command rejected by a rule, with the field, its value and the reason. Key: the command's."""

    command_id: Uuid
    command: Text
    store: Code
    member_id: Uuid
    field: Text
    value: str
    reason: str
    rejected_at: Instant


def rejection(command: Command, name: str, refusal: Rejected, at: datetime) -> CommandRejected:
    """The record of a rejected command, whose sender knows it by the type `name`."""
    return CommandRejected(
        command_id=command.command_id,
        command=name,
        store=command.store,
        member_id=command.member_id,
        field=refusal.field,
        value=shorten_value(refusal.value),
        reason=refusal.reason,
        rejected_at=at,
    )


class PoisonRecord(Value):
    """A record that cannot be read, unchanged, with its position and the cause. Key: the record's."""

    topic: Text
    partition: int
    offset: int
    cause: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    found_at: Instant
    left_out: int = 0
    """Bytes that were dropped because they would not fit in a record."""

    def bounded(self) -> Self:
        """The record truncated to fit in the poison topic."""
        short = replace(self, cause=self.cause[:MAX_CAUSE_CHARACTERS])
        size = _total_bytes(self.key, self.value, self.headers)
        if size <= _MAX_WHOLE_BYTES:
            return short
        key, value = (self.key or b"")[:_MAX_KEY_BYTES], (self.value or b"")[:_MAX_VALUE_BYTES]
        return replace(short, key=key, value=value, headers={}, left_out=size - _total_bytes(key, value, {}))


def shorten_value(refused: object) -> str:
    """A long value truncated: it is stored in the state for as long as its command is remembered."""
    text = str(refused)
    return text if len(text) <= _MAX_REJECTED_CHARACTERS else f"{text[:_MAX_REJECTED_CHARACTERS]}…"


class Redriven(Value):
    """A poison record was redriven to the topic that it came from. Key: its partition and offset in
    `poison`."""

    poison_partition: int
    poison_offset: int
    topic: Text
    partition: int
    offset: int
    redriven_at: Instant


class LetterRedriven(Value):
    """A dead letter was redriven. Key: its partition and offset in `dead-letters`."""

    partition: int
    offset: int
    delivery_id: Uuid
    redriven_at: Instant


def _total_bytes(key: bytes | None, value: bytes | None, headers: Mapping[str, bytes]) -> int:
    return len(key or b"") + len(value or b"") + sum(len(n) + len(v) for n, v in headers.items())
