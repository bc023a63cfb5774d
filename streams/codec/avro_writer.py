"""Encodes structs as Avro, with one compiled function for each schema.

The bytes equal fastavro's, which interprets the schema and a tree of dicts for every record, at several times
the cost. fastavro's own decoder gets schemas whose decimals are decoded here: it would convert bytes of any
length to digits, in quadratic time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from keyword import iskeyword
from typing import Any

import fastavro.read

from streams.codec.decimals import EXACT, decimal_from

AvroWriter = Callable[[Any], bytes]
"""Encodes one value. Raises ValueError, ArithmeticError, TypeError or AttributeError if the schema cannot
hold it; nothing is rounded."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _encode_long(number: int) -> bytes:
    """Avro's integers: zigzag, seven bits per byte, the lowest first (Avro 1.11 specification, binary
    encoding)."""
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{number} is no 64-bit integer")
    rest = number << 1 ^ number >> 63
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


# Most lengths and indexes are small.
_ENCODED_LONGS = tuple(_encode_long(number) for number in range(4096))
_ENCODED_PRESENT = tuple(b"\x02" + encoded for encoded in _ENCODED_LONGS)
"""The same, behind the index of an optional field that is there."""


def _encode_count(number: int) -> bytes:
    return _ENCODED_LONGS[number] if number < len(_ENCODED_LONGS) else _encode_long(number)


_BOUNDED_DECIMAL = "decimal-within-its-precision"
"""The logical type that replaces Avro's decimal in reader schemas."""


