"""Reads the delivery log. Thread-safe, also while another thread writes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from streams.delivery.delivery_search import (
    DeliveryPage,
    DeliverySearch,
    HourCounts,
    SubscriptionCounters,
    index_position,
    newest_first,
    newest_first_before,
    parse_oldest_first,
    search_terms,
)
from streams.delivery.delivery_state import DeliveryState
from streams.delivery.records import Attempt
from streams.tables import delivery_log_keys as keys
from streams.tables.index_intersection import IndexCursor, intersect_indexes
from streams.tables.store import Store

MAX_SEARCH_STEPS = 20_000
"""Index entries that one page may skip before it is returned short."""
MAX_LANE_STEPS = 100
HOUR = timedelta(hours=1)


class DeliveryLogReader:
    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, search: DeliverySearch) -> DeliveryPage:
        """One page, the newest delivery first. Deliveries that arrive between two pages change neither: a
        page continues after a position, not after a count."""
        oldest = b"\xff" * 8 if search.since is None else newest_first(search.since)
        found: list[DeliveryState] = []
        for here, behind in self._positions(search, _start_position(search)):
            if behind[:8] > oldest:
                break
            known = keys.known_of(self._store, here[8:]) if here else None
            # Its status may have changed since the index was read.
            if known is not None and search.status in (None, known.status):
                found.append(known)
            if len(found) == search.size or here is None:
                return DeliveryPage(tuple(found), (behind.hex(),))
        return DeliveryPage(tuple(found), None)

    def _positions(self, search: DeliverySearch, start: bytes) -> Iterator[tuple[bytes | None, bytes]]:
        return intersect_indexes(
            [IndexCursor(self._store, keys.INDEX, term) for term in search_terms(search)],
            start,
            MAX_SEARCH_STEPS,
        )

    def one(self, store: str, delivery_id: str) -> tuple[DeliveryState, tuple[Attempt, ...]] | None:
        """The delivery with its attempts, the oldest first, or None if that store has no delivery of that
        id."""
        id_ = UUID(delivery_id).bytes
        known = keys.known_of(self._store, id_)
        if known is None or known.store != store:
            return None
        return known, tuple(sorted(self._attempts(id_), key=lambda each: each.started_at))

    def _attempts(self, id_: bytes) -> Iterator[Attempt]:
        for key, raw in self._store.scan(keys.ATTEMPTS, id_):
            if not key.startswith(id_):
                return
            yield keys.decode_attempt(raw)

    def counters(self, subscription_id: str, now: datetime, hours: int) -> SubscriptionCounters:
        """Hourly counts of the last `hours` hours, of which the hour of `now` is the last."""
        this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        each = [this - n * HOUR for n in reversed(range(hours))]
        subscription = UUID(subscription_id).bytes
        pending = keys.number_of(self._store, keys.TOTALS, keys.pending_key(subscription))
        return SubscriptionCounters(
            tuple(
                HourCounts(at, *keys.sums_of(self._store, keys.hour_key(at, subscription_id))) for at in each
            ),
            pending,
            # If nothing is pending, a scan would walk over every deletion that RocksDB has not compacted yet.
            self._oldest_pending(subscription) if pending else None,
        )

    def _oldest_pending(self, subscription: bytes) -> datetime | None:
        oldest = next(self._store.scan(keys.OPEN, subscription), (b"", b""))[0]
        return parse_oldest_first(oldest[16:24]) if oldest.startswith(subscription) else None

    def ahead_of(self, known: DeliveryState) -> DeliveryState | None:
        """The oldest unfinished delivery of the same subscription and member that was created before this
        one."""
        lane = DeliverySearch(known.store, subscription_id=known.subscription_id, member_id=known.member_id)
        older = (here for here, _ in self._positions(lane, index_position(known) + b"\x00") if here)
        found = (keys.known_of(self._store, here[8:]) for here in islice(older, MAX_LANE_STEPS))
        waiting = [each for each in found if each and each.open]
        return waiting[-1] if waiting else None


def _start_position(search: DeliverySearch) -> bytes:
    start = bytes.fromhex(search.after[0]) if search.after else b""
    if search.until is None:
        return start
    return max(start, newest_first_before(search.until))
