"""Evaluates a campaign's conditions."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import get_args

from streams.domain.rules import ATTRIBUTE_SUBJECTS, NUMERIC_SUBJECTS, Condition, Subject, parse_number
from streams.domain.state import Member, Standing, State
from streams.domain.store import StoreSettings
from streams.domain.values import Attribute, Instant, Item, Trigger, Uuid, Value, plain_decimal


class CampaignTrigger(Value):
    """What triggered a campaign, as its conditions see it."""

    trigger: Trigger
    happened_at: Instant
    """When the purchase, event or registration happened, not when the programme learnt of it."""
    gross_value: Decimal = Decimal(0)
    items: tuple[Item, ...] = ()
    channel_id: Uuid | None = None
    attributes: tuple[Attribute, ...] = ()
    """The custom event's id."""
    linked_document_number: str | None = None
    """The document number of the purchase that a return names."""


def is_met(condition: Condition, occasion: CampaignTrigger, state: State, store: StoreSettings) -> bool:
    found = _subject_values(condition, occasion, state, store)
    wanted = condition.values
    match condition.operator:
        case "is" | "is_one_of":
            return _is_any_equal(condition, found)
        case "is_not":
            return not _is_any_equal(condition, found)
        case "contains":
            return any(wanted[0] in value for value in found)
        case "at_least" | "more_than" | "at_most" | "less_than":
            compare = _COMPARE[condition.operator]
            return condition.subject not in _TEXTS and any(
                _compare_numbers(value, wanted[0], compare) for value in found
            )


_TEXTS: frozenset[Subject] = frozenset(get_args(Subject)) - {*NUMERIC_SUBJECTS, *ATTRIBUTE_SUBJECTS}
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "at_least": Decimal.__ge__,
    "more_than": Decimal.__gt__,
    "at_most": Decimal.__le__,
    "less_than": Decimal.__lt__,
}


def _subject_values(
    condition: Condition, occasion: CampaignTrigger, state: State, store: StoreSettings
) -> Iterator[str]:
    items = occasion.items
    match condition.subject:
        case "gross_value":
            yield f"{plain_decimal(occasion.gross_value):f}"
        case "item_count":
            yield str(sum(item.quantity for item in items))
        case "sku":
            yield from (item.sku for item in items)
        case "category":
            yield from (item.category for item in items if item.category)
        case "maker":
            yield from (item.maker for item in items if item.maker)
        case "label":
            yield from (value for item in items for value in _values_named(item.labels, condition.name))
        case "channel_id":
            yield from filter(None, (occasion.channel_id,))
        case "event_attribute":
            yield from _values_named(occasion.attributes, condition.name)
        case "member_attribute" | "member_gender" | "member_tier":
            yield from _member_values(condition, state, store)


def _member_values(condition: Condition, state: State, store: StoreSettings) -> Iterator[str]:
    """Values of the member. A tier matches by its id and by its name."""
    member = state.get(Member)
    if member is None:
        return
    match condition.subject:
        case "member_attribute":
            yield from _values_named(member.profile.custom_attributes, condition.name)
        case "member_gender":
            yield from filter(None, (member.profile.gender,))
        case _:
            for standing in state.scan(Standing):
                yield standing.level_id
                found = store.tier(standing.level_id)
                if found:
                    yield found[1].name


def _values_named(pairs: tuple[Attribute, ...], name: str | None) -> Iterator[str]:
    return (pair.value for pair in pairs if pair.key == name)


def _is_any_equal(condition: Condition, found: Iterator[str]) -> bool:
    """Numeric subjects compare as numbers (10 equals 10.00), all others as texts (01234 differs from
    1234)."""
    if condition.subject in NUMERIC_SUBJECTS:
        return any(
            _compare_numbers(value, each, Decimal.__eq__) for value in found for each in condition.values
        )
    return any(value in condition.values for value in found)


def _compare_numbers(value: str, wanted: str, operator: Callable[[Decimal, Decimal], bool]) -> bool:
    left, right = parse_number(value), _stored_number(wanted)
    return left is not None and right is not None and operator(left, right)


def _stored_number(text: str) -> Decimal | None:
    """The number in a condition. Older releases also stored forms such as `1E2`."""
    try:
        stored = Decimal(text)
    except ArithmeticError:
        return None
    return stored if stored.is_finite() else None
