"""Encodes values as Avro and decodes them. A record header names schema and version: `RegisterMember.v1`.

The header is the schema file's name. A fingerprint is not enough: Avro's canonical form drops a decimal's
scale, so that two schemas that read amounts differently would share one.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from itertools import chain
from typing import Any, TypeVar, cast

import fastavro
import msgspec

from streams.codec.avro_reader import AvroReader, compile_reader
from streams.codec.avro_writer import AvroWriter, compile_writer, reader_schema
from streams.domain.text import quote_text
from streams.domain.values import Value
from streams.errors import Poison, Rejected
from streams.rejections import MAX_RECORD_BYTES, shorten_value

_MEMORY_ADDRESS = re.compile(r" from <[^<>]* at 0x[0-9a-f]+>")
HEADER = "schema"
MAX_COMPILED_BYTES = 64 << 10
"""Hostile bytes are read twice, by the compiled reader and by fastavro. Few records are larger than this, and
those are read by fastavro alone."""
V = TypeVar("V", bound=Value)
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """One released schema file. `reader` is the newest version of the same name, or None if this is the
    newest. `reader` and `readable` are for decoding, `parsed` is for encoding."""

    name: str
    version: int
    parsed: Any
    readable: Any
    reader: Any


_SCHEMA_FOLDERS: list[Traversable] = [files("schemas")]


def add_schema_folder(folder: Traversable) -> None:
    """Adds schemas of records that are not part of the program, such as those of a deployment's own
    webhook."""
    _SCHEMA_FOLDERS.append(folder)
    _forget_schemas()


def remove_schema_folder(folder: Traversable) -> None:
    """Takes back what `add_schema_folder` added. Raises ValueError for a folder that was not added."""
    _SCHEMA_FOLDERS.remove(folder)
    _forget_schemas()


def _forget_schemas() -> None:
    released_schemas.cache_clear()
    _newest_schema.cache_clear()
    _compiled_reader.cache_clear()


@cache
def released_schemas() -> dict[str, Schema]:
    """All released schemas by header. The folders are read once."""
    raw: dict[tuple[str, int], Any] = {}
    for file in chain.from_iterable(folder.iterdir() for folder in _SCHEMA_FOLDERS):
        if file.name.endswith(".avsc"):
            name, version = file.name.removesuffix(".avsc").rsplit(".v", 1)
            raw[name, int(version)] = fastavro.parse_schema(json.loads(file.read_text()), named_schemas={})
    newest = {name: max(v for n, v in raw if n == name) for name, _ in raw}
    return {
        f"{name}.v{version}": Schema(
            name,
            version,
            parsed,
            reader_schema(parsed),
            None if version == newest[name] else reader_schema(raw[name, newest[name]]),
        )
        for (name, version), parsed in raw.items()
    }


@cache
def _newest_schema(name: str) -> tuple[str, AvroWriter]:
    found = [s for s in released_schemas().values() if s.name == name and s.reader is None]
    if not found:
        raise LookupError(f"schemas/{name}.v1.avsc does not exist")
    return f"{name}.v{found[0].version}", compile_writer(found[0].parsed)


@cache
def _compiled_reader(header: str) -> AvroReader | None:
    """The reader of a newest version. Older ones are rare, and only fastavro converts them."""
    schema = released_schemas()[header]
    return compile_reader(schema.parsed) if schema.reader is None else None


def encode(value: Value) -> tuple[bytes, str]:
    """The value's bytes, and the schema header."""
    header, write = _newest_schema(type(value).__name__)
    return write(value), header


def decode_tree(data: bytes | None, header: str | None) -> tuple[str, Tree]:
    """The schema's name and the fields, converted to the schema's newest version. Raises Poison."""
    if header is None:
        raise Poison(f"has no header {HEADER!r} that names its schema")
    schema = released_schemas().get(header)
    if schema is None:
        raise Poison(f"header {HEADER}={quote_text(header)} names no released schema")
    if data is None:
        raise Poison("has no value")
    if len(data) > MAX_RECORD_BYTES:
        raise Poison(f"has {len(data):,} bytes; a record has {MAX_RECORD_BYTES:,} at most")
    read = _compiled_reader(header)
    if read is not None and len(data) <= MAX_COMPILED_BYTES:
        with suppress(Exception):
            return schema.name, read(data)
    return schema.name, _interpret(data, header, schema)


def _interpret(data: bytes, header: str, schema: Schema) -> Tree:
    """Decodes as fastavro does, which has the last word on what is valid. Raises Poison."""
    source = BytesIO(data)
    try:
        tree = fastavro.schemaless_reader(source, schema.readable, schema.reader)
    except Exception as error:  # noqa: BLE001 - fastavro raises whatever the bytes lead it to
        # Memory addresses are removed: a replay must give the same cause.
        reason = _MEMORY_ADDRESS.sub("", str(error))
        raise Poison(f"is no {header}: {type(error).__name__}: {reason}") from None
    if source.tell() != len(data):
        raise Poison(f"is no {header}: {len(data) - source.tell()} bytes are left over")
    return cast(Tree, tree)


def build_value(kind: type[V], tree: Tree) -> V:
    """The validated value. Raises Rejected, naming the field, its value and what is valid."""
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        field = path.rstrip("`") or "record"
        raise Rejected(field, _value_at(tree, field), reason) from None


def decode(kind: type[V], data: bytes | None, header: str | None) -> V:
    """Decodes a value of exactly that kind. Raises Poison."""
    name, tree = decode_tree(data, header)
    if name != kind.__name__:
        raise Poison(f"is a {name} where a {kind.__name__} belongs")
    try:
        return build_value(kind, tree)
    except Rejected as error:
        value = shorten_value(error.value) if isinstance(error.value, str) else error.value
        raise Poison(str(Rejected(error.field, value, error.reason))) from None


def _value_at(tree: Tree, path: str) -> object:
    """The value at a path such as `items[0].sku`."""
    here: Any = tree
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, (list, tuple)) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here
