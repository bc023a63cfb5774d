"""What fields of bodies may hold, as the contract limits them."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from api.contract.listing import read_instant
from streams.domain.instants import OutOfRange, parse_day
from streams.domain.text import find_text_flaw, find_tree_flaws
from streams.domain.values import MAX_AMOUNT, is_amount

UUID_PATTERN = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
CODE_PATTERN = r"^[A-Za-z0-9_.-]{1,64}$"


class BodyModel(BaseModel):
    """A misspelled or unsupported field is refused: ignoring `hmacEnabled` would feign safety."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, populate_by_name=True)


def _decimal(value: object) -> Decimal:
    """Numbers as they were written; text too, for clients whose numbers keep fewer digits."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic tells of ValueErrors
    if isinstance(value, str) and not re.fullmatch(_AS_TEXT, value):
        raise ValueError("must be a number, or one as text such as 29.33")
    return Decimal(value)


def _amount(value: Decimal) -> Decimal:
    if not is_amount(value):
        raise ValueError(f"must lie between 0 and {MAX_AMOUNT}, with at most six decimals")
    # 0E+999999999 is 0.
    return value or Decimal(0)


def _more_than_nothing(value: Decimal) -> Decimal:
    if not value:
        raise ValueError("must be more than 0")
    return value


def _moment(value: object) -> datetime:
    return read_instant(value if isinstance(value, str) else "")


def _day(value: object) -> datetime:
    try:
        return parse_day(value if isinstance(value, str) else "")
    except OutOfRange:
        raise
    except ValueError:
        raise ValueError("must be a day such as 1990-05-31, with a time beside it or without") from None


_INSTANT = {"type": "string", "examples": ["2025-10-20T13:18:38+02:00"]}
_AS_TEXT = "^[0-9]{1,12}([.][0-9]{1,6})?$"
_NUMBER: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": int(MAX_AMOUNT)}
_TEXT: dict[str, Any] = {"type": "string", "pattern": _AS_TEXT}
Amount = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    AfterValidator(_amount),
    WithJsonSchema({"anyOf": [_NUMBER, _TEXT], "examples": [29.33]}),
]
Units = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    AfterValidator(_amount),
    AfterValidator(_more_than_nothing),
    WithJsonSchema({"anyOf": [{**_NUMBER, "exclusiveMinimum": 0}, _TEXT], "examples": [100]}),
]
"""Six decimals at most."""
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema(_INSTANT),
]
"""ISO 8601, with an offset or in UTC."""
Day = Annotated[
    datetime,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "examples": ["1990-05-31"]}),
]
"""The day as it is written: a time and an offset beside it move nothing."""


def _name(text: str) -> str:
    problem = find_text_flaw(text)
    if problem:
        raise ValueError(problem)
    return text


def _lines(text: str) -> str:
    problem = find_text_flaw(text, lines=True)
    if problem:
        raise ValueError(problem)
    return text


def _whole(tree: Any) -> Any:
    for place, problem in find_tree_flaws(tree):
        raise ValueError(f"{problem} at {place}" if place else problem)
    return tree


Text = Annotated[str, Field(max_length=255), AfterValidator(_name)]
"""A name, or anything that stands in one line."""
TextLine = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_name)]
Comment = Annotated[str, Field(max_length=255), AfterValidator(_lines)]
"""May have several lines."""
JsonTree = Annotated[Any, AfterValidator(_whole)]
"""JSON of any shape."""
Code = Annotated[str, Field(pattern=CODE_PATTERN)]
Uuid = Annotated[str, Field(pattern=UUID_PATTERN)]
Days = Annotated[int, Field(ge=1, le=36_500)]

StoreCode = Annotated[str, Path(alias="storeCode", pattern=CODE_PATTERN, examples=["DEFAULT"])]


def id_in_path(alias: str) -> Any:
    """A UUID that stands in the path under `alias`."""
    return Path(alias=alias, pattern=UUID_PATTERN)


class AttributeBody(BodyModel):
    key: Text
    value: Text


class AddressBody(BodyModel):
    street: Text | None = None
    address1: Text | None = None
    address2: Text | None = None
    postal: Text | None = None
    city: Text | None = None
    province: Text | None = None
    country: Text | None = None


MEMBER_PATH = Path(
    alias="member",
    max_length=400,
    description="The member's UUID, or `email=…`, `phone=…` or `loyaltyCardNumber=…`.",
    examples=["email=anna@example.com"],
)
MemberText = Annotated[str, Field(min_length=1, max_length=400)]
"""How a body names a member: as the path does."""
