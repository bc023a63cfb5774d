"""Encodes a record only if it reads back as the same value, so that nothing unreadable is ever appended."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from streams.codec import avro
from streams.control_records import find_fault
from streams.domain.instants import INSTANT_RANGE
from streams.domain.values import Value
from streams.errors import Poison, Rejected

_UNREADABLE_REASON = "cannot be kept: what is written would not read back"


def encode_checked(value: Value, key: str | None = None) -> tuple[bytes, str]:
    """Encodes like `avro.encode`, and checks that the bytes decode to an equal value. With the `key` of the
    record it also checks what the value means there. Raises Rejected naming the field."""
    try:
        data, header = avro.encode(value)
        same = avro.decode(type(value), data, header) == value
    except (Poison, ValueError, ArithmeticError, TypeError, AttributeError):
        same = False
    if not same:
        raise next(find_unwritable(value), Rejected("record", type(value).__name__, _UNREADABLE_REASON))
    wrong = find_fault(key, value) if key is not None else None
    if wrong:
        raise Rejected(wrong.field, None, wrong.reason)
    return data, header


def find_unwritable(part: object, path: str = "") -> Iterator[Rejected]:
    """The parts of a value that no record can hold, each by its field."""
    match part:
        case Value():
            for name in part.__struct_fields__:
                yield from find_unwritable(getattr(part, name), f"{path}.{name}" if path else name)
        case tuple():
            for index, each in enumerate(part):
                yield from find_unwritable(each, f"{path}[{index}]")
        case dict():
            for name, each in part.items():
                yield from find_unwritable(name, path)
                yield from find_unwritable(each, f"{path}.{name}")
        case _:
            reason = _unwritable_reason(part)
            if reason:
                yield Rejected(path, _show_value(part), reason)


def _unwritable_reason(leaf: object) -> str | None:
    match leaf:
        case str() if re.search("[\ud800-\udfff]", leaf):
            return "is no text: it has half a character (a lone surrogate)"
        case datetime() if not _is_utc_representable(leaf):
            return INSTANT_RANGE
        case int() if not -(1 << 63) <= leaf < 1 << 63:
            return "is no 64-bit integer"
        case Decimal() if not leaf.is_finite():
            return "is no number"
        case _:
            return None


def _is_utc_representable(moment: datetime) -> bool:
    try:
        moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return False
    return moment.tzinfo is not None


def _show_value(leaf: object) -> str:
    return str(leaf).encode(errors="backslashreplace").decode()
