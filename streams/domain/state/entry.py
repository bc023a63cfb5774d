"""The base of all entries, and the port `State` for reading one owner's entries."""

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
    """Base of all entries. They are stored as arrays: new fields must be added at the end, with a default."""

    table: ClassVar[str]
    letter: ClassVar[bytes]
    due_group_size: ClassVar[int] = 0

    def key(self) -> bytes:
        """The entry's key among its owner's entries of the same kind, which defines their order."""
        return b""

    @property
    def due(self) -> datetime | None:
        """When the entry's timer is due, or None."""
        return None

    def due_group(self) -> bytes:
        """The entry's group in the due index, in `due_group_size` bytes. Groups do not wait for each
        other."""
        return b""

    @classmethod
    def timed(cls) -> bool:
        """Whether entries of this kind can have a timer."""
        return cls.due is not Entry.due


class Drop(Value):
    """Removes the entry."""

    entry: Entry


Change = Entry | Drop
E = TypeVar("E", bound=Entry)


class State(Protocol):
    """One owner's entries, as decisions read them."""

    def get(self, kind: type[E], key: bytes = b"") -> E | None:
        """The entry of that kind and key, or None."""

    def scan(self, kind: type[E], prefix: bytes = b"") -> Iterator[E]:
        """Entries of that kind whose key starts with `prefix`, in key order, read as they are asked for."""


def sortable(instant: datetime | None) -> bytes:
    """Eight bytes that sort like instants: microseconds since 1970, offset to be unsigned. None sorts
    last."""
    if instant is None:
        return FOREVER
    return (round(instant.timestamp() * 1_000_000) + (1 << 62)).to_bytes(8, "big")


def instant(eight: bytes) -> datetime:
    """The instant that `sortable` encoded."""
    return _EPOCH + timedelta(microseconds=int.from_bytes(eight, "big") - (1 << 62))
