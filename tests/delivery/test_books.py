"""The books: published = delivered + filtered + pending + dead, and what does not add up is named."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.codec.avro import decode
from streams.delivery import records
from streams.delivery.backfill_recipients import HEADER, BackfillRecipients, read_recipients
from streams.delivery.records import Attempt, DeadLetter, Delivery, Subscription
from streams.delivery.subscription_history import SubscriptionHistory
from streams.reconcile.reconciliation import (
    DeliveryOutcome,
    MarkMaker,
    Reconciliation,
    RecordPlace,
    reconcile_marks,
)
from streams.stages.context import Record
from streams.topics import WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE
from tests.driver import WINDOW, Pipeline
from tests.samples import NOON, SETTINGS, register, subscription, uid
from tests.stages.test_legacy_batches import expiring, told

DAY = timedelta(days=1)
EVENT = "CustomerRegistered"


def attempt(of: Delivery, outcome: records.Outcome = "delivered") -> Attempt:
    return Attempt(
        request_id=uid(1),
        delivery_id=of.delivery_id,
        subscription_id=of.subscription_id,
        webhook_event_id=of.webhook_event_id,
        event_name=of.event_name,
        store=of.store,
        member_id=of.member_id,
        number=1,
        started_at=NOON,
        duration_ms=1,
        outcome=outcome,
        status=200,
        error=None,
        next_attempt_at=None,
        response=None,
    )


def letter(of: Delivery) -> DeadLetter:
    return DeadLetter(delivery=of, reason="", attempts=14, status=503, given_up_at=NOON)


class Topics:
    """What the pipeline has written, at NOON, and what a test adds to it or takes from it."""

    def __init__(self, run: Pipeline, *, subscribed: Iterable[tuple[datetime, Subscription | None]]) -> None:
        self.subscriptions = SubscriptionHistory()
        for at, form in subscribed:
            self.subscriptions.add(form.subscription_id if form else uid(500), at, form)
        self.events = run.log[WEBHOOK_EVENTS.name]
        self.deliveries = run.deliveries()
        self.attempts: list[Attempt] = []
        self.letters: list[DeadLetter] = []
        self.redriven: list[str] = []
        self.fanned_out = len(self.events)

    def books(self) -> Reconciliation:
        marks = MarkMaker(self.subscriptions)

        def made() -> Iterator[Iterable[tuple[bytes, bytes]]]:
            yield from (marks.delivery(d, RecordPlace(0, n, NOON)) for n, d in enumerate(self.deliveries))
            for n, record in enumerate(self.events):
                name = record.kind
                event = decode(CATALOGUE[name].event, record.value, record.schema)
                by = read_recipients(record.headers)
                yield marks.event(event, RecordPlace(0, n, NOON), n >= self.fanned_out, by)
            yield from (marks.attempt(a, RecordPlace(0, n, NOON)) for n, a in enumerate(self.attempts))
            yield from (marks.dead_letter(d, RecordPlace(0, n, NOON)) for n, d in enumerate(self.letters))
            yield from (marks.redriven(i, RecordPlace(0, n, NOON)) for n, i in enumerate(self.redriven))

        return reconcile_marks(sorted(chain.from_iterable(made())), marks.closed, whole=True)


def registered(count: int, *forms: tuple[datetime, Subscription | None]) -> Topics:
    """So many members, told of as the first form says."""
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(subscription(EVENT))
    run.when(*(register(uid(number)) for number in range(1, count + 1)))
    return Topics(run, subscribed=forms or [(NOON - DAY, subscription(EVENT))])


def total(books: Reconciliation) -> Counter[DeliveryOutcome]:
    return sum(books.outcomes.values(), Counter())


def reasons(books: Reconciliation) -> dict[str, str]:
    return {one.delivery_id: one.reason for one in books.differences}


def test_each_event_is_delivered_pending_or_dead() -> None:
    topics = registered(4)
    delivered, retried, dead, _ = topics.deliveries
    topics.attempts = [attempt(delivered), attempt(retried, "retry"), attempt(dead, "dead")]
    topics.letters = [letter(dead)]

    books = topics.books()

    assert books.agree
    assert books.published.total() == 4
    assert total(books) == {"delivered": 1, "pending": 2, "dead": 1}


def test_an_event_of_which_no_delivery_was_made_is_named() -> None:
    topics = registered(3)
    lost = topics.deliveries.pop(1)

    books = topics.books()

    assert reasons(books) == {lost.delivery_id: "no delivery was made"}
    assert books.differences[0].webhook_event_id == lost.webhook_event_id


def test_a_delivery_made_twice_or_of_no_event_is_named() -> None:
    topics = registered(2)
    twice, _ = topics.deliveries
    stray = replace(twice, delivery_id=uid(77), webhook_event_id=uid(78))
    topics.deliveries += [twice, stray]

    assert reasons(topics.books()) == {
        twice.delivery_id: "was made 2 times, re-driven 0 times",
        stray.delivery_id: "was made of no event that is there",
    }


def test_a_dead_letter_driven_again_is_pending_until_it_comes_to_another_end() -> None:
    topics = registered(1)
    (only,) = topics.deliveries
    topics.letters, topics.redriven, topics.deliveries = [letter(only)], [only.delivery_id], [only, only]

    assert (topics.books().agree, total(topics.books())) == (True, {"pending": 1})

    topics.attempts = [attempt(only)]
    assert (topics.books().agree, total(topics.books())) == (True, {"delivered": 1})

    topics.attempts = [attempt(only), attempt(only)]
    assert reasons(topics.books()) == {only.delivery_id: "came to an end 3 times, made 2 times"}


def test_what_is_sent_again_by_a_replay_is_not_made_twice() -> None:
    topics = registered(1)
    (only,) = topics.deliveries
    topics.deliveries.append(replace(only, replay="again"))
    topics.attempts = [attempt(only), attempt(only)]

    assert topics.books().agree


def test_what_the_fan_out_has_not_come_to_is_pending() -> None:
    topics = registered(3)
    topics.deliveries, topics.fanned_out = topics.deliveries[:2], 2

    assert (topics.books().agree, total(topics.books())) == (True, {"pending": 3})


def test_an_event_from_before_the_subscription_is_filtered() -> None:
    topics = registered(2, (NOON + DAY, subscription(EVENT)))
    topics.deliveries = []

    assert (topics.books().agree, total(topics.books())) == (True, {"filtered": 2})


def test_an_event_of_a_subscription_that_was_changed_since_need_not_have_been_delivered() -> None:
    other = replace(subscription(EVENT), event_name="CustomerUpdated")
    topics = registered(2, (NOON - DAY, subscription(EVENT)), (NOON + DAY, other))
    topics.deliveries = topics.deliveries[:1]

    assert (topics.books().agree, total(topics.books())) == (True, {"pending": 1, "filtered": 1})


def test_a_subscription_that_was_paused_since_wants_what_it_wanted() -> None:
    paused = replace(subscription(EVENT), state="paused")
    topics = registered(1, (NOON - DAY, subscription(EVENT)), (NOON + DAY, paused))
    topics.deliveries = []

    assert list(reasons(topics.books()).values()) == ["no delivery was made"]


def collecting(windows: list[int]) -> Topics:
    """Legacy items: so many in each window, and of the last one no batch is made yet."""
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(subscription("LevelWillExpire", legacy=True))
    number = 0
    for n, count in enumerate(windows):
        at = NOON + 2 * n * WINDOW
        run.close_batches(at)
        records = [expiring(number + i) for i in range(count)]
        number += count
        run.log[WEBHOOK_EVENTS.name] += records
        told(run, records, at)
    return Topics(run, subscribed=[(NOON - DAY, subscription("LevelWillExpire", legacy=True))])


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5))
def test_each_item_of_a_batch_counts_and_those_that_are_collected_are_pending(windows: list[int]) -> None:
    topics = collecting(windows)
    topics.attempts = [attempt(each) for each in topics.deliveries]

    books = topics.books()

    assert books.agree
    assert total(books) == {"delivered": sum(windows[:-1]), "pending": windows[-1]}


def test_items_before_a_later_batch_that_are_in_none_are_named() -> None:
    topics = collecting([2, 3, 1, 1])
    del topics.deliveries[1]

    books = topics.books()

    assert list(reasons(books).values()) == ["no delivery was made"] * 3
    assert total(books) == {"pending": 4}


def test_a_batch_that_lacks_an_item_is_named() -> None:
    topics = collecting([3, 1])
    (batch,) = topics.deliveries
    del topics.events[1]

    assert "holds other items than those between its first and its last" in reasons(topics.books()).values()
    assert batch.delivery_id in reasons(topics.books())


def told_again(run: Pipeline, *subscriptions: str) -> None:
    """Each event once more, for these."""
    records = [backfilled_for(record, *subscriptions) for record in run.log[WEBHOOK_EVENTS.name]]
    run.log[WEBHOOK_EVENTS.name] += records
    told(run, records)


def backfilled_for(record: Record, *subscriptions: str) -> Record:
    by = BackfillRecipients(name="past", subscriptions=subscriptions)
    return record._replace(headers={**record.headers, HEADER: by.header})


def test_a_backfilled_event_is_published_for_the_chosen_alone() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(uid(1)), register(uid(2)))
    late, other = subscription(EVENT, number=501), subscription(EVENT, number=502)
    run.subscribe(late, other)
    told_again(run, uid(501))
    # Both were there only after the events were told for the first time.
    topics = Topics(run, subscribed=[(NOON, late), (NOON, other)])

    books = topics.books()

    assert books.agree
    assert {group.subscription_id: count for group, count in books.published.items()} == {
        uid(501): 2,
        uid(502): 2,
    }
    assert {group.subscription_id: dict(found) for group, found in books.outcomes.items()} == {
        uid(501): {"pending": 2},
        uid(502): {"filtered": 2},
    }


def test_a_backfilled_event_of_which_nothing_was_made_for_a_chosen_one_is_named() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(uid(1)))
    run.subscribe(subscription(EVENT, number=501), subscription(EVENT, number=502))
    told_again(run, uid(501), uid(502))
    forms = [(NOON - DAY, form) for form in run.subscriptions]
    topics = Topics(run, subscribed=forms)
    topics.events = topics.events[1:]
    lost = topics.deliveries.pop()

    assert reasons(topics.books()) == {lost.delivery_id: "no delivery was made"}


def test_a_backfilled_item_of_an_array_stands_for_itself_between_those_of_a_batch() -> None:
    legacy = subscription("LevelWillExpire", legacy=True)
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(legacy)
    records = [expiring(1), backfilled_for(expiring(2), uid(500)), expiring(3)]
    run.log[WEBHOOK_EVENTS.name] += records
    told(run, records)
    run.close_batches(NOON + 2 * WINDOW)
    topics = Topics(run, subscribed=[(NOON - DAY, legacy)])

    books = topics.books()

    assert books.agree
    assert len(topics.deliveries) == 2
    assert total(books) == {"pending": 3}
