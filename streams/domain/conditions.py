"""Whether a campaign's conditions hold on an occasion."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import get_args

from streams.domain.rules import ATTRIBUTE_SUBJECTS, NUMERIC_SUBJECTS, Condition, Subject, parse_number
from streams.domain.state import Member, Standing, State
from streams.domain.store import StoreSettings
from streams.domain.values import Attribute, Instant, Item, Trigger, Uuid, Value, plain_decimal


class CampaignTrigger(Value):
    """What a member did, as campaigns see it."""

    trigger: Trigger
    happened_at: Instant
    """The day of the purchase, the event or the registration, not of when the programme learnt of it."""
    gross_value: Decimal = Decimal(0)
    items: tuple[Item, ...] = ()
    channel_id: Uuid | None = None
    attributes: tuple[Attribute, ...] = ()
    """The custom event's."""
    linked_document_number: str | None = None
    """The purchase that a return names."""


def is_met(condition: Condition, occasion: CampaignTrigger, state: State, store: StoreSettings) -> bool:
    found = _values(condition, occasion, state, store)
    wanted = condition.values
    match condition.operator:
        case "is" | "is_one_of":
            return _any_equal(condition, found)
        case "is_not":
            return not _any_equal(condition, found)
        case "contains":
            return any(wanted[0] in value for value in found)
        case "at_least" | "more_than" | "at_most" | "less_than":
            compare = _COMPARE[condition.operator]
            return condition.subject not in _TEXTS and any(
                _compared(value, wanted[0], compare) for value in found
            )


_TEXTS: frozenset[Subject] = frozenset(get_args(Subject)) - {*NUMERIC_SUBJECTS, *ATTRIBUTE_SUBJECTS}
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "at_least": Decimal.__ge__,
    "more_than": Decimal.__gt__,
    "at_most": Decimal.__le__,
    "less_than": Decimal.__lt__,
}


def _values(
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
            yield from (value for item in items for value in _named(item.labels, condition.name))
        case "channel_id":
            yield from filter(None, (occasion.channel_id,))
        case "event_attribute":
            yield from _named(occasion.attributes, condition.name)
        case "member_attribute" | "member_gender" | "member_tier":
            yield from _of_member(condition, state, store)


def _of_member(condition: Condition, state: State, store: StoreSettings) -> Iterator[str]:
    """A tier is named by its id or its name."""
    member = state.get(Member)
    if member is None:
        return
    match condition.subject:
        case "member_attribute":
            yield from _named(member.profile.custom_attributes, condition.name)
        case "member_gender":
            yield from filter(None, (member.profile.gender,))
        case _:
            for standing in state.scan(Standing):
                yield standing.level_id
                found = store.tier(standing.level_id)
                if found:
                    yield found[1].name


def _named(pairs: tuple[Attribute, ...], name: str | None) -> Iterator[str]:
    return (pair.value for pair in pairs if pair.key == name)


def _any_equal(condition: Condition, found: Iterator[str]) -> bool:
    """10 is 10.00 where the subject is a number. Of texts, 01234 is not 1234."""
    if condition.subject in NUMERIC_SUBJECTS:
        return any(_compared(value, each, Decimal.__eq__) for value in found for each in condition.values)
    return any(value in condition.values for value in found)


def _compared(value: str, wanted: str, operator: Callable[[Decimal, Decimal], bool]) -> bool:
    left, right = parse_number(value), _stored(wanted)
    return left is not None and right is not None and operator(left, right)


def _stored(text: str) -> Decimal | None:
    """The number of a condition. Older releases also stored such as `1E2`."""
    try:
        stored = Decimal(text)
    except ArithmeticError:
        return None
    return stored if stored.is_finite() else None
