"""From webhook events to deliveries: who gets which, in which form and order."""

import json
from decimal import Decimal

from msgspec.structs import replace

from streams.codec.avro import decode, encode
from streams.delivery.records import Delivery
from streams.rejections import PoisonRecord
from streams.stages.context import Record, StageContext
from streams.topics import DELIVERIES, POISON, WEBHOOK_EVENTS
from tests.driver import Pipeline, all_of
from tests.samples import ANNA, BORIS, NOON, SETTINGS, add, purchase, register, spend, subscription, uid

CHANGED = "AvailablePointsAmountChanged"


def pipeline() -> Pipeline:
    return Pipeline(SETTINGS, now=NOON)


def test_a_subscription_gets_its_event_and_no_other() -> None:
    run = pipeline()
    run.subscribe(subscription("CustomerRegistered"))

    run.when(register(), add("5"), purchase("1", "A"))

    assert all_of(run.deliveries(), "event_name") == ["CustomerRegistered"]


def test_a_subscription_of_another_store_gets_nothing() -> None:
    run = pipeline()
    run.subscribe(replace(subscription(CHANGED), store="OTHER"), replace(subscription(CHANGED), store="DEF"))

    run.when(register(), add("5"))

    assert run.deliveries() == []


def test_a_removed_subscription_gets_nothing_more() -> None:
    run = pipeline()
    run.subscribe(subscription(CHANGED))
    run.when(register(), add("5"))

    run.subscriptions.drop(uid(500))
    run.when(add("6"))

    assert len(run.deliveries()) == 1


def test_a_subscription_changed_to_another_address_is_one_and_not_two() -> None:
    run = pipeline()
    run.subscribe(subscription(CHANGED), replace(subscription(CHANGED), url="http://127.0.0.1:9/other"))

    run.when(register(), add("5"))

    assert len(run.deliveries()) == 1


def test_one_event_goes_out_in_both_formats_in_the_order_of_subscription_ids() -> None:
    run = pipeline()
    run.subscribe(
        subscription(CHANGED, number=503),
        subscription(CHANGED, number=501, legacy=True),
        subscription(CHANGED, number=502),
    )

    run.when(register(), add("7.5"))

    first, second, third = run.deliveries()
    assert [d.subscription_id for d in (first, second, third)] == [uid(501), uid(502), uid(503)]
    assert (first.legacy, second.legacy, third.legacy) == (True, False, False)
    assert json.loads(first.data, parse_float=Decimal) == {
        "customerId": ANNA,
        "amount": Decimal("7.5"),
        "amount_change": Decimal("7.5"),
        "amount_change_type": "add",
    }
    assert json.loads(second.data)["amountChange"] == 7.5
    assert second.data == third.data
    assert first.webhook_event_id == second.webhook_event_id
    assert len({first.delivery_id, second.delivery_id, third.delivery_id}) == 3


def test_deliveries_of_a_member_keep_the_order_of_what_happened() -> None:
    run = pipeline()
    run.subscribe(subscription(CHANGED), subscription("CustomerRegistered", number=501))

    run.when(register(), add("5"), register(BORIS), spend("2"), add("9", BORIS), spend("1"))

    mine = [d for d in run.deliveries() if d.member_id == ANNA]
    assert [(d.event_name, d.meta.get("Meta-Sequence")) for d in mine] == [
        ("CustomerRegistered", None),
        (CHANGED, "1"),
        (CHANGED, "2"),
        (CHANGED, "3"),
    ]


def test_a_change_of_balance_carries_the_amount_before_and_its_number_beside_the_body() -> None:
    run = pipeline()
    run.subscribe(subscription(CHANGED), subscription("CustomerRegistered", number=501))

    run.when(register(), add("1000"), spend("0.000001"))

    assert all_of(run.deliveries(), "meta") == [
        {},
        {"Meta-Amount-Before": "0", "Meta-Sequence": "1"},
        {"Meta-Amount-Before": "1000", "Meta-Sequence": "2"},
    ]


def test_a_delivery_is_keyed_by_its_subscription_so_that_an_endpoint_has_one_owner() -> None:
    run = pipeline()
    run.subscribe(subscription(CHANGED))

    run.when(register(), add("5"))

    (sent,) = run.log[DELIVERIES.name]
    assert sent.key == uid(500).encode()


def test_an_amount_is_written_exactly_as_a_number() -> None:
    run = pipeline()
    run.subscribe(subscription(CHANGED, legacy=True))

    run.when(register(), add("123456789012.000001"))

    assert '"amount":123456789012.000001' in run.deliveries()[0].data


def told(run: Pipeline, *records: Record) -> None:
    run.log[WEBHOOK_EVENTS.name] += records
    run._play(run.fan_out, records)


def test_what_cannot_be_read_is_poison_and_the_next_event_is_delivered() -> None:
    run = pipeline()
    run.subscribe(subscription(CHANGED), subscription("CustomerForgotten", number=501))
    run.when(register(), add("5"))
    good = run.log[WEBHOOK_EVENTS.name][-1]
    stranger, header = encode(SETTINGS)

    told(
        run,
        good._replace(value=b"\xff"),
        good._replace(value=None),
        good._replace(headers={}),
        good._replace(headers={"schema": f"{CHANGED}.v99".encode()}),
        good._replace(headers={"schema": b"CustomerForgotten.v1"}),
        good._replace(value=stranger, headers={"schema": header.encode()}),
        good,
    )

    causes = [decode(PoisonRecord, r.value, r.schema).cause for r in run.log[POISON.name]]
    assert causes[0].startswith(f"is no {CHANGED}.v2: ")
    assert causes[1:] == [
        "has no value",
        "header schema=None names no webhook event",
        f"header schema='{CHANGED}.v99' names no released schema",
        "header schema='CustomerForgotten.v1' names no webhook event",
        f"header schema={header!r} names no webhook event",
    ]
    deliveries = [decode(Delivery, r.value, r.schema) for r in run.log[DELIVERIES.name]]
    assert len(deliveries) == 2
    assert deliveries[0] == deliveries[1]


def test_a_turn_takes_no_more_events_than_its_budget() -> None:
    run = pipeline()
    run.when(register(), add("5"), add("6"))
    events = run.log[WEBHOOK_EVENTS.name]

    assert run.fan_out.play(StageContext(0, run.batches, NOON), events, 2) == 2
