"""The journal on both sides of its store: searched as a plain list is, counted, forgotten."""

from collections.abc import Iterator
from dataclasses import replace as with_
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.delivery.delivery_search import DeliverySearch, HourCounts
from streams.delivery.delivery_state import DELIVERY_STATUSES, DeliveryState
from streams.delivery.records import Attempt, DeadLetter, Delivery
from streams.tables.delivery_log import DeliveryLog, LogRecord
from streams.tables.delivery_log_keys import FAMILIES, INDEX
from streams.tables.delivery_log_reader import DeliveryLogReader
from streams.tables.index_intersection import IndexCursor, intersect_indexes
from streams.tables.store import MemoryStore, RocksStore, Store
from tests.delivery.journal_records import SECOND, attempt, dated, delivery, letter
from tests.samples import ANNA, BORIS, NOON, STORE, uid
from tests.tables.stores import Open

HOUR = timedelta(hours=1)
EVENTS = ("CustomerRegistered", "CustomerUpdated")


@pytest.fixture
def store(opened: Open) -> Iterator[Store]:
    found = opened(FAMILIES)
    yield found
    found.close()


def heard(*values: Delivery | Attempt | DeadLetter, start: int = 0, at: datetime = NOON) -> list[LogRecord]:
    return [LogRecord(value, 0, start + n, at) for n, value in enumerate(values)]


def ids(found: tuple[DeliveryState, ...]) -> list[str]:
    return [known.delivery_id for known in found]


def pages(reader: DeliveryLogReader, search: DeliverySearch) -> list[str]:
    """All of them, page after page."""
    found: list[str] = []
    while True:
        page = reader.search(search)
        found += ids(page.items)
        if page.next is None:
            return found
        search = with_(search, after=page.next)


def test_a_delivery_is_found_by_each_of_its_traits_and_by_all_together(store: Store) -> None:
    one, other = delivery(1), replace(delivery(2, BORIS, uid(501)), event_name="CustomerUpdated")
    DeliveryLog(store).take(heard(one, other, attempt(other)), {})
    reader = DeliveryLogReader(store)

    assert ids(reader.search(DeliverySearch(STORE)).items) == [uid(1), uid(2)]
    assert ids(reader.search(DeliverySearch(STORE, subscription_id=uid(501))).items) == [uid(2)]
    assert ids(reader.search(DeliverySearch(STORE, status="pending")).items) == [uid(1)]
    assert ids(reader.search(DeliverySearch(STORE, member_id=BORIS)).items) == [uid(2)]
    assert ids(reader.search(DeliverySearch(STORE, event_name="CustomerUpdated")).items) == [uid(2)]
    assert ids(reader.search(DeliverySearch(STORE, webhook_event_id=one.webhook_event_id)).items) == [uid(1)]
    whole = DeliverySearch(STORE, uid(501), "delivered", "CustomerUpdated", BORIS, other.webhook_event_id)
    assert ids(reader.search(whole).items) == [uid(2)]
    assert ids(reader.search(with_(whole, member_id=ANNA)).items) == []


def test_another_stores_deliveries_are_never_found(store: Store) -> None:
    DeliveryLog(store).take(heard(delivery(1)), {})
    reader = DeliveryLogReader(store)

    assert reader.search(DeliverySearch("DEFAUL", member_id=ANNA)).items == ()
    assert reader.search(DeliverySearch("OTHER", subscription_id=uid(500))).items == ()
    assert reader.one("OTHER", uid(1)) is None


def test_what_was_asked_before_goes_on_behind_its_place_whatever_has_come(store: Store) -> None:
    journal, reader = DeliveryLog(store), DeliveryLogReader(store)
    journal.take(heard(*(dated(delivery(n), NOON + n * SECOND) for n in range(1, 5))), {})
    first = reader.search(DeliverySearch(STORE, size=2))

    journal.take(heard(dated(delivery(9), NOON + 9 * SECOND), start=9), {})

    assert ids(first.items) == [uid(4), uid(3)]
    assert first.next is not None
    assert ids(reader.search(DeliverySearch(STORE, size=2, after=first.next)).items) == [uid(2), uid(1)]


