"""Values of any of the project's classes, made from its types: random ones, and the plainest."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from streams.domain.values import Value
from tests.samples import ANNA

FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - the strategy adds the zone
# What Avro's string holds: any text that UTF-8 can say.
TEXT = st.characters(exclude_categories=["Cs"])


def _strings(kind: msgspec.inspect.StrType) -> st.SearchStrategy[str]:
    if kind.pattern:
        return st.from_regex(kind.pattern.replace("$", r"\Z"), alphabet=st.characters(codec="ascii"))
    return st.text(TEXT, min_size=kind.min_length or 0, max_size=min(kind.max_length or 40, 40))


def of(kind: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one line a type
    """Values of a type as msgspec describes it, its constraints kept."""
    match kind:
        case msgspec.inspect.StrType():
            return _strings(kind)
        case msgspec.inspect.IntType():
            return st.integers(kind.ge if kind.ge is not None else -(2**31), kind.le or 2**31 - 1)
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.BytesType():
            return st.binary(max_size=40)
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.DecimalType():
            return st.integers(1 - 10**18, 10**18 - 1).map(lambda micros: Decimal(micros).scaleb(-6))
        case msgspec.inspect.DateTimeType():
            return st.datetimes(FIRST, LAST, timezones=st.just(UTC))
        case msgspec.inspect.LiteralType():
            return st.sampled_from(kind.values)
        case msgspec.inspect.UnionType():
            return st.one_of(*map(of, kind.types))
        case msgspec.inspect.VarTupleType():
            least = kind.min_length or 0
            return st.lists(of(kind.item_type), min_size=least, max_size=max(2, least)).map(tuple)
        case msgspec.inspect.DictType():
            return st.dictionaries(of(kind.key_type), of(kind.value_type), max_size=2)
        case msgspec.inspect.StructType():
            return values(kind.cls)
    raise TypeError(f"no strategy for {kind}")


@cache
def values(cls: type[Any]) -> st.SearchStrategy[Any]:
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    return st.builds(cls, **{field.name: of(field.type) for field in info.fields})


@cache
def plainest(kind: type[Value]) -> Value:
    """A value of that kind, the same on every run: its fields' types in their plainest form."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    value: Value = _plainest(info)
    return value


def _plain_text(pattern: str) -> str:
    if "0-9a-f" in pattern:
        return ANNA
    return "07-01" if pattern.startswith("^(0[1-9]|1[0-2])-") else "x"


def _plainest(kind: Any) -> Any:  # noqa: PLR0911 - one line a type
    match kind:
        case msgspec.inspect.StructType():
            return kind.cls(**{field.name: _plainest(field.type) for field in kind.fields})
        case msgspec.inspect.StrType():
            return _plain_text(kind.pattern or "")
        case msgspec.inspect.IntType():
            return 7
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.BytesType():
            return b"\x00\xff"
        case msgspec.inspect.DecimalType():
            return Decimal("12.5")
        case msgspec.inspect.DateTimeType():
            return datetime(2026, 3, 2, 12, tzinfo=UTC)
        case msgspec.inspect.LiteralType():
            return kind.values[0]
        case msgspec.inspect.UnionType():
            return _plainest(next(t for t in kind.types if not isinstance(t, msgspec.inspect.NoneType)))
        case msgspec.inspect.VarTupleType():
            return (_plainest(kind.item_type),)
        case msgspec.inspect.DictType():
            return {"x": _plainest(kind.value_type)}
    raise TypeError(f"no value for {kind}")
