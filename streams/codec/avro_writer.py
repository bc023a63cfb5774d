"""Avro bytes straight from structs: each schema becomes a function once, which knows all that can be known.

The bytes are those of fastavro, which walks a schema and a tree of dicts for every record anew, at several
times the cost. Reading stays with fastavro: it must bear whatever bytes others wrote. Only decimals are read
here, for fastavro turns bytes of any number into an integer and that into digits, in quadratic time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from operator import attrgetter
from typing import Any

import fastavro.read

AvroWriter = Callable[[Any], bytes]
"""One value's bytes. Raises whatever Python does where the schema cannot hold it; nothing is ever rounded."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EXACT = Context(prec=28, traps=[Inexact, InvalidOperation])


def _long(number: int) -> bytes:
    """Avro's integers: zigzag, seven bits a byte, the lowest first."""
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
_LONGS = tuple(_long(number) for number in range(4096))


def _count(number: int) -> bytes:
    return _LONGS[number] if number < len(_LONGS) else _long(number)


_BOUNDED = "decimal-within-its-precision"
"""The logical type that readers see in place of Avro's decimal."""


def readable(schema: Any) -> Any:
    """The same schema, whose decimals fastavro reads by `_read_decimal`."""
    if isinstance(schema, list):
        return [readable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    bounded = {"logicalType": _BOUNDED} if schema.get("logicalType") == "decimal" else {}
    return {name: readable(part) for name, part in schema.items()} | bounded


def _read_decimal(data: bytes, schema: Any, _: Any) -> Decimal:
    """Raises ValueError for what the schema cannot hold, before any digit of it is worked out."""
    precision, scale = schema["precision"], schema["scale"]
    most = _decimal_bytes(precision)
    if len(data) > most:
        raise ValueError(f"a decimal of {len(data):,} bytes, where {precision} digits have {most} at most")
    number = int.from_bytes(data, "big", signed=True)
    if not -(10**precision) < number < 10**precision:
        raise ValueError(f"{number} is no decimal of {precision} digits")
    return Decimal(number).scaleb(-scale, _EXACT)


@lru_cache(16)
def _decimal_bytes(precision: int) -> int:
    return int(10**precision).bit_length() + 8 >> 3


fastavro.read.LOGICAL_READERS[f"bytes-{_BOUNDED}"] = _read_decimal


def compile_writer(schema: Any) -> AvroWriter:
    """The function for a schema that fastavro has parsed. Raises NotImplementedError for a type that no
    schema of ours has."""
    return _writer(schema, {})


def _writer(schema: Any, named: dict[str, AvroWriter]) -> AvroWriter:  # noqa: PLR0911 - one line a type
    match schema:
        case str() if schema in named:
            return named[schema]
        case str() if schema in _PRIMITIVES:
            return _PRIMITIVES[schema]
        case ["null", inner]:
            return _optional(_writer(inner, named))
        case {"logicalType": "timestamp-micros"}:
            return _instant
        case {"logicalType": "decimal", "type": "bytes", "precision": precision, "scale": scale}:
            return _decimal(precision, scale)
        case {"type": "array", "items": items}:
            return _array(_writer(items, named))
        case {"type": "map", "values": values}:
            return _map(_writer(values, named))
        case {"type": "record", "name": name, "fields": fields}:
            named[name] = _record([(f["name"], _field(f["type"], named)) for f in fields])
            return named[name]
        case {"type": str(inner)} if inner in _PRIMITIVES:
            return _PRIMITIVES[inner]
    raise NotImplementedError(f"no writer for {schema!r}")


def _field(schema: Any, named: dict[str, AvroWriter]) -> AvroWriter:
    match schema:
        case {"type": "record"}:
            return _remembered(_writer(schema, named))
        case ["null", inner]:
            return _optional(_field(inner, named))
    return _writer(schema, named)


def _record(fields: list[tuple[str, AvroWriter]]) -> AvroWriter:
    if len(fields) < 2:
        # Of a single name, attrgetter makes no tuple.
        ((name, write),) = fields
        return lambda value: write(getattr(value, name))
    read = attrgetter(*(name for name, _ in fields))
    writers = [write for _, write in fields]
    return lambda value: b"".join([write(part) for write, part in zip(writers, read(value), strict=True)])


def _remembered(write: AvroWriter) -> AvroWriter:
    """A part that many records share, such as the wallet's type, is the same frozen object in all of them."""
    last: tuple[Any, bytes] = (None, b"")

    def remembered(value: Any) -> bytes:
        nonlocal last
        # Read and set as one: other threads write too.
        kept = last
        if kept[0] is not value:
            last = kept = (value, write(value))
        return kept[1]

    return remembered


def _optional(write: AvroWriter) -> AvroWriter:
    return lambda value: b"\x00" if value is None else b"\x02" + write(value)


def _array(write: AvroWriter) -> AvroWriter:
    def array(values: Any) -> bytes:
        return _block(len(values), b"".join([write(value) for value in values]))

    return array


def _map(write: AvroWriter) -> AvroWriter:
    def entries(values: Any) -> bytes:
        return _block(len(values), b"".join([_string(key) + write(value) for key, value in values.items()]))

    return entries


def _block(count: int, items: bytes) -> bytes:
    return _count(count) + items + b"\x00" if count else b"\x00"


def _decimal(precision: int, scale: int) -> AvroWriter:
    unit, end = Decimal(10) ** scale, 10**precision

    def decimal(amount: Decimal) -> bytes:
        scaled = _EXACT.multiply(amount, unit)
        number = int(scaled)
        if number != scaled or not -end < number < end:
            raise ValueError(
                f"{amount} is no decimal of {precision} digits, {scale} of them behind the point"
            )
        size = number.bit_length() + 8 >> 3
        return _LONGS[size] + number.to_bytes(size, "big", signed=True)

    return decimal


def _instant(moment: datetime) -> bytes:
    # Other zones are not remembered: there, two instants an hour apart may be equal when clocks go back.
    # At the calendar's end the same instant may lie beyond it in UTC, and would not be read again.
    return _utc(moment) if moment.tzinfo is UTC else _micros(moment.astimezone(UTC))


def _micros(moment: datetime) -> bytes:
    return _long((moment - _EPOCH) // _MICROSECOND)


# A batch's facts all happen at one instant.
_utc = lru_cache(1024)(_micros)


def _string(text: str) -> bytes:
    data = text.encode()
    return _count(len(data)) + data


def _bytes(data: bytes) -> bytes:
    return _count(len(data)) + data


def _boolean(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


_PRIMITIVES: dict[str, AvroWriter] = {
    "string": _string,
    "bytes": _bytes,
    "long": _long,
    "int": _long,
    "boolean": _boolean,
}
