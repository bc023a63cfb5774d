"""Legacy webhooks that send arrays: collected for a window, no more than fit, each item once, in order."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.codec.avro import HEADER, encode
from streams.delivery.legacy_batches import MAX_BATCH_BYTES, Batch, batch_lane
from streams.delivery.records import Delivery
from streams.stages.context import Record, StageContext
from streams.topics import WEBHOOK_EVENTS
from streams.webhooks.events import CouponWillExpire, LevelWillExpire, WebhookEvent
from tests.driver import WINDOW, Pipeline
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, register, subscription, uid
from tests.webhooks.told import TOLD, WHO

UNITS = "PointsWillExpire"
SECOND = timedelta(seconds=1)
LEVEL, COUPON = (next(e for e in TOLD if isinstance(e, kind)) for kind in (LevelWillExpire, CouponWillExpire))


def pipeline(*names: str) -> Pipeline:
    """Legacy subscriptions to those events, numbered from 500."""
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(*(subscription(name, number=n, legacy=True) for n, name in enumerate(names, 500)))
    return run


def expiring(number: int, member: str = ANNA, template: WebhookEvent = LEVEL, **fields: Any) -> Record:
    """One event of that kind as the loyalty stage writes it, its member's name the number."""
    who = replace(WHO, customer_id=member, first_name=str(number), **fields)
    event = replace(template, webhook_event_id=uid(10_000 + number), member_id=member, customer=who)
    value, header = encode(event)
    key = f"{STORE}/{member}".encode()
    return Record(WEBHOOK_EVENTS.name, 0, number, key, value, {HEADER: header.encode()})


def told(run: Pipeline, records: Sequence[Record], at: datetime = NOON) -> None:
    run.now = at
    run._play(run.fan_out, records)


def numbers(delivery: Delivery) -> list[int]:
    return [int(item["customerFirstName"]) for item in json.loads(delivery.data)]


def test_what_comes_within_the_window_of_the_first_is_one_delivery() -> None:
    run = pipeline("LevelWillExpire")

    told(run, [expiring(1)])
    told(run, [expiring(2, BORIS)], NOON + WINDOW - SECOND)
    run.close_batches(NOON + WINDOW - SECOND)
    before = run.deliveries()
    run.close_batches(NOON + WINDOW)
    told(run, [expiring(3)], NOON + WINDOW)

    assert before == []
    (sent,) = run.deliveries()
    assert numbers(sent) == [1, 2]
    assert sent.legacy
    assert (sent.subscription_id, sent.event_name, sent.store) == (uid(500), "LevelWillExpire", STORE)
    assert sent.webhook_event_id == uid(10_001)


def test_units_that_expire_on_one_day_reach_a_legacy_receiver_in_one_request() -> None:
    run = pipeline(UNITS)
    run.when(*(c for n in (1, 2, 3) for c in (register(uid(n)), add(f"{n}", uid(n), expires_in_days=30))))

    run.at(NOON + timedelta(days=29))
    run.close_batches(run.now + WINDOW)

    (items,) = run.bodies(UNITS)
    assert [(item["customerId"], item["points"]) for item in items] == [(uid(n), n) for n in (1, 2, 3)]


def test_a_thousand_items_go_out_at_once_and_the_next_one_waits_for_others() -> None:
    run = pipeline("LevelWillExpire")

    told(run, [expiring(n) for n in range(1001)])
    full = run.deliveries()
    run.close_batches(NOON + WINDOW)

    assert [numbers(d) for d in full] == [list(range(1000))]
    assert [numbers(d) for d in run.deliveries()[1:]] == [[1000]]
    assert list(run.batches.entries()) == []


def test_a_batch_of_long_names_is_closed_before_no_record_holds_it() -> None:
    run = pipeline("LevelWillExpire")

    told(run, [expiring(n, email="\x00" * 255, last_name="\x00" * 255) for n in range(999)])

    assert run.deliveries()
    assert all(len(d.data) < MAX_BATCH_BYTES + 10_000 for d in run.deliveries())