def test_a_search_that_finds_little_is_cut_short_and_goes_on(store: Store) -> None:
    walks = [IndexCursor(store, INDEX, b"even"), IndexCursor(store, INDEX, b"odd")]
    store.write(
        [(INDEX, (b"odd" if n % 2 else b"even") + n.to_bytes(2, "big"), b"") for n in range(2000)]
        + [(INDEX, b"even\xff\xff", b""), (INDEX, b"odd\xff\xff", b"")]
    )

    cut = list(intersect_indexes(walks, b"", 100))
    assert [place for place, _ in cut] == [None]
    walks = [IndexCursor(store, INDEX, b"even"), IndexCursor(store, INDEX, b"odd")]
    assert [place for place, _ in intersect_indexes(walks, cut[-1][1], 10_000)] == [b"\xff\xff"]


def test_an_attempt_is_told_whole(store: Store) -> None:
    one = delivery(1)
    tries = attempt(one, "retry", 1), attempt(one, "delivered", 2, NOON + 6 * SECOND)
    DeliveryLog(store).take(heard(one, *tries), {})

    found = DeliveryLogReader(store).one(STORE, uid(1))

    assert found is not None
    assert found[1] == tries


def test_each_hour_is_counted_and_what_waits(store: Store) -> None:
    journal, reader = DeliveryLog(store), DeliveryLogReader(store)
    one, two, three = delivery(1), delivery(2), delivery(3)
    journal.take(heard(one, two, attempt(one, "retry")), {})
    journal.take(heard(three, start=3, at=NOON + HOUR), {})
    journal.take(heard(attempt(one, "delivered", 2, NOON + HOUR), start=4, at=NOON + HOUR), {})
    journal.take(heard(letter(three, NOON + HOUR), start=5, at=NOON + HOUR), {})

    found = reader.counters(uid(500), NOON + HOUR + 59 * SECOND, 3)

    assert found.hours == (
        HourCounts(NOON - HOUR),
        HourCounts(NOON, failed=1),
        HourCounts(NOON + HOUR, delivered=1, dead=1),
    )
    assert (found.pending, found.oldest_pending_at) == (1, NOON)
    journal.take(heard(attempt(two), start=6), {})
    after = reader.counters(uid(500), NOON + HOUR, 1)
    assert (after.pending, after.oldest_pending_at) == (0, None)


def test_positions_stand_with_the_data(store: Store) -> None:
    journal = DeliveryLog(store)
    journal.take(heard(delivery(1)), {("deliveries", 0): 7, ("attempts", 2): 3})

    assert (journal.position("deliveries", 0), journal.position("attempts", 2)) == (7, 3)
    assert journal.position("attempts", 0) == 0
    journal.clear()
    assert journal.position("deliveries", 0) == 0
    assert DeliveryLogReader(store).search(DeliverySearch(STORE)).items == ()


def test_what_nothing_was_heard_of_for_long_is_forgotten_with_all_that_led_to_it(store: Store) -> None:
    journal, reader = DeliveryLog(store), DeliveryLogReader(store)
    old, kept = delivery(1), delivery(2)
    journal.take(heard(old, kept, attempt(old, "retry"), attempt(kept, "retry")), {})
    journal.take(heard(attempt(kept, "delivered", 2, NOON + 3 * HOUR), at=NOON + 3 * HOUR, start=9), {})

    while journal.prune(NOON + 2 * HOUR, 1):
        pass

    assert ids(reader.search(DeliverySearch(STORE)).items) == [uid(2)]
    assert reader.one(STORE, uid(1)) is None
    counters = reader.counters(uid(500), NOON + 3 * HOUR, 4)
    assert (counters.pending, counters.hours[0], counters.hours[3].delivered) == (0, HourCounts(NOON), 1)
    while journal.prune(NOON + 4 * HOUR, 10):
        pass
    assert [list(store.scan(family, b"")) for family in FAMILIES] == [[]] * len(FAMILIES)


