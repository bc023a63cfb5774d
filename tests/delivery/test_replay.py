"""What a replay sends of the past: the same ids, by the subscription's terms of now."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from streams.codec.avro import decode
from streams.delivery.records import Delivery, Subscription
from streams.delivery.replay_selection import ReplaySelection, delivery_outcome
from streams.delivery.subscription_history import SubscriptionHistory
from streams.reconcile.reconciliation import MarkMaker, RecordPlace, reconcile_marks
from streams.stages.context import Record
from streams.topics import WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent
from tests.driver import Pipeline
from tests.samples import ANNA, BORIS, NOON, SETTINGS, add, register, subscription
from tests.stages.test_legacy_batches import expiring

WANTED = subscription("CustomerRegistered")


def told(*subscriptions: Subscription) -> Pipeline:
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(*subscriptions)
    run.when(register(ANNA), add("5", ANNA), register(BORIS))
    return run


def event(record: Record) -> WebhookEvent:
    kind: Any = CATALOGUE[record.kind].event
    read: WebhookEvent = decode(kind, record.value, record.schema)
    return read


def replayed(run: Pipeline, selection: ReplaySelection) -> Iterator[Delivery]:
    for record in run.log[WEBHOOK_EVENTS.name]:
        if selection.names(record.kind) and selection.owns(record.key or b""):
            yield from selection.deliveries(event(record))


def test_of_who_is_erased_nothing_is_sent_again() -> None:
    run = told(WANTED)

    again = list(replayed(run, ReplaySelection(WANTED, "r1", erased=frozenset({f"DEFAULT/{ANNA}"}))))

    assert [delivery.member_id for delivery in again] == [BORIS]


def test_a_replay_makes_the_same_deliveries_marked_and_in_order() -> None:
    run = told(WANTED)

    again = list(replayed(run, ReplaySelection(WANTED, "again")))

    assert len(again) == 2
    assert [replace(each, replay=None) for each in again] == run.deliveries()
    assert {each.replay for each in again} == {"again"}


def test_who_subscribes_later_gets_the_past_as_the_subscription_is_now() -> None:
    run = told()
    assert run.deliveries() == []

    later = replace(WANTED, event_name="AvailablePointsAmountChanged")

    assert [d.event_name for d in replayed(run, ReplaySelection(later, "n"))] == [
        "AvailablePointsAmountChanged"
    ]


def test_a_replay_of_one_member_sends_nothing_of_others() -> None:
    run = told(WANTED)

    assert {d.member_id for d in replayed(run, ReplaySelection(WANTED, "n", member_id=BORIS))} == {BORIS}


def test_a_replay_of_an_event_that_the_subscription_does_not_want_sends_nothing() -> None:
    run = told(WANTED)

    assert list(replayed(run, ReplaySelection(WANTED, "n", event_name="CustomerUpdated"))) == []


@pytest.mark.parametrize(
    ("made", "delivered", "dead", "became"),
    [
        (0, 0, 0, "missing"),
        (1, 0, 0, "pending"),
        (1, 0, 1, "failed"),
        (2, 0, 1, "pending"),
        (2, 1, 1, "delivered"),
    ],
)
def test_what_became_of_a_delivery_is_told_by_its_ends(
    made: int, delivered: int, dead: int, became: str
) -> None:
    assert delivery_outcome(made, delivered, dead) == became


def test_only_those_of_that_fate_are_sent() -> None:
    run = told(WANTED)
    first, second = run.deliveries()
    became = {first.delivery_id: delivery_outcome(1, 0, 1), second.delivery_id: delivery_outcome(1, 1, 0)}

    failed = ReplaySelection(WANTED, "n", only="failed", outcome_of=became.__getitem__)

    assert [d.delivery_id for d in replayed(run, failed)] == [first.delivery_id]


def test_an_item_of_an_array_is_sent_alone_and_the_books_take_it_for_the_missing_one() -> None:
    legacy = subscription("LevelWillExpire", legacy=True)
    record = expiring(1)

    (alone,) = ReplaySelection(legacy, "n").deliveries(event(record))

    marks = MarkMaker(_always(legacy))
    place = RecordPlace(0, 0, NOON)
    found = [*marks.delivery(alone, place), *marks.event(event(record), place, ahead=False)]
    books = reconcile_marks(sorted(found), marks.closed, whole=True)
    assert alone.data.startswith("[{")
    assert books.agree
    assert sum(each["pending"] for each in books.outcomes.values()) == 1


def _always(form: Subscription) -> SubscriptionHistory:
    subscriptions = SubscriptionHistory()
    subscriptions.add(form.subscription_id, NOON.replace(year=2000), form)
    return subscriptions
