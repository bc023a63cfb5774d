"""Evaluates a subscription's filter on a body's `data`.

The cost is bounded: at most MAX_CONDITIONS conditions, each with a path of at most MAX_PATH_PARTS steps and
one comparison, or MAX_IN_VALUES of them for `in`. A filter beyond these bounds is rejected when it is
written.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from streams.delivery.subscription_options import Condition

MOST, DEEPEST, LONGEST = 10, 10, 50
Test = Callable[[Any], bool]
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_MISSING = object()
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def is_passed(conditions: Iterable[Condition], data: object) -> bool:
    """Whether all conditions hold for the tree under `data`."""
    return all(_compile_condition(condition)(_value_at(data, condition.path)) for condition in conditions)


def first_failed_condition(
    conditions: Iterable[Condition], data: object
) -> tuple[Condition, str | None] | None:
    """The first condition that does not hold, with the JSON value at its path (None if there is no value); or
    None if all hold."""
    for condition in conditions:
        found = _value_at(data, condition.path)
        if not _compile_condition(condition)(found):
            return condition, None if found is _MISSING else _ENCODER.encode(found).decode()
    return None


def condition_problem(condition: Condition) -> str | None:
    """Why the condition cannot be evaluated, or None if it can."""
    if not 1 <= condition.path.count(".") + 1 <= DEEPEST or not all(condition.path.split(".")):
        return f"path must be 1 to {DEEPEST} names or indexes, joined by dots"
    try:
        value = _DECODER.decode(condition.value)
    except (msgspec.DecodeError, RecursionError, ValueError, ArithmeticError):
        return "value must be JSON"
    match condition.operator:
        case "in" if not isinstance(value, list) or not 1 <= len(value) <= LONGEST:
            return f"value must be an array of 1 to {LONGEST} values, for in"
        case "exists" if not isinstance(value, bool):
            return "value must be true or false, for exists"
        case "gt" | "gte" | "lt" | "lte" if not (_is_number(value) or isinstance(value, str)):
            return f"value must be a number or a text, for {condition.operator}"
    return None


@lru_cache(maxsize=4096)
def _compile_condition(condition: Condition) -> Test:
    wanted, name = _DECODER.decode(condition.value), condition.operator
    match name:
        case "eq":
            return lambda found: _is_equal(found, wanted)
        case "ne":
            return lambda found: not _is_equal(found, wanted)
        case "in":
            return lambda found: any(_is_equal(found, each) for each in wanted)
        case "exists":
            return lambda found: (found is not _MISSING) is wanted
        case _:
            holds = _ORDER[name]
            return lambda found: _is_comparable(found, wanted) and holds(found, wanted)


def _is_equal(found: object, wanted: object) -> bool:
    # In Python True equals 1; in JSON it does not.
    return isinstance(found, bool) is isinstance(wanted, bool) and found == wanted


def _is_comparable(found: object, wanted: object) -> bool:
    """Numbers compare with numbers, and texts with texts: instants in one format sort correctly as texts."""
    return (_is_number(found) and _is_number(wanted)) or (isinstance(found, str) and isinstance(wanted, str))


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _value_at(data: object, path: str) -> object:
    here = data
    for part in path.split("."):
        if isinstance(here, Mapping):
            here = here.get(part, _MISSING)
        elif isinstance(here, Sequence) and not isinstance(here, str) and part.isascii() and part.isdigit():
            here = here[int(part)] if len(part) < 6 and int(part) < len(here) else _MISSING
        else:
            return _MISSING
    return here
