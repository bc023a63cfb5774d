"""Working memory of the stages: it follows from what is under way, not from facts."""

from datetime import datetime

from streams.domain.state.entry import Entry
from streams.domain.values import (
    Code,
    Identifier,
    Instant,
    Text,
    Uuid,
)


class Handled(Entry):
    """The memory of a command: what was answered. Forgotten at `forget_at`; None: never."""

    table, letter = "commands", b"h"

    command_id: Uuid
    forget_at: Instant | None
    rejection: tuple[str, str, str] | None = None
    """Field, value and reason, where it was refused."""
    waits_for: Text = ""
    """The message with which it comes to its end; empty: it has."""
    fingerprint: Text = ""
    """Of the request that it came from, where its sender may send that again; empty: it is not known."""

    def key(self) -> bytes:
        return self.command_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.forget_at


class Claim(Entry):
    """A command that waits until the identity stage has said whose its identifiers are."""

    table, letter = "commands", b"q"

    schema: Text
    command: bytes
    command_id: Uuid
    decided_at: Instant
    """The time at which it is to be decided."""
    identifiers: tuple[Identifier, ...]
    waiting: int = 0
    """How many commands of the same owner came meanwhile."""


class Waiting(Entry):
    """A command that came while a claim of its owner was under way."""

    table, letter = "commands", b"w"

    number: int
    schema: Text
    command: bytes
    decided_at: Instant

    def key(self) -> bytes:
        return self.number.to_bytes(4, "big")


class Known(Entry):
    """Who is known by an identifier; its owner is the identifier."""

    table, letter = "identifiers", b"i"

    member_id: Uuid


class Plan(Entry):
    """Which lead times the timers of a store's entries follow on a partition; its owner is nobody."""

    table, letter = "commands", b"P"

    store: Code
    of: Text
    """The table whose timers they are."""
    rules: Text
    """A digest of the settings that they follow, or are being made to."""
    reached: bytes | None = None
    """The key before which all do; None: all of them."""

    def key(self) -> bytes:
        return f"{self.of}/{self.store}".encode()


class DataKey(Entry):
    """With what the personal part of the owner's facts is sealed. Where it is gone, so is that part."""

    table, letter = "commands", b"k"

    secret: bytes


class StreamTime(Entry):
    """How far history has been played on a partition; its owner is nobody."""

    table, letter = "commands", b"c"

    now: Instant
    over: bool = False
    """Whether it has ended: `now` is when the partition went live."""