def test_the_one_ahead_in_its_lane_is_named(store: Store) -> None:
    first, second, other = delivery(1), dated(delivery(2), NOON + SECOND), delivery(3, BORIS)
    DeliveryLog(store).take(heard(first, second, other, attempt(first, "retry")), {})
    reader = DeliveryLogReader(store)
    found = reader.one(STORE, uid(2))
    assert found is not None

    ahead = reader.ahead_of(found[0])

    assert ahead is not None
    assert ahead.delivery_id == uid(1)
    assert reader.ahead_of(ahead) is None


RECORDS = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from(["made", "retry", "delivered", "dead"]),
        st.integers(0, 3),
    ),
    max_size=40,
)
SEARCHES = st.builds(
    DeliverySearch,
    store=st.just(STORE),
    subscription_id=st.sampled_from([None, uid(500), uid(501)]),
    status=st.sampled_from([None, *DELIVERY_STATUSES]),
    event_name=st.sampled_from([None, *EVENTS]),
    member_id=st.sampled_from([None, ANNA, BORIS]),
    since=st.sampled_from([None, NOON + SECOND, NOON + 2 * SECOND]),
    until=st.sampled_from([None, NOON + SECOND, NOON + 2 * SECOND]),
    size=st.integers(1, 4),
)


def _record(number: int, what: str) -> Delivery | Attempt | DeadLetter:
    """A delivery's traits follow from its number."""
    one = replace(
        delivery(number, (ANNA, BORIS)[number % 2], uid(500 + number % 3 // 2)),
        event_name=EVENTS[number // 2 % 2],
        created_at=NOON + number // 3 * SECOND,
    )
    match what:
        case "made":
            return one
        case "dead":
            return letter(one)
        case "retry":
            return attempt(one, "retry")
        case _:
            return attempt(one)


def _fits(known: DeliveryState, search: DeliverySearch) -> bool:
    return (
        search.subscription_id in (None, known.subscription_id)
        and search.status in (None, known.status)
        and search.event_name in (None, known.event_name)
        and search.member_id in (None, known.member_id)
        and (search.since is None or known.created_at >= search.since)
        and (search.until is None or known.created_at < search.until)
    )


@settings(deadline=None, max_examples=150)
@given(RECORDS, st.lists(SEARCHES, min_size=1, max_size=4), st.integers(1, 7))
def test_searches_answer_as_a_plain_list_would(
    steps: list[tuple[int, str, int]], searches: list[DeliverySearch], batch: int
) -> None:
    records = [
        LogRecord(_record(number, what), 0, offset, NOON + hours * HOUR)
        for offset, (number, what, hours) in enumerate(steps)
    ]
    with TemporaryDirectory() as folder:
        for store in (MemoryStore(FAMILIES), RocksStore(Path(folder, "s"), FAMILIES)):
            journal, reader = DeliveryLog(store), DeliveryLogReader(store)
            for start in range(0, len(records), batch):
                journal.take(records[start : start + batch], {})
            plain = [reader.one(STORE, uid(n)) for n in range(1, 13)]
            rows = sorted(
                (found[0] for found in plain if found),
                key=lambda known: (-known.created_at.timestamp(), known.delivery_id),
            )
            for search in searches:
                assert pages(reader, search) == [k.delivery_id for k in rows if _fits(k, search)]
            for subscription in (uid(500), uid(501)):
                waiting = [k for k in rows if k.subscription_id == subscription and k.open]
                counters = reader.counters(subscription, NOON, 1)
                assert counters.pending == len(waiting)
                oldest = min((k.waits_since for k in waiting), default=None)
                assert counters.oldest_pending_at == oldest
            store.close()
