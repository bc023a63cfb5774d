"""Decodes Avro to trees of dicts, with one compiled function for each schema.

The trees equal fastavro's, which interprets the schema for every record, at about three times the cost. A
compiled reader understands what writers usually write, and raises an exception for everything else: for
damaged bytes, and for valid encodings that writers rarely choose, such as arrays in several blocks. The
caller then asks fastavro, whose answer is final.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any

from streams.codec.decimals import decimal_from

Tree = dict[str, Any]
AvroReader = Callable[[bytes], Tree]
"""Decodes a whole value. Raises any Exception where it does not understand the bytes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 9
"""Bytes. Ten can hold numbers beyond 64 bits."""


def compile_reader(schema: Any) -> AvroReader:
    """Compiles the decoder of a schema that fastavro has parsed. Raises NotImplementedError for a type that
    is not used in this project."""
    source = _Source()
    name = source.define(schema)
    read_record: Callable[[bytes, int], tuple[Tree, int]] = source.compile()[name]

    def read(data: bytes) -> Tree:
        tree, end = read_record(data, 0)
        # A slice behind the end is short without a word, but the position tells.
        if end != len(data):
            raise ValueError(f"the value has {end} bytes of {len(data)}")
        return tree

    return read


def _read_long(data: bytes, at: int) -> tuple[int, int]:
    """The zigzag number at `at`, and the position after it."""
    raw = shift = 0
    for place in range(at, at + _LONGEST):
        byte = data[place]
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (raw >> 1) ^ -(raw & 1), place + 1
        shift += 7
    raise ValueError("the number has too many bytes")


def _read_length(data: bytes, at: int) -> tuple[int, int]:
    number, end = _read_long(data, at)
    if not 0 <= number <= len(data):
        raise ValueError(f"{number} is no length within {len(data)} bytes")
    return number, end


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


# All facts of a batch have the same instant.
@lru_cache(1024)
def _instant_of_eight(encoded: int) -> datetime:
    """The instant of eight bytes, given as a little-endian number. Instants of 1988 to 2112 have eight."""
    return _instant(_read_long(encoded.to_bytes(8, "little"), 0)[0])


class _Source:
    """The Python source of one function for each record type.

    In its lines `d` is the data, `p` the position, and `n`, `e` are scratch.
    """

    def __init__(self) -> None:
        self._functions: list[str] = []
        self._named: dict[str, str] = {}
        self._numbers = count()
        self._known: dict[str, Any] = {
            "long": _read_long,
            "length": _read_length,
            "instant": _instant,
            "eight": _instant_of_eight,
            "number": int.from_bytes,
            "decimal": decimal_from,
        }

    def define(self, schema: Any) -> str:
        """Adds the function of a record type, and returns its name."""
        name = f"read_{next(self._numbers)}"
        lines: list[str] = []
        fields = [(field["name"], f"v{next(self._numbers)}") for field in schema["fields"]]
        for (_, variable), field in zip(fields, schema["fields"], strict=True):
            lines += self._lines(field["type"], variable)
        tree = ", ".join(f"{field!r}: {variable}" for field, variable in fields)
        body = "\n".join(f"    {line}" for line in [*lines, f"return {{{tree}}}, p"])
        self._functions.append(f"def {name}(d, p):\n{body}\n")
        self._named[schema["name"]] = name
        return name

    def compile(self) -> dict[str, Any]:
        # The source holds names of released schemas, as literals, and nothing from outside.
        exec("\n".join(self._functions), self._known)  # noqa: S102
        return self._known

    def _lines(self, schema: Any, to: str) -> list[str]:  # noqa: PLR0911 - one branch a type
        """The lines that read a value of `schema` into the variable `to`."""
        match schema:
            case str() if schema in self._named:
                return [f"{to}, p = {self._named[schema]}(d, p)"]
            case "string" | {"type": "string"}:
                return [*_LENGTH, "e = p + n", f"{to} = d[p:e].decode()", "p = e"]
            case {"logicalType": "timestamp-micros"}:
                return _instant_lines(to)
            case {"logicalType": _, "type": "bytes", "precision": int(precision), "scale": int(scale)}:
                return [*_LENGTH, "e = p + n", f"{to} = decimal(d[p:e], {precision}, {scale})", "p = e"]
            case "bytes" | {"type": "bytes"}:
                return [*_LENGTH, "e = p + n", f"{to} = d[p:e]", "p = e"]
            case "int" | "long" | {"type": "int" | "long"}:
                return [f"{to}, p = long(d, p)"]
            case "boolean" | {"type": "boolean"}:
                return [f"{to} = (False, True)[d[p]]", "p += 1"]
            case ["null", inner]:
                return self._optional(self._lines(inner, to), to)
            case {"type": "array", "items": items}:
                each = f"v{next(self._numbers)}"
                return _block(f"{to} = []", [*self._lines(items, each), f"{to}.append({each})"])
            case {"type": "map", "values": values}:
                key, each = f"v{next(self._numbers)}", f"v{next(self._numbers)}"
                entry = [*self._lines("string", key), *self._lines(values, each), f"{to}[{key}] = {each}"]
                return _block(f"{to} = {{}}", entry)
            case {"type": "record"}:
                return [f"{to}, p = {self.define(schema)}(d, p)"]
        raise NotImplementedError(f"no reader for {schema!r}")

    @staticmethod
    def _optional(lines: list[str], to: str) -> list[str]:
        inner = [f"    {line}" for line in lines]
        unknown = "    raise ValueError('no such branch')"
        return [
            "n = d[p]",
            "p += 1",
            "if n == 2:",
            *inner,
            "elif n == 0:",
            f"    {to} = None",
            "else:",
            unknown,
        ]


_LENGTH = [
    "n = d[p]",
    # Odd numbers are negative, and from 128 on there are more bytes.
    "if n & 129:",
    "    n, p = length(d, p)",
    "else:",
    "    n >>= 1",
    "    p += 1",
]


def _instant_lines(to: str) -> list[str]:
    return [
        "e = p + 8",
        "n = number(d[p:e], 'little')",
        # The highest bit of a number's last byte is 0, that of all before it 1.
        "if n & 0x8080808080808080 == 0x0080808080808080:",
        f"    {to} = eight(n)",
        "    p = e",
        "else:",
        f"    {to}, p = long(d, p)",
        f"    {to} = instant({to})",
    ]


def _block(empty: str, entry: list[str]) -> list[str]:
    """The lines of an array or a map in one block, which is how everybody writes short ones."""
    loop = [f"        {line}" for line in entry]
    return [
        empty,
        *_LENGTH,
        "if n:",
        "    for _ in range(n):",
        *loop,
        "    if d[p]:",
        "        raise ValueError('another block')",
        "    p += 1",
    ]
