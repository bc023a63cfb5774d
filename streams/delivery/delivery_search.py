"""Queries and results of the delivery log, and the index keys that answer them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from streams.delivery.delivery_state import DeliveryState, DeliveryStatus
from streams.delivery.records import Attempt, Delivery

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_MICROS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class DeliverySearch:
    """A query for one store's deliveries, the newest event first. None means any. since <= created_at <
    until."""

    store: str
    subscription_id: str | None = None
    status: DeliveryStatus | None = None
    event_name: str | None = None
    member_id: str | None = None
    webhook_event_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    size: int = 10
    after: tuple[str, ...] = ()
    """`next` of the page before."""


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """`next` is None at the end. A page may be short, or even empty, and have a next one, as the work for one
    page is bounded."""

    items: tuple[DeliveryState, ...]
    next: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class DeliveryDetails:
    """A delivery's state, its attempts, the oldest first, and its record, or None if that has been
    deleted."""

    known: DeliveryState
    attempts: tuple[Attempt, ...]
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class HourCounts:
    """Counts of the hour that starts at `at`. `failed` counts attempts, the others count deliveries."""

    at: datetime
    delivered: int = 0
    failed: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class SubscriptionCounters:
    """A subscription's counts for each of the last hours, the oldest first, and its unfinished deliveries."""

    hours: tuple[HourCounts, ...]
    pending: int
    oldest_pending_at: datetime | None


def index_position(known: DeliveryState) -> bytes:
    """Sorts the newest event first, and events of the same instant by delivery id."""
    return newest_first(known.created_at) + UUID(known.delivery_id).bytes


def newest_first(at: datetime) -> bytes:
    return (_MAX_MICROS - _to_micros(at)).to_bytes(8, "big")


def newest_first_before(at: datetime) -> bytes:
    """The first `newest_first` key of instants before `at`."""
    return (_MAX_MICROS - _to_micros(at) + 1).to_bytes(8, "big")


def oldest_first(at: datetime) -> bytes:
    return (_MAX_MICROS + 1 + _to_micros(at)).to_bytes(8, "big")


def parse_oldest_first(key: bytes) -> datetime:
    """The instant that `oldest_first` encoded."""
    return _EPOCH + (int.from_bytes(key, "big") - _MAX_MICROS - 1) * _MICROSECOND


def _to_micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def index_terms(known: DeliveryState) -> tuple[bytes, ...]:
    """The terms that find the delivery. Each begins with the store, so that no query reads another store's
    entries."""
    return (
        index_term(known.store, "all"),
        index_term(known.store, "subscription", known.subscription_id),
        index_term(known.store, "status", known.status),
        index_term(known.store, "event", known.event_name),
        index_term(known.store, "member", known.member_id),
        index_term(known.store, "webhook", known.webhook_event_id),
    )


def search_terms(search: DeliverySearch) -> tuple[bytes, ...]:
    """The terms that a delivery must match, all of them."""
    return tuple(_query_terms(search)) or (index_term(search.store, "all"),)


def _query_terms(search: DeliverySearch) -> Iterator[bytes]:
    if search.webhook_event_id is not None:
        yield index_term(search.store, "webhook", search.webhook_event_id)
    if search.member_id is not None:
        yield index_term(search.store, "member", search.member_id)
    if search.subscription_id is not None:
        yield index_term(search.store, "subscription", search.subscription_id)
    if search.status is not None:
        yield index_term(search.store, "status", search.status)
    if search.event_name is not None:
        yield index_term(search.store, "event", search.event_name)


TermName = Literal["all", "subscription", "status", "event", "member", "webhook"]
_TERM_LETTERS: dict[TermName, bytes] = {
    "all": b"a",
    "subscription": b"u",
    "status": b"s",
    "event": b"e",
    "member": b"m",
    "webhook": b"w",
}


def index_term(store: str, name: TermName, value: str = "") -> bytes:
    # Zero bytes end store and value, so that none is a prefix of another.
    return b"%b\x00%b%b\x00" % (store.encode(), _TERM_LETTERS[name], value.encode())
