"""Entries that stages keep for processes under way. They do not follow from facts."""

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
    """A handled command with its outcome. Removed at `forget_at`; None: never."""

    table, letter = "commands", b"h"

    command_id: Uuid
    forget_at: Instant | None
    rejection: tuple[str, str, str] | None = None
    """Field, value and reason if it was rejected."""
    waits_for: Text = ""
    """The message that completes it; empty if it is complete."""
    fingerprint: Text = ""
    """A digest of the request that it came from; empty if it is not known."""

    def key(self) -> bytes:
        return self.command_id.encode()

    @property
    def due(self) -> datetime | None:
        return self.forget_at


class Claim(Entry):
    """A command that waits for the identity stage to grant its identifiers."""

    table, letter = "commands", b"q"

    schema: Text
    command: bytes
    command_id: Uuid
    decided_at: Instant
    """The time for which it is decided."""
    identifiers: tuple[Identifier, ...]
    waiting: int = 0
    """The number of commands of the same owner that are queued behind it."""


class Waiting(Entry):
    """A command that is queued behind its owner's claim."""

    table, letter = "commands", b"w"

    number: int
    schema: Text
    command: bytes
    decided_at: Instant

    def key(self) -> bytes:
        return self.number.to_bytes(4, "big")


class Known(Entry):
    """The member that an identifier belongs to. Owner: the identifier."""

    table, letter = "identifiers", b"i"

    member_id: Uuid


class Plan(Entry):
    """The progress of replanning a store's timers on a partition. Its owner is empty."""

    table, letter = "commands", b"P"

    store: Code
    of: Text
    """The table whose timers are replanned."""
    rules: Text
    """A digest of the settings that the timers are replanned by."""
    reached: bytes | None = None
    """Entries before this key are done; None: all are."""

    def key(self) -> bytes:
        return f"{self.of}/{self.store}".encode()


class DataKey(Entry):
    """The key that encrypts personal data in the owner's facts. Without it, that data cannot be read."""

    table, letter = "commands", b"k"

    secret: bytes


class StreamTime(Entry):
    """How far history has been played on a partition. Its owner is empty."""

    table, letter = "commands", b"c"

    now: Instant
    over: bool = False
    """Whether the history has ended; `now` is then when the partition went live."""
