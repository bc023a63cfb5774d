"""The settings of campaigns: triggers, conditions and effects."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from streams.domain.values import (
    Attribute,
    Code,
    EffectType,
    Instant,
    Text,
    TriggerType,
    Uuid,
    Value,
)

Days = Annotated[int, Meta(ge=1, le=36_500)]
Subject = Literal[
    "gross_value",
    "item_count",
    "sku",
    "category",
    "maker",
    "label",
    "channel_id",
    "event_attribute",
    "member_attribute",
    "member_gender",
    "member_tier",
]
NUMERIC_SUBJECTS: tuple[Subject, ...] = ("gross_value", "item_count")
ATTRIBUTE_SUBJECTS: tuple[Subject, ...] = ("event_attribute", "member_attribute")
"""Subjects whose texts are read as numbers by comparison operators, as an attribute has no declared type."""
NAMED_SUBJECTS: tuple[Subject, ...] = ("label", *ATTRIBUTE_SUBJECTS)
Operator = Literal["is", "is_not", "is_one_of", "contains", "at_least", "more_than", "at_most", "less_than"]
COMPARISONS: tuple[Operator, ...] = ("at_least", "more_than", "at_most", "less_than")
INTERNAL_EVENTS = ("CustomerRegistered",)


class Condition(Value):
    """`subject operator values`, such as `category is_one_of ("jazz", "blues")`.

    If the subject has several values (each item has a category), one match is enough; `is_not` requires that
    none matches. `name` is the key of a label or attribute. The subject says what is compared: of
    `NUMERIC_SUBJECTS` the amounts, of all others the exact texts. Comparison operators read an attribute as a
    number; one that is not a number does not match.
    """

    subject: Subject
    operator: Operator
    values: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=100)]
    name: Text | None = None


class Effect(Value):
    """One thing that a campaign does. Units: `points` and, for each unit of money of the transaction,
    `points_per_currency_unit`, both together. `expiry` overrides the wallet type's policy."""

    type: EffectType
    points: Decimal | None = None
    points_per_currency_unit: Decimal | None = None
    wallet: Code | None = None
    expiry: Literal["from_wallet", "never_expires"] = "from_wallet"
    expires_after_days: Days | None = None
    locked_for_days: Days | None = None
    reward_id: Uuid | None = None
    attribute: Attribute | None = None


class Campaign(Value):
    """Acts when `trigger` happens, all `conditions` hold and the moment lies within `active_from` and
    `active_to`: the event's own, or that of its handling, as the store's `campaign_time` says. `event` names
    the custom event's type or the internal event.

    `points_per_currency_unit` and the fields beside it are the short form of one give_points effect; 0: none.
    """

    campaign_id: Uuid
    name: Text
    points_per_currency_unit: Decimal = Decimal(0)
    trigger: TriggerType = "transaction"
    active: bool = True
    wallet: Code | None = None
    expires_after_days: Days | None = None
    event: Code | None = None
    active_from: Instant | None = None
    active_to: Instant | None = None
    conditions: Annotated[tuple[Condition, ...], Meta(max_length=30)] = ()
    effects: Annotated[tuple[Effect, ...], Meta(max_length=20)] = ()
    per_member_limit: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """Most runs per member; None: no limit."""

    def problems(self) -> Iterator[str]:
        """Yields what is wrong with it; each text begins with the field."""
        if not self.points_per_currency_unit and not self.effects:
            yield "effects must hold at least one, or points_per_currency_unit must be more than 0"
        if self.trigger in ("custom_event", "internal_event"):
            if self.event is None:
                yield f"event must name what triggers it, for trigger {self.trigger!r}"
            if self.trigger == "internal_event" and self.event not in INTERNAL_EVENTS:
                yield f"event {self.event!r} is none of {list(INTERNAL_EVENTS)}"
        for index, condition in enumerate(self.conditions):
            yield from (f"conditions[{index}].{problem}" for problem in _condition_problems(condition))
        for index, effect in enumerate(self.effects):
            yield from (f"effects[{index}].{problem}" for problem in _effect_problems(effect))


def _condition_problems(condition: Condition) -> Iterator[str]:
    subject, operator = condition.subject, condition.operator
    if subject in NAMED_SUBJECTS and condition.name is None:
        yield f"name must be the key of the {subject.replace('_', ' ')}"
    if operator != "is_one_of" and len(condition.values) != 1:
        yield f"values must be one, for operator {operator!r}"
    if subject in NUMERIC_SUBJECTS and operator == "contains":
        yield f"operator 'contains' is for texts, and {subject!r} is a number"
    elif operator in COMPARISONS and subject not in (*NUMERIC_SUBJECTS, *ATTRIBUTE_SUBJECTS):
        yield f"operator {operator!r} is for numbers, and {subject!r} is a text"
    elif operator in COMPARISONS or subject in NUMERIC_SUBJECTS:
        yield from (
            f"values {value!r} is no number such as 29.33"
            for value in condition.values
            if parse_number(value) is None
        )


_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,6})?")


def parse_number(text: str) -> Decimal | None:
    """Parses a number in the only form that amounts have, or returns None. `Decimal` would also accept
    `1_234`, `1E3` and the digits of every script."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _effect_problems(effect: Effect) -> Iterator[str]:
    match effect.type:
        case "give_points" | "deduct_unit":
            if not (effect.points or effect.points_per_currency_unit):
                yield "points or points_per_currency_unit must be more than 0"
        case "give_reward":
            if effect.reward_id is None:
                yield "reward_id must name the reward that is given"
        case "assign_member_custom_attribute" | "remove_member_custom_attribute":
            if effect.attribute is None:
                yield "attribute must hold a key and a value"
