"""What became of records that led to nothing: refused commands, and records that no one understands."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Self

from msgspec.structs import replace

from streams.domain.commands import Command
from streams.domain.values import Code, Instant, Text, Uuid, Value
from streams.errors import Rejected

MAX_COMMAND_BYTES = 1 << 20
"""Bytes of a command. What comes of it, its JSON bodies above all, must fit in records too."""
MAX_ACCEPTED_BYTES = 6 << 20
"""Bytes that the commands topic takes, so that a command too large is refused with its reason and kept whole.
Compressed: what it holds may be any size."""
MAX_COMMAND_PARTS = 10_000
"""Items, labels and attributes of a command: one of two bytes becomes two dozen in a JSON body."""
MAX_MESSAGE_BYTES = MAX_COMMAND_BYTES + (1 << 10)
"""Bytes of what owners tell one another: it says a little more than the command that it follows from."""
MAX_RECORD_BYTES = 8 << 20
"""Bytes of any record that we write: what we make of a command of the largest size, its JSON bodies above
all, must not be refused."""
WRONG_PARTITION = "stands on partition"
"""How the cause of a poison record begins that was well, but not where its key belongs."""
# The traceback of a bug, if need be.
MAX_CAUSE_CHARACTERS = 8 << 10
_KEPT_WHOLE = 7 << 20
_KEPT_OF_REFUSED = 1 << 10
_KEPT_OF_VALUE, _KEPT_OF_TEXT = 64 << 10, 1 << 10


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


def rejection(command: Command, name: str, refusal: Rejected, at: datetime) -> CommandRejected:
    """The record that tells why the command named `name` is refused."""
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
    """A record that cannot be understood, as it came, with where it stood and why. Key: as the record's."""

    topic: Text
    partition: int
    offset: int
    cause: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    found_at: Instant
    left_out: int = 0
    """Bytes that are not kept here, for all of them would not fit in a record."""

    def bounded(self) -> Self:
        """Fits in a record of the poison topic, whatever came: the beginning stands for what is too large."""
        short = replace(self, cause=self.cause[:MAX_CAUSE_CHARACTERS])
        size = _bytes(self.key, self.value, self.headers)
        if size <= _KEPT_WHOLE:
            return short
        key, value = (self.key or b"")[:_KEPT_OF_TEXT], (self.value or b"")[:_KEPT_OF_VALUE]
        return replace(short, key=key, value=value, headers={}, left_out=size - _bytes(key, value, {}))


def shorten_value(refused: object) -> str:
    """Of a long value the beginning: it is kept with the state for as long as its command is remembered."""
    text = str(refused)
    return text if len(text) <= _KEPT_OF_REFUSED else f"{text[:_KEPT_OF_REFUSED]}…"


class Redriven(Value):
    """A poison record was sent again to where it came from. Key: its partition and offset in `poison`."""

    poison_partition: int
    poison_offset: int
    topic: Text
    partition: int
    offset: int
    redriven_at: Instant


class LetterRedriven(Value):
    """A dead letter's delivery was sent again. Key: its partition and offset in `dead-letters`."""

    partition: int
    offset: int
    delivery_id: Uuid
    redriven_at: Instant


def _bytes(key: bytes | None, value: bytes | None, headers: Mapping[str, bytes]) -> int:
    return len(key or b"") + len(value or b"") + sum(len(n) + len(v) for n, v in headers.items())
