"""From a purchase to the webhooks about its points, through the whole pipeline."""

from datetime import timedelta
from decimal import Decimal

from streams.domain.events import UnitsEarned, UnitsSpent
from streams.stages.context import StreamClock
from streams.webhooks.events import AvailablePointsAmountChanged
from tests.driver import Pipeline, all_of, instant
from tests.samples import ANNA, NOON, SETTINGS, add, buy, purchase, register, spend, subscription


def pipeline() -> Pipeline:
    return Pipeline(SETTINGS, now=NOON)


def test_a_purchase_earns_ten_points_a_dollar_that_expire_after_ninety_days() -> None:
    run = pipeline()

    run.when(register(), purchase("29.33", "CD-1"))

    (earned,) = run.facts(UnitsEarned)
    assert earned.units == Decimal("293.3")
    assert earned.expires_at == instant("2026-05-31T23:59:59")


def test_points_that_expire_first_are_spent_first() -> None:
    run = pipeline()
    run.when(register(), add("10", expires_in_days=60), add("10", expires_in_days=30), add("10"))

    run.when(spend("15"))

    lots = {e.transfer_id: e for e in run.facts(UnitsEarned)}
    (spent,) = run.facts(UnitsSpent)
    assert [(lots[d.lot_id].expires_at, d.units) for d in spent.draws] == [
        (instant("2026-04-01T23:59:59"), Decimal(10)),
        (instant("2026-05-01T23:59:59"), Decimal(5)),
    ]


def test_each_change_of_the_balance_is_told_with_the_amount_left() -> None:
    run = pipeline()
    run.subscribe(subscription("AvailablePointsAmountChanged"))

    run.when(register(), purchase("29.33", "CD-1"), spend("100.5"))
    run.at(NOON + timedelta(days=91))

    changes = [
        (b["amount"], b["amountChange"], b["amountChangeType"])
        for b in run.bodies("AvailablePointsAmountChanged")
    ]
    assert changes == [("293.3", "293.3", "add"), ("192.8", "100.5", "subtract"), (0, "192.8", "expire")]
    told = run.webhook_events(AvailablePointsAmountChanged)
    assert all_of(told, "sequence") == [1, 2, 3]
    assert all_of(told, "amount_before") == [0, Decimal("293.3"), Decimal("192.8")]


def test_a_member_is_told_once_ten_days_before_points_expire_and_of_what_remains() -> None:
    run = pipeline()
    run.subscribe(subscription("PointsWillExpire"))
    run.when(register(), add("50", expires_in_days=20), spend("20"))

    run.at(instant("2026-03-12T23:59:58"))
    assert run.bodies("PointsWillExpire") == []
    run.at(instant("2026-03-12T23:59:59"))
    run.at(instant("2026-03-20"))

    (told,) = run.bodies("PointsWillExpire")
    assert (told["points"], told["remainingUnits"]) == (50, 30)
    assert told["pointsWillExpire"] == "2026-03-22T23:59:59+00:00"


def test_nothing_is_told_of_points_that_were_spent() -> None:
    run = pipeline()
    run.subscribe(subscription("PointsWillExpire"))
    run.when(register(), add("50", expires_in_days=20), spend("50"))

    run.at(NOON + timedelta(days=400))

    assert run.deliveries() == []


def test_expired_points_cannot_be_spent_even_where_the_timers_lag() -> None:
    run = pipeline()
    run.when(register(), add("50", expires_in_days=20), add("5"))

    run.now = NOON + timedelta(days=21)
    run.when(spend("10"))

    assert run.rejections() == ["units 10 is more than the 5 available in wallet 'default'"]


def test_a_reward_is_paid_for_and_comes_with_a_coupon() -> None:
    run = pipeline()
    run.subscribe(subscription("CustomerBoughtReward"))
    run.when(register(email="anna@example.com"), add("250"))

    run.when(buy(quantity=2))

    first, second = run.bodies("CustomerBoughtReward")
    assert first["customer"]["email"] == "anna@example.com"
    assert (first["costInPoints"], first["coupon"]["value"]) == (100, 5)
    assert first["coupon"]["code"] != second["coupon"]["code"]
    assert first["coupon"]["activeTo"] == "2026-04-01T23:59:59+00:00"
    assert all_of(run.webhook_events(AvailablePointsAmountChanged), "amount") == [250, 150, 50]


def test_a_command_sent_twice_changes_nothing_and_is_answered_the_same() -> None:
    run = pipeline()
    paid, refused = spend("10"), spend("1000")
    run.when(register(), add("50"), paid, refused)
    before = {topic: len(log) for topic, log in run.log.items() if topic != "commands"}

    run.when(paid, refused)

    assert len(run.log["events"]) == before["events"]
    assert run.rejections() == ["units 1000 is more than the 40 available in wallet 'default'"] * 2


def test_timers_fire_between_records_while_history_is_played() -> None:
    run = Pipeline(SETTINGS, now=NOON, clock=StreamClock())
    start = instant("1997-01-01")

    run.when(register(at=start), purchase("10", "CD-1", at=start))
    run.when(
        purchase("1", "CD-2", at=start + timedelta(days=100)), spend("11", at=start + timedelta(days=100))
    )

    assert run.rejections() == ["units 11 is more than the 10 available in wallet 'default'"]
    changes = run.webhook_events(AvailablePointsAmountChanged)
    assert all_of(changes, "amount_change_type") == ["add", "expire", "add"]
    assert changes[1].created_at == instant("1997-04-01T23:59:59")
    assert changes[1].member_id == ANNA
