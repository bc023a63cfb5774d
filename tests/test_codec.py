"""Every value of every topic goes to bytes and back; whatever else comes is poison and nothing worse."""

import json
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from io import BytesIO
from typing import Any, cast

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.codec.avro import Tree, build_value, decode, decode_tree, encode, released_schemas
from streams.codec.avro_reader import compile_reader
from streams.domain.commands import RegisterMember, RegisterTransaction
from streams.domain.values import Value
from streams.errors import Poison, Rejected
from streams.topics import TOPICS
from tests.samples import add, purchase, register
from tests.strategies import plainest, values

KINDS = sorted({kind for topic in TOPICS for kind in topic.values}, key=lambda kind: kind.__name__)
NAMES = [kind.__name__ for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_every_value_is_read_as_it_was_written(kind: type[Value]) -> None:
    @settings(max_examples=settings.default.max_examples // 2 if settings.default else 10)
    @given(values(kind))
    def law(value: Value) -> None:
        assert decode(kind, *encode(value)) == value

    law()


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_bytes_are_those_that_fastavro_writes(kind: type[Value]) -> None:
    @settings(max_examples=settings.default.max_examples // 2 if settings.default else 10)
    @given(st.lists(values(kind), min_size=1, max_size=3))
    def law(drawn: list[Value]) -> None:
        for value in [*drawn, drawn[0]]:
            data, header = encode(value)
            assert data == _written(released_schemas()[header].parsed, _plain(value))

    law()


@pytest.mark.parametrize("units", ["0.0000001", "1.0000000000000000000000000001", "1E+12", "NaN", "Infinity"])
def test_an_amount_that_the_schema_cannot_hold_is_never_written(units: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        encode(add(units))


def _avro_fields(schema: Any, named: dict[str, Any] | None = None) -> Any:
    """The tree of field names of a schema: dicts for records, what they hold for lists, maps, unions."""
    named = {} if named is None else named
    match schema:
        case list():
            (inner,) = [part for part in schema if part != "null"]
            return _avro_fields(inner, named)
        case {"type": "record", "fields": fields}:
            tree = {field["name"]: _avro_fields(field["type"], named) for field in fields}
            named[f"{schema['namespace']}.{schema['name']}"] = tree
            return tree
        case {"type": "array", "items": inner} | {"type": "map", "values": inner}:
            return _avro_fields(inner, named)
        case {"type": dict() as inner}:
            return _avro_fields(inner, named)
    # A record is written out where it stands first, and named where it stands again.
    return named.get(schema) if isinstance(schema, str) else None


def _fields(kind: Any) -> Any:
    match kind:
        case msgspec.inspect.UnionType(types=kinds) if all(map(_is_choice, kinds)):
            return None
        case msgspec.inspect.UnionType():
            (inner,) = [part for part in kind.types if not isinstance(part, msgspec.inspect.NoneType)]
            return _fields(inner)
        case msgspec.inspect.VarTupleType():
            return _fields(kind.item_type)
        case msgspec.inspect.DictType():
            return _fields(kind.value_type)
        case msgspec.inspect.StructType():
            return {field.name: _fields(field.type) for field in kind.fields}
    return None


def _is_choice(kind: Any) -> bool:
    return isinstance(kind, msgspec.inspect.LiteralType)


def _files() -> dict[str, Any]:
    found = [file for file in files("schemas").iterdir() if file.name.endswith(".avsc")]
    return {file.name: json.loads(file.read_text()) for file in found}


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_newest_schema_has_exactly_the_fields_of_its_class_down_to_the_leaves(kind: type[Value]) -> None:
    _, header = encode(plainest(kind))
    schema = _files()[f"{header}.avsc"]

    assert _avro_fields(schema) == _fields(msgspec.inspect.type_info(kind))


def test_every_schema_has_a_class_on_some_topic() -> None:
    assert {name.split(".v")[0] for name in _files()} == set(NAMES)


@pytest.mark.parametrize("name", sorted(_files()))
def test_every_released_version_is_read_by_the_newest(name: str) -> None:
    header = name.removesuffix(".avsc")
    kind = next(kind for kind in KINDS if header.startswith(f"{kind.__name__}.v"))
    writer = fastavro.parse_schema(_files()[name], named_schemas={})
    data = _written(writer, _plain(plainest(kind)))

    assert isinstance(decode(kind, data, header), kind)


def _plain(value: Value) -> Tree:
    tree: Tree = _listed(msgspec.to_builtins(value, builtin_types=(datetime, Decimal, bytes)))
    return tree


def _listed(part: Any) -> Any:
    """With lists for tuples: in a union fastavro takes those for a pair of a branch's name and its value."""
    if isinstance(part, dict):
        return {name: _listed(inner) for name, inner in part.items()}
    return [_listed(inner) for inner in part] if isinstance(part, tuple) else part


def _written(schema: Any, tree: Tree) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, schema, tree)
    return out.getvalue()


DATA, HEADER = encode(add("12.5"))


@pytest.mark.parametrize(
    ("data", "header", "reason"),
    [
        (DATA, None, "has no header 'schema' that names its schema"),
        (DATA, "AddUnits.v99", "header schema='AddUnits.v99' names no released schema"),
        (DATA, "AddUnits", "header schema='AddUnits' names no released schema"),
        (None, HEADER, "has no value"),
        (DATA[:-30], HEADER, "is no AddUnits.v3: "),
        (b"", HEADER, "is no AddUnits.v3: "),
        (DATA + b"\x00\x00", HEADER, "is no AddUnits.v3: 2 bytes are left over"),
    ],
    ids=["no header", "unknown version", "no version", "null", "truncated", "empty", "left over"],
)
def test_what_no_schema_reads_is_poison_with_its_reason(
    data: bytes | None, header: str | None, reason: str
) -> None:
    with pytest.raises(Poison) as caught:
        decode_tree(data, header)

    assert str(caught.value).startswith(reason)


def test_a_value_of_another_kind_is_poison() -> None:
    with pytest.raises(Poison, match=r"^is a AddUnits where a RegisterTransaction belongs$"):
        decode(RegisterTransaction, DATA, HEADER)


@pytest.mark.parametrize("cut", range(len(DATA)))
def test_a_record_cut_anywhere_is_poison(cut: int) -> None:
    with pytest.raises(Poison):
        decode_tree(DATA[:cut], HEADER)


@pytest.mark.parametrize("kept", range(len(encode(register())[0])))
def test_a_cut_records_cause_is_the_same_each_time_it_is_read(kept: int) -> None:
    data, header = encode(register(email="anna@example.com"))
    causes = set()
    for _ in range(2):
        with pytest.raises(Poison) as caught:
            decode(RegisterMember, data[:kept], header)
        causes.add(str(caught.value))

    assert len(causes) == 1
    assert " at 0x" not in causes.pop()


@settings(max_examples=10 * (settings.default.max_examples if settings.default else 10))
@given(st.binary(max_size=200), st.sampled_from(sorted(released_schemas())))
def test_random_bytes_are_read_or_are_poison_and_nothing_else(data: bytes, header: str) -> None:
    kind = next(kind for kind in KINDS if header.startswith(f"{kind.__name__}.v"))

    try:
        value = decode(kind, data, header)
    except Poison:
        return
    assert isinstance(value, kind)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_byte_changed_is_read_or_is_poison_and_nothing_else(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    written, header = encode(plainest(kind))
    place, byte = data.draw(st.integers(0, len(written) - 1)), data.draw(st.integers(0, 255))

    try:
        value = decode(kind, written[:place] + bytes([byte]) + written[place + 1 :], header)
    except Poison:
        return
    assert isinstance(value, kind)


def _interpreted(data: bytes, header: str) -> Tree:
    """What fastavro reads alone, through the schema. Raises whatever it raises, or ValueError for a rest."""
    schema = released_schemas()[header]
    source = BytesIO(data)
    tree: Any = fastavro.schemaless_reader(source, schema.readable, schema.reader)
    if source.tell() != len(data):
        raise ValueError("bytes are left over")
    return cast(Tree, tree)


def _same_tree_or_poison(data: bytes, header: str) -> None:
    try:
        expected = _interpreted(data, header)
    except Exception:  # noqa: BLE001 - fastavro raises whatever the bytes lead it to
        with pytest.raises(Poison):
            decode_tree(data, header)
        return
    # By their texts: 1 and True are equal, and so are two instants in different zones.
    assert repr(decode_tree(data, header)[1]) == repr(expected)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_compiled_reader_reads_the_tree_that_fastavro_reads(kind: type[Value]) -> None:
    @settings(max_examples=settings.default.max_examples // 2 if settings.default else 10)
    @given(values(kind), st.integers(0), st.integers(0, 255))
    def law(value: Value, place: int, byte: int) -> None:
        data, header = encode(value)
        place %= len(data)

        assert repr(compile_reader(released_schemas()[header].parsed)(data)) == repr(
            _interpreted(data, header)
        )
        _same_tree_or_poison(data, header)
        _same_tree_or_poison(data[:place] + bytes([byte]) + data[place + 1 :], header)
        _same_tree_or_poison(data[:place], header)

    law()


@settings(max_examples=10 * (settings.default.max_examples if settings.default else 10))
@given(st.binary(max_size=200), st.sampled_from(sorted(released_schemas())))
def test_random_bytes_are_the_tree_that_fastavro_reads_or_poison(data: bytes, header: str) -> None:
    _same_tree_or_poison(data, header)


@pytest.mark.parametrize("header", sorted(released_schemas()))
def test_each_released_schema_has_a_compiled_reader(header: str) -> None:
    schema = released_schemas()[header].parsed
    zeros = bytes(1_000)

    with pytest.raises(ValueError, match="the value has"):
        # Every field is there, as its shortest encoding, and a rest is left.
        compile_reader(schema)(zeros)


def _tree(command: Value, **changed: Any) -> Tree:
    _, tree = decode_tree(*encode(command))
    return {**tree, **changed}


@pytest.mark.parametrize(
    ("kind", "tree", "field", "value", "reason"),
    [
        (type(add("1")), _tree(add("1"), store="two words"), "store", "two words", "Expected `str` matching"),
        (type(add("1")), _tree(add("1"), expires_in_days=0), "expires_in_days", 0, "Expected `int` >= 1"),
        (
            RegisterTransaction,
            _tree(purchase("1", "X"), document_number=""),
            "document_number",
            "",
            "Expected `str` of length >= 1",
        ),
        (
            RegisterTransaction,
            _tree(purchase("1", "X"), document_type="gift"),
            "document_type",
            "gift",
            "Invalid enum value 'gift'",
        ),
        (
            RegisterTransaction,
            _tree(
                purchase("1", "X"),
                items=[{"sku": "A", "name": "B", "quantity": 0, "gross_value": Decimal(1), "labels": []}],
            ),
            "items[0].quantity",
            0,
            "Expected `int` >= 1",
        ),
        (
            type(register()),
            _tree(register(), profile={"email": "x" * 256}),
            "profile.email",
            "x" * 256,
            "Expected `str` of length <= 255",
        ),
    ],
    ids=["pattern", "range", "length", "choice", "in a list", "nested"],
)
def test_an_invalid_field_is_named_with_its_value_and_what_is_valid(
    kind: type[Value], tree: Tree, field: str, value: object, reason: str
) -> None:
    with pytest.raises(Rejected) as caught:
        build_value(kind, tree)

    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.reason.startswith(reason)


def test_amounts_keep_every_decimal() -> None:
    least, most = Decimal("0.000001"), Decimal("999999999999.999999")

    for amount in (least, most, -most):
        assert decode(type(add("1")), *encode(add(str(amount)))).units == amount
