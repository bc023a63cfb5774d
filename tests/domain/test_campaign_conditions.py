"""What a campaign's conditions compare: the subject says whether as texts or as numbers."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from streams.domain.commands import RecordCustomEvent
from streams.domain.events import UnitsEarned
from streams.domain.rules import Campaign, Condition, Effect, Operator, Subject
from streams.domain.values import Attribute, Item
from tests.domain.making import made
from tests.driver import Pipeline
from tests.samples import NOON, SETTINGS, purchase, register, uid

SPELLINGS = ["1234", "1234.0", "1.234E3", "1_234", "١٢٣٤", "+1234", " 1234"]
"""All of them numbers to Python, and one of them the text 1234."""


def campaign(condition: Condition, **fields: Any) -> Campaign:
    return Campaign(
        campaign_id=uid(710),
        name="Five",
        conditions=(condition,),
        effects=(Effect(type="give_points", points=Decimal(5)),),
        **fields,
    )


def acts(condition: Condition, item: Item) -> bool:
    run = Pipeline(replace(SETTINGS, campaigns=(campaign(condition),)), now=NOON)
    run.when(register(), replace(purchase("20", "D1"), items=(item,)))
    return bool(run.facts(UnitsEarned))


def item(**fields: Any) -> Item:
    return replace(Item(sku="CD", name="Disc", quantity=1, gross_value=Decimal(20)), **fields)


@pytest.mark.parametrize("text", [*SPELLINGS, "01234"])
@pytest.mark.parametrize("field", ["sku", "category", "maker", "label"])
def test_what_names_a_thing_is_compared_sign_for_sign(field: Subject, text: str) -> None:
    condition = Condition(subject=field, operator="is", values=("01234",), name="k")
    bought = item(labels=(Attribute(key="k", value=text),)) if field == "label" else item(**{field: text})

    assert acts(condition, bought) is (text == "01234")


@pytest.mark.parametrize("operator", ["is_one_of", "is_not"])
def test_one_of_several_and_none_of_them_are_compared_sign_for_sign_too(operator: Operator) -> None:
    condition = Condition(subject="sku", operator=operator, values=("01234",))

    assert acts(condition, item(sku="1234")) is (operator == "is_not")


@pytest.mark.parametrize("values", [("20",), ("20.00",), ("020",)])
def test_amounts_are_compared_as_numbers(values: tuple[str, ...]) -> None:
    assert acts(Condition(subject="gross_value", operator="is", values=values), item())


@pytest.mark.parametrize(
    ("operator", "stars", "fits"),
    [
        ("is", "4", True),
        ("is", "4.0", False),
        ("at_least", "4", True),
        ("at_least", "4.0", True),
        ("at_least", "12", True),
        ("at_least", "4E0", False),
        ("at_least", "٤", False),
        ("at_least", "four", False),
    ],
)
def test_an_attribute_is_a_text_that_only_comparisons_of_size_read_as_a_number(
    operator: Operator, stars: str, fits: bool
) -> None:
    condition = Condition(subject="event_attribute", operator=operator, values=("4",), name="stars")
    store = replace(SETTINGS, campaigns=(campaign(condition, trigger="custom_event", event="review"),))
    run = Pipeline(store, now=NOON)
    attributes = (Attribute(key="stars", value=stars),)

    run.when(
        register(),
        made(
            RecordCustomEvent, event_type="review", event_id=uid(1), happened_at=NOON, attributes=attributes
        ),
    )

    assert bool(run.facts(UnitsEarned)) is fits


@pytest.mark.parametrize(
    ("subject", "operator", "value", "reason"),
    [
        ("sku", "at_least", "5", "operator 'at_least' is for numbers, and 'sku' is a text"),
        ("label", "less_than", "5", "operator 'less_than' is for numbers, and 'label' is a text"),
        ("channel_id", "more_than", "5", "operator 'more_than' is for numbers, and 'channel_id' is a text"),
        ("member_tier", "at_most", "5", "operator 'at_most' is for numbers, and 'member_tier' is a text"),
        ("gross_value", "contains", "5", "operator 'contains' is for texts, and 'gross_value' is a number"),
        ("gross_value", "is", "five", "values 'five' is no number such as 29.33"),
        ("gross_value", "is", "1_000", "values '1_000' is no number such as 29.33"),
        ("item_count", "is", "١٢", "values '١٢' is no number such as 29.33"),
        ("gross_value", "at_least", "1E999999999", "values '1E999999999' is no number such as 29.33"),
        ("event_attribute", "at_least", "NaN", "values 'NaN' is no number such as 29.33"),
    ],
)
def test_a_condition_that_mixes_texts_and_numbers_is_not_stored(
    subject: Subject, operator: Operator, value: str, reason: str
) -> None:
    condition = Condition(subject=subject, operator=operator, values=(value,), name="k")

    with pytest.raises(ValueError, match=r"conditions\[0\]") as refused:
        replace(SETTINGS, campaigns=(campaign(condition),)).check()

    assert str(refused.value) == f"campaigns[0].conditions[0].{reason}"


def test_a_stored_condition_that_no_release_would_take_any_more_does_not_hold() -> None:
    assert not acts(Condition(subject="sku", operator="at_least", values=("5",)), item(sku="7"))
