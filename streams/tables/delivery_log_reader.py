"""The journal of deliveries, read. Any thread may, while one writes."""

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
"""Places looked at in vain for one page."""
MAX_LANE_STEPS = 100
HOUR = timedelta(hours=1)


class DeliveryLogReader:
    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, search: DeliverySearch) -> DeliveryPage:
        """Newest first. What comes meanwhile changes no page: the next one goes on behind a place."""
        oldest = b"\xff" * 8 if search.since is None else newest_first(search.since)
        found: list[DeliveryState] = []
        for here, behind in self._places(search, _start(search)):
            if behind[:8] > oldest:
                break
            known = keys.known_of(self._store, here[8:]) if here else None
            # It may have become another since the index was read.
            if known is not None and search.status in (None, known.status):
                found.append(known)
            if len(found) == search.size or here is None:
                return DeliveryPage(tuple(found), (behind.hex(),))
        return DeliveryPage(tuple(found), None)

    def _places(self, search: DeliverySearch, start: bytes) -> Iterator[tuple[bytes | None, bytes]]:
        return intersect_indexes(
            [IndexCursor(self._store, keys.INDEX, term) for term in search_terms(search)],
            start,
            MAX_SEARCH_STEPS,
        )

    def one(self, store: str, delivery_id: str) -> tuple[DeliveryState, tuple[Attempt, ...]] | None:
        """With its attempts, the oldest first. None where that store has none of that id."""
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
        """The hour of `now` is the last of them."""
        this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        each = [this - n * HOUR for n in reversed(range(hours))]
        subscription = UUID(subscription_id).bytes
        pending = keys.number_of(self._store, keys.TOTALS, keys.pending_key(subscription))
        return SubscriptionCounters(
            tuple(
                HourCounts(at, *keys.sums_of(self._store, keys.hour_key(at, subscription_id))) for at in each
            ),
            pending,
            # Where nothing waits, a scan would pass by all that is over and not yet cleared from the disk.
            self._oldest_pending(subscription) if pending else None,
        )

    def _oldest_pending(self, subscription: bytes) -> datetime | None:
        oldest = next(self._store.scan(keys.OPEN, subscription), (b"", b""))[0]
        return parse_oldest_first(oldest[16:24]) if oldest.startswith(subscription) else None

    def ahead_of(self, known: DeliveryState) -> DeliveryState | None:
        """A delivery of the same subscription and member that is not over and began before it."""
        lane = DeliverySearch(known.store, subscription_id=known.subscription_id, member_id=known.member_id)
        older = (here for here, _ in self._places(lane, index_position(known) + b"\x00") if here)
        found = (keys.known_of(self._store, here[8:]) for here in islice(older, MAX_LANE_STEPS))
        waiting = [each for each in found if each and each.open]
        return waiting[-1] if waiting else None


def _start(search: DeliverySearch) -> bytes:
    start = bytes.fromhex(search.after[0]) if search.after else b""
    if search.until is None:
        return start
    return max(start, newest_first_before(search.until))