def reader_schema(schema: Any) -> Any:
    """The schema for decoding: fastavro decodes its decimals with `_read_decimal`."""
    if isinstance(schema, list):
        return [reader_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    bounded = {"logicalType": _BOUNDED_DECIMAL} if schema.get("logicalType") == "decimal" else {}
    return {name: reader_schema(part) for name, part in schema.items()} | bounded


def _read_decimal(data: bytes, schema: Any, _: Any) -> Decimal:
    return decimal_from(data, schema["precision"], schema["scale"])


fastavro.read.LOGICAL_READERS[f"bytes-{_BOUNDED_DECIMAL}"] = _read_decimal


def compile_writer(schema: Any) -> AvroWriter:
    """Compiles the encoder of a schema that fastavro has parsed. Raises NotImplementedError for a type that
    is not used in this project."""
    return _compile_record(schema, {})


def _compile_record(schema: Any, named: dict[str, AvroWriter]) -> AvroWriter:
    """One function for all fields of a record: calls from function to function are most of the cost."""
    known: dict[str, Any] = {
        "join": b"".join,
        "COUNTS": _ENCODED_LONGS,
        "PRESENT": _ENCODED_PRESENT,
        "END": len(_ENCODED_LONGS),
        "count": _encode_count,
        "instant": _encode_instant,
        "utc": _encode_utc,
        "UTC": UTC,
    }
    parts = [
        part
        for number, field in enumerate(schema["fields"])
        for part in _parts(
            field["type"], f"value.{_attribute(field['name'])}", f"write_{number}", known, named
        )
    ]
    # The source holds names of released schemas, as attributes, and nothing from outside.
    exec(f"def write(value):\n    return join(({', '.join(parts)},))", known)  # noqa: S102
    write: AvroWriter = known["write"]
    named[schema["name"]] = write
    return write


def _attribute(name: str) -> str:
    if not name.isidentifier() or iskeyword(name):
        raise NotImplementedError(f"no writer for a field of the name {name!r}")
    return name


def _parts(
    schema: Any, value: str, own: str, known: dict[str, Any], named: dict[str, AvroWriter]
) -> list[str]:
    """The expressions whose bytes encode the expression `value`. `own` is a free name in `known`."""
    match schema:
        case "string" | {"type": "string"}:
            return [f"COUNTS[n] if (n := len(x := {value}.encode())) < END else count(n)", "x"]
        case ["null", "string"]:
            present = "(PRESENT[n] if (n := len(x := x.encode())) < END else b'\\2' + count(n)) + x"
            return [f"b'\\0' if (x := {value}) is None else {present}"]
        case {"logicalType": "timestamp-micros"}:
            return [f"utc(x) if (x := {value}).tzinfo is UTC else instant(x)"]
        case "boolean" | {"type": "boolean"}:
            return [f"b'\\1' if {value} else b'\\0'"]
    known[own] = _compile_field(schema, named)
    return [f"{own}({value})"]


def _compile(schema: Any, named: dict[str, AvroWriter]) -> AvroWriter:  # noqa: PLR0911 - one line a type
    match schema:
        case str() if schema in named:
            return named[schema]
        case str() if schema in _PRIMITIVES:
            return _PRIMITIVES[schema]
        case ["null", inner]:
            return _compile_optional(_compile(inner, named))
        case {"logicalType": "timestamp-micros"}:
            return _encode_instant
        case {"logicalType": "decimal", "type": "bytes", "precision": precision, "scale": scale}:
            return _compile_decimal(precision, scale)
        case {"type": "array", "items": items}:
            return _compile_array(_compile(items, named))
        case {"type": "map", "values": values}:
            return _compile_map(_compile(values, named))
        case {"type": "record"}:
            return _compile_record(schema, named)
        case {"type": str(inner)} if inner in _PRIMITIVES:
            return _PRIMITIVES[inner]
    raise NotImplementedError(f"no writer for {schema!r}")


def _compile_field(schema: Any, named: dict[str, AvroWriter]) -> AvroWriter:
    match schema:
        case {"type": "record"}:
            return _remember_latest(_compile(schema, named))
        case ["null", inner]:
            return _compile_optional(_compile_field(inner, named))
    return _compile(schema, named)


def _remember_latest(write: AvroWriter) -> AvroWriter:
    """Remembers the latest encoded object: many records share one frozen object, such as the wallet's
    type."""
    last: tuple[Any, bytes] = (None, b"")

    def remembered(value: Any) -> bytes:
        nonlocal last
        # Read and replaced as one tuple, because several threads encode.
        kept = last
        if kept[0] is not value:
            last = kept = (value, write(value))
        return kept[1]

    return remembered


def _compile_optional(write: AvroWriter) -> AvroWriter:
    return lambda value: b"\x00" if value is None else b"\x02" + write(value)


def _compile_array(write: AvroWriter) -> AvroWriter:
    def array(values: Any) -> bytes:
        return _encode_block(len(values), b"".join([write(value) for value in values]))

    return array


def _compile_map(write: AvroWriter) -> AvroWriter:
    def entries(values: Any) -> bytes:
        return _encode_block(
            len(values), b"".join([_encode_string(key) + write(value) for key, value in values.items()])
        )

    return entries


def _encode_block(count: int, items: bytes) -> bytes:
    return _encode_count(count) + items + b"\x00" if count else b"\x00"


def _compile_decimal(precision: int, scale: int) -> AvroWriter:
    end, shift = 10**precision, EXACT.scaleb

    def decimal(amount: Decimal) -> bytes:
        scaled = shift(amount, scale)
        number = int(scaled)
        if number != scaled or not -end < number < end:
            raise ValueError(
                f"{amount} is no decimal of {precision} digits, {scale} of them behind the point"
            )
        size = number.bit_length() + 8 >> 3
        return _ENCODED_LONGS[size] + number.to_bytes(size, "big", signed=True)

    return decimal


def _encode_instant(moment: datetime) -> bytes:
    # Only UTC is cached: in other zones two instants an hour apart compare equal when clocks go back. At the
    # end of `datetime`, the instant may not exist in UTC, and could not be decoded.
    return _encode_utc(moment) if moment.tzinfo is UTC else _encode_micros(moment.astimezone(UTC))


def _encode_micros(moment: datetime) -> bytes:
    return _encode_long((moment - _EPOCH) // _MICROSECOND)


# All facts of a batch have the same instant.
_encode_utc = lru_cache(1024)(_encode_micros)


def _encode_string(text: str) -> bytes:
    data = text.encode()
    return _encode_count(len(data)) + data


def _encode_bytes(data: bytes) -> bytes:
    return _encode_count(len(data)) + data


def _encode_boolean(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


_PRIMITIVES: dict[str, AvroWriter] = {
    "string": _encode_string,
    "bytes": _encode_bytes,
    "long": _encode_long,
    "int": _encode_long,
    "boolean": _encode_boolean,
}
