"""A subscription gets what it names, what its filter passes, and nothing from before it was to begin."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.delivery.filter import condition_problem, is_passed
from streams.delivery.subscription_options import Condition
from tests.driver import Pipeline
from tests.samples import ANNA, NOON, SETTINGS, add, register, spend, subscription

DATA = {
    "amount": Decimal("12.5"),
    "wallet": {"walletType": {"code": "default"}},
    "items": [{"sku": {"code": "CD"}}, {"sku": {"code": "LP"}}],
    "at": "2026-03-02T12:00:00+00:00",
    "active": True,
    "cause": None,
}


@pytest.mark.parametrize(
    ("path", "operator", "value", "expected"),
    [
        ("amount", "eq", "12.5", True),
        ("amount", "eq", "12.50", True),
        ("amount", "eq", '"12.5"', False),
        ("amount", "gt", "12", True),
        ("amount", "gte", "12.5", True),
        ("amount", "lt", "12.5", False),
        ("amount", "lte", "1e2", True),
        ("amount", "gt", '"1"', False),
        ("at", "gte", '"2026-03-02"', True),
        ("active", "eq", "true", True),
        ("active", "eq", "1", False),
        ("active", "gt", "0", False),
        ("cause", "eq", "null", True),
        ("cause", "exists", "true", True),
        ("cause.campaignId", "exists", "false", True),
        ("nothing", "ne", "1", True),
        ("nothing", "eq", "null", False),
        ("wallet.walletType.code", "in", '["miles", "default"]', True),
        ("wallet.walletType.code", "in", '["miles"]', False),
        ("items.1.sku.code", "eq", '"LP"', True),
        ("items.2.sku.code", "exists", "true", False),
        ("items.-1", "exists", "true", False),
        ("at.0", "exists", "true", False),
    ],
)
def test_a_condition_compares_what_stands_at_its_path_as_json_would(
    path: str, operator: str, value: str, expected: bool
) -> None:
    condition = Condition(path=path, operator=operator, value=value)  # type: ignore[arg-type]

    assert condition_problem(condition) is None
    assert is_passed((condition,), DATA) is expected


@pytest.mark.parametrize(
    ("path", "operator", "value"),
    [
        ("", "eq", "1"),
        ("a..b", "eq", "1"),
        (".".join("a" * 11), "eq", "1"),
        ("a", "in", "1"),
        ("a", "in", "[]"),
        ("a", "in", str(list(range(51)))),
        ("a", "exists", "1"),
        ("a", "gt", "true"),
        ("a", "lt", "[1]"),
    ],
)
def test_a_condition_that_costs_too_much_or_says_nothing_is_a_problem(
    path: str, operator: str, value: str
) -> None:
    assert condition_problem(Condition(path=path, operator=operator, value=value))  # type: ignore[arg-type]


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline(SETTINGS, now=NOON)
    made.when(register())
    return made


def told(pipeline: Pipeline) -> list[str]:
    return [delivery.event_name for delivery in pipeline.deliveries()]


def test_one_subscription_may_name_several_events_and_gets_each_once(pipeline: Pipeline) -> None:
    several = replace(
        subscription("CustomerDeactivated"), further_events=("AvailablePointsAmountChanged", "*")
    )
    pipeline.subscribe(several)

    pipeline.when(add("5"))

    assert told(pipeline) == ["AvailablePointsAmountChanged"]


def test_every_event_reaches_who_asks_for_all(pipeline: Pipeline) -> None:
    pipeline.subscribe(subscription("*"))

    pipeline.when(register(member=ANNA.replace("1", "2")), add("5"))

    assert told(pipeline) == ["CustomerRegistered", "AvailablePointsAmountChanged"]


def test_after_a_change_of_names_the_old_ones_are_gone(pipeline: Pipeline) -> None:
    pipeline.subscribe(subscription("*"), subscription("CustomerUpdated"))

    pipeline.when(add("5"))

    assert told(pipeline) == []


def test_only_what_the_filter_passes_is_delivered(pipeline: Pipeline) -> None:
    spending = Condition(path="amountChangeType", operator="eq", value='"subtract"')
    large = Condition(path="amountChange", operator="gte", value="3")
    pipeline.subscribe(replace(subscription("*"), filter=(spending, large)))

    pipeline.when(add("10"), spend("2"), spend("3"))

    assert [body["amount"] for body in pipeline.bodies("AvailablePointsAmountChanged")] == [5]


def test_a_filter_of_a_legacy_subscription_sees_the_legacy_body(pipeline: Pipeline) -> None:
    legacy = Condition(path="amount_change", operator="gt", value="0")
    pipeline.subscribe(
        replace(subscription("AvailablePointsAmountChanged", legacy=True), filter=(legacy,)),
        replace(subscription("AvailablePointsAmountChanged", number=501), filter=(legacy,)),
    )

    pipeline.when(add("10"))

    assert [delivery.legacy for delivery in pipeline.deliveries()] == [True]


def test_nothing_from_before_a_subscription_begins_is_delivered(pipeline: Pipeline) -> None:
    pipeline.subscribe(replace(subscription("*"), active_from=NOON + timedelta(hours=1)))

    pipeline.when(add("1"))
    pipeline.at(NOON + timedelta(hours=1))
    pipeline.when(add("2"))

    assert [body["amount"] for body in pipeline.bodies("AvailablePointsAmountChanged")] == [3]


def test_what_is_paused_is_still_delivered_to_the_sink(pipeline: Pipeline) -> None:
    pipeline.subscribe(replace(subscription("*"), state="paused"))

    pipeline.when(add("1"))

    assert told(pipeline) == ["AvailablePointsAmountChanged"]
