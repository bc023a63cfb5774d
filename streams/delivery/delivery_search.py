"""What is asked of the journal of deliveries, what it answers, and the keys by which it finds that."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from streams.delivery.delivery_state import DeliveryState, DeliveryStatus
from streams.delivery.records import Attempt, Delivery

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class DeliverySearch:
    """Of one store's deliveries, newest event first. None: whichever. since <= created_at < until."""

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
    """What the page before said comes next."""


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """`next` None: there are no more. A page may be short, even empty, and have a next: work is bounded."""

    items: tuple[DeliveryState, ...]
    next: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class DeliveryDetails:
    """A delivery, its attempts, the oldest first; and its record, None where it is not kept any more."""

    known: DeliveryState
    attempts: tuple[Attempt, ...]
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class HourCounts:
    """From `at` on. `failed` counts attempts, the others deliveries."""

    at: datetime
    delivered: int = 0
    failed: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class SubscriptionCounters:
    """Of a subscription: each of the last hours, the oldest first, and what is not over."""

    hours: tuple[HourCounts, ...]
    pending: int
    oldest_pending_at: datetime | None


def index_position(known: DeliveryState) -> bytes:
    """Newest first; of one instant, in the order of their ids."""
    return newest_first(known.created_at) + UUID(known.delivery_id).bytes


def newest_first(at: datetime) -> bytes:
    return (_LAST - _micros(at)).to_bytes(8, "big")


def newest_first_before(at: datetime) -> bytes:
    """Where, newest first, what is older than `at` begins."""
    return (_LAST - _micros(at) + 1).to_bytes(8, "big")


def oldest_first(at: datetime) -> bytes:
    return (_LAST + 1 + _micros(at)).to_bytes(8, "big")


def parse_oldest_first(key: bytes) -> datetime:
    """The instant of what `oldest_first` made."""
    return _EPOCH + (int.from_bytes(key, "big") - _LAST - 1) * _MICROSECOND


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def index_terms(known: DeliveryState) -> tuple[bytes, ...]:
    """Under what it is found; each begins with the store: nobody walks through another's."""
    return (
        index_term(known.store, "all"),
        index_term(known.store, "subscription", known.subscription_id),
        index_term(known.store, "status", known.status),
        index_term(known.store, "event", known.event_name),
        index_term(known.store, "member", known.member_id),
        index_term(known.store, "webhook", known.webhook_event_id),
    )


def search_terms(search: DeliverySearch) -> tuple[bytes, ...]:
    """The terms that all must hold."""
    return tuple(_asked(search)) or (index_term(search.store, "all"),)


def _asked(search: DeliverySearch) -> Iterator[bytes]:
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
_LETTERS: dict[TermName, bytes] = {
    "all": b"a",
    "subscription": b"u",
    "status": b"s",
    "event": b"e",
    "member": b"m",
    "webhook": b"w",
}


def index_term(store: str, name: TermName, value: str = "") -> bytes:
    # The zero bytes end store and value: none is the beginning of another.
    return b"%b\x00%b%b\x00" % (store.encode(), _LETTERS[name], value.encode())
