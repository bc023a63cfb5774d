"""Lengths that lie, numbers without end, parts without count: a record's work is bounded by its size."""

import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.codec.avro import decode, decode_tree, encode, released_schemas
from streams.domain.messages import AcceptUnits, AddressedCommand, RefuseUnits
from streams.domain.values import Attribute, Identifier, Item, Value
from streams.errors import Poison
from streams.rejections import CommandRejected
from streams.stages.context import Record
from streams.topics import COMMANDS, IDENTITY_REQUESTS
from tests.driver import Pipeline
from tests.samples import ANNA, BORIS, NOON, SETTINGS, add, purchase, register, uid
from tests.strategies import plainest
from tests.test_codec import KINDS

PATIENCE = 5.0
"""Seconds for a mebibyte. Linear work takes a fraction of one; what was quadratic took minutes."""
HEADS = [
    b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x10",
    b"\x01",
    b"\x03",
]
"""Lengths and counts: the largest, 2^60, -1 and -2."""


def with_decimal(units: bytes) -> bytes:
    """AddUnits whose amount is of those bytes, which no writer of decimals would let pass."""
    bare = released_schemas()["AddUnits.v2"].parsed
    fields = [f | {"type": "bytes"} if f["name"] == "units" else f for f in bare["fields"]]
    tree = msgspec.to_builtins(add("1"), builtin_types=(datetime, Decimal))
    out = BytesIO()
    plainly = fastavro.parse_schema({**bare, "fields": fields}, named_schemas={})
    fastavro.schemaless_writer(out, plainly, tree | {"units": units})
    return out.getvalue()


def came(value: bytes, header: str = "AddUnits.v2") -> Record:
    return Record(COMMANDS.name, 0, 7, f"DEFAULT/{ANNA}".encode(), value, {"schema": header.encode()})


@pytest.mark.parametrize("size", [9, 20, 100_000, 1_000_000])
@pytest.mark.parametrize("digit", [b"\x7f", b"\x80", b"\x00"], ids=["large", "negative", "padded"])
def test_a_decimal_of_more_bytes_than_its_digits_need_is_poison_at_once(size: int, digit: bytes) -> None:
    run = Pipeline(SETTINGS, now=NOON)
    begun = time.process_time()

    run.arrive(came(with_decimal(digit * size)))

    assert time.process_time() - begun < PATIENCE
    assert run.poison() == [
        f"is no AddUnits.v2: ValueError: a decimal of {size:,} bytes, where 18 digits have 8 at most"
    ]


@pytest.mark.parametrize("number", [10**18, -(10**18), 2**63 - 1, -(2**63)])
def test_a_decimal_of_more_digits_than_it_may_have_is_poison(number: int) -> None:
    with pytest.raises(Poison, match="is no decimal of 18 digits"):
        decode_tree(with_decimal(number.to_bytes(8, "big", signed=True)), "AddUnits.v2")


@pytest.mark.parametrize("number", [10**18 - 1, 1 - 10**18, 0, 1, -1])
def test_every_decimal_that_the_schema_holds_is_read(number: int) -> None:
    _, tree = decode_tree(with_decimal(number.to_bytes(8, "big", signed=True)), "AddUnits.v2")

    assert tree["units"] == Decimal(number).scaleb(-6)


def test_no_schema_s_decimal_is_read_by_another_reader() -> None:
    """Versions of long ago and readers of today included."""

    def decimals(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if {"precision", "scale"} <= schema.keys():
                yield schema["logicalType"]
            schema = list(schema.values())
        for part in schema if isinstance(schema, list) else ():
            yield from decimals(part)

    found = {kind for each in released_schemas().values() for kind in decimals([each.readable, each.reader])}

    assert found == {"decimal-within-its-precision"}


@st.composite
def hostile(draw: st.DrawFn) -> tuple[type[Value], bytes, str]:
    """A record some of whose bytes are a length that lies, followed by a mebibyte."""
    kind = draw(st.sampled_from(KINDS))
    data, header = encode(plainest(kind))
    place = draw(st.integers(0, len(data) - 1))
    head = draw(st.sampled_from([*HEADS, b"\xfe\xff\x7f", b"\x80" * 1000, b"\xff" * (1 << 20)]))
    filling = draw(st.sampled_from([b"\x00", b"\x01", b"\x02", b"\x7f", b"[", b'{"":', b"\xff"]))
    return kind, data[:place] + head + filling * ((1 << 20) // len(filling)), header


@settings(deadline=None)
@given(hostile())
def test_whatever_length_is_claimed_the_time_is_that_of_the_bytes(
    given_bytes: tuple[type[Value], bytes, str],
) -> None:
    kind, data, header = given_bytes
    begun = time.process_time()

    try:
        decode(kind, data, header)
    except Poison as poison:
        assert len(str(poison)) < 3 << 20  # noqa: PT017 - to be read is right too
    assert time.process_time() - begun < PATIENCE


EMPTY = Attribute(key="", value="")
NOTHING = Item(sku="", name="", quantity=1, gross_value=Decimal(0))


@pytest.mark.parametrize(
    "command",
    [
        replace(purchase("1", "X"), items=(NOTHING,) * 100_000),
        replace(purchase("1", "X"), items=(replace(NOTHING, labels=(EMPTY,) * 400_000),)),
        replace(register(BORIS), profile=replace(register().profile, custom_attributes=(EMPTY,) * 400_000)),
    ],
    ids=["items", "labels", "attributes"],
)
def test_a_command_of_more_parts_than_its_webhooks_could_hold_is_refused_with_their_number(
    command: Any,
) -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register())

    run.when(command)

    (refused,) = run.rejections()
    assert refused.endswith("more items, labels and attributes than the 10,000 that a command may have")


def test_a_message_between_owners_is_bounded_as_a_command_is() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    head: Any = {"command_id": uid(1), "store": "DEFAULT", "member_id": ANNA, "issued_at": NOON}
    small = AcceptUnits(**head, transfer_id=uid(2))
    large = RefuseUnits(**head, transfer_id=uid(2), field="units", value="x" * (2 << 20), reason="")

    run.when(small, large)

    assert [cause for cause in run.poison() if "bytes" in cause] == [
        "has 2,097,290 bytes; a message has 1,049,600 at most"
    ]


def test_a_command_within_a_request_is_bounded_too() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    identifier = Identifier(kind="email", value="anna@example.com")
    request = AddressedCommand(
        store="DEFAULT", identifier=identifier, issued_at=NOON, schema="AddUnits.v2", command=b"x" * (2 << 20)
    )
    value, header = encode(request)
    key = b"DEFAULT/email/anna@example.com"

    run.ask(Record(IDENTITY_REQUESTS.name, 0, 0, key, value, {"schema": header.encode()}))

    assert [cause.partition("; ")[2] for cause in run.poison()] == ["a request has 1,049,600 at most"]


def test_of_a_long_value_that_is_refused_the_beginning_is_kept() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register())
    value, header = encode(replace(add("1"), comment="x" * 200_000))

    run.arrive(came(value, header))

    (kept,) = run.log["rejections"]
    assert decode(CommandRejected, kept.value, kept.schema).value == "x" * 1024 + "…"