def test_each_subscription_and_event_is_collected_for_itself_and_has_one_lane() -> None:
    run = pipeline("LevelWillExpire", "CouponWillExpire", "LevelWillExpire")

    told(run, [expiring(1), expiring(2, template=COUPON), expiring(3, BORIS), expiring(4, template=COUPON)])
    run.close_batches(NOON + WINDOW)
    told(run, [expiring(5)])
    run.close_batches(NOON + 3 * WINDOW)

    sent = [(d.subscription_id, d.event_name, len(json.loads(d.data))) for d in run.deliveries()]
    assert sent == [
        (uid(500), "LevelWillExpire", 2),
        (uid(501), "CouponWillExpire", 2),
        (uid(502), "LevelWillExpire", 2),
        (uid(500), "LevelWillExpire", 1),
        (uid(502), "LevelWillExpire", 1),
    ]
    assert {d.member_id for d in run.deliveries()} == {
        batch_lane(d.subscription_id, d.event_name) for d in run.deliveries()
    }
    assert len({d.member_id for d in run.deliveries()}) == 3
    assert len({d.delivery_id for d in run.deliveries()}) == 5


def test_the_new_format_and_legacy_bodies_that_are_no_arrays_wait_for_nobody() -> None:
    run = pipeline("CustomerRegistered")
    run.subscribe(subscription("LevelWillExpire", number=510))

    run.when(register())
    told(run, [expiring(1)])

    assert [d.event_name for d in run.deliveries()] == ["CustomerRegistered", "LevelWillExpire"]


def test_what_was_collected_goes_out_as_it_was_whatever_becomes_of_the_subscription() -> None:
    """As what was delivered before does: the sink settles what belongs to a subscription that is gone."""
    removed, turned = pipeline("LevelWillExpire"), pipeline("LevelWillExpire")
    for run in (removed, turned):
        told(run, [expiring(1), expiring(2)])

    removed.subscriptions.drop(uid(500))
    turned.subscribe(subscription("LevelWillExpire"))
    for run in (removed, turned):
        told(run, [expiring(3)])
        run.close_batches(NOON + WINDOW)

    assert [numbers(d) for d in removed.deliveries()] == [[1, 2]]
    assert [(d.legacy, d.data[0]) for d in turned.deliveries()] == [(False, "{"), (True, "[")]
    assert numbers(turned.deliveries()[1]) == [1, 2]


def test_batches_whose_time_is_over_do_not_hold_up_events_nor_events_them() -> None:
    run = pipeline(*["LevelWillExpire"] * 8)
    told(run, [expiring(n) for n in range(10)])
    turn = StageContext(0, run.batches, NOON + WINDOW)

    handled = run.fan_out.play(turn, [expiring(n) for n in range(10, 30)], 20)

    assert handled == 10
    assert len(turn.outputs) >= 1
    run.batches.commit(list(run.batches.changelog()), {})
    next_turn = StageContext(0, run.batches, NOON + WINDOW)
    run.fan_out.play(next_turn, [expiring(n) for n in range(30, 50)], 1)
    assert len(next_turn.outputs) >= 1


STEPS = st.lists(
    st.tuples(st.sampled_from([ANNA, BORIS]), st.sampled_from([0, 1, 29, 31, 60, 61])), max_size=30
)


@given(STEPS)
def test_every_item_goes_out_once_in_order_and_within_its_window(steps: list[tuple[str, int]]) -> None:
    run = pipeline("LevelWillExpire")
    came: dict[int, datetime] = {}
    for number, (member, seconds) in enumerate(steps):
        run.close_batches(run.now + seconds * SECOND)
        came[number] = run.now
        told(run, [expiring(number, member)], run.now)
        assert all(batch.closes_at <= came[batch_first(batch)] + WINDOW for batch in waiting(run))

    run.close_batches(run.now + WINDOW)

    sent = [numbers(d) for d in run.deliveries()]
    assert [number for batch in sent for number in batch] == list(range(len(steps)))
    assert all(came[batch[-1]] - came[batch[0]] <= WINDOW for batch in sent)


def waiting(run: Pipeline) -> Iterator[Batch]:
    batch = run.batches.of(uid(500)).get(Batch, b"LevelWillExpire")
    if batch:
        yield batch


def batch_first(batch: Batch) -> int:
    return int(batch.first.webhook_event_id[-12:]) - 10_000


def test_the_same_batches_have_the_same_ids_and_others_have_others() -> None:
    ids = []
    for size in (3, 3, 2):
        run = pipeline("LevelWillExpire")
        told(run, [expiring(n) for n in range(size)])
        run.close_batches(NOON + WINDOW)
        ids.append(run.deliveries()[0].delivery_id)

    assert ids[0] == ids[1] != ids[2]
