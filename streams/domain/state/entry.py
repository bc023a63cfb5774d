"""What entries are, and how an owner's are read and changed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol, TypeVar

from msgspec import Struct

from streams.domain.values import (
    FrozenMeta,
    Value,
)

FOREVER = b"\xff" * 8
_EPOCH = datetime.fromtimestamp(0, UTC)


class Entry(Struct, metaclass=FrozenMeta, array_like=True):
    """Base of all entries. Stored as arrays: fields are only ever added at the end, with a default."""

    table: ClassVar[str]
    letter: ClassVar[bytes]
    due_group_size: ClassVar[int] = 0

    def key(self) -> bytes:
        """Where the entry stands among its owner's entries of the same kind."""
        return b""

    @property
    def due(self) -> datetime | None:
        """The next instant at which the entry wants attention, or None."""
        return None

    def due_group(self) -> bytes:
        """Entries of different groups do not wait for each other; `due_group_size` bytes."""
        return b""

    @classmethod
    def timed(cls) -> bool:
        """Whether entries of this kind may ever be due."""
        return cls.due is not Entry.due


class Drop(Value):
    """The entry is gone."""

    entry: Entry


Change = Entry | Drop
E = TypeVar("E", bound=Entry)


class State(Protocol):
    """One owner's entries, read where they lie. What a decision sees."""

    def get(self, kind: type[E], key: bytes = b"") -> E | None:
        """The entry of that kind and key, or None."""

    def scan(self, kind: type[E], prefix: bytes = b"") -> Iterator[E]:
        """Entries of that kind whose key starts with `prefix`, in key order, read as they are asked for."""


def sortable(instant: datetime | None) -> bytes:
    """Eight bytes that sort as instants do, microseconds since 1970, offset to be unsigned; None last."""
    if instant is None:
        return FOREVER
    return (round(instant.timestamp() * 1_000_000) + (1 << 62)).to_bytes(8, "big")


def instant(eight: bytes) -> datetime:
    """What `sortable` was given."""
    return _EPOCH + timedelta(microseconds=int.from_bytes(eight, "big") - (1 << 62))
