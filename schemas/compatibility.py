"""Checks that a reader's Avro schema reads a writer's data, by Avro's rules of schema resolution.

Two rules are stricter. A decimal must keep its precision and scale, because Avro's rules would read 1.00 as
0.01. Every member of a writer's union must be in the reader's, whichever member was written.
"""

from collections.abc import Iterator
from typing import Any

PROMOTED = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
"""Further types that a reader may declare, by the writer's type."""

Problem = tuple[str, str]
"""A field's path, and a sentence that says what is wrong and what would be valid."""
Names = dict[str, Any]


def incompatibilities(writer: Any, reader: Any) -> list[Problem]:
    """What a reader with schema `reader` cannot read in data of schema `writer`. Empty: it reads
    everything."""
    return list(_differences(writer, reader, "record", _names(writer), _names(reader)))


def _differences(writer: Any, reader: Any, path: str, old: Names, new: Names) -> Iterator[Problem]:
    writer, reader = old.get(_text(writer), writer), new.get(_text(reader), reader)
    if isinstance(writer, list) or isinstance(reader, list):
        yield from _union(_members(writer), _members(reader), path, old, new)
        return
    kind, wanted = _kind(writer), _kind(reader)
    if _logical(writer) != _logical(reader):
        yield path, f"is {_logical(reader) or wanted}; valid is {_logical(writer) or kind}"
    elif kind != wanted:
        if wanted not in PROMOTED.get(kind, ()):
            valid = " or ".join(sorted({kind, *PROMOTED.get(kind, ())}))
            yield path, f"is {wanted}; valid is {valid}"
    elif kind == "record":
        yield from _record(writer, reader, path, old, new)
    elif kind == "array":
        yield from _differences(writer["items"], reader["items"], f"{path}[]", old, new)
    elif kind == "map":
        yield from _differences(writer["values"], reader["values"], f"{path}{{}}", old, new)
    elif kind in {"enum", "fixed"}:
        yield from _compare_named(writer, reader, path)


def _record(writer: Any, reader: Any, path: str, old: Names, new: Names) -> Iterator[Problem]:
    if writer["name"] != reader["name"]:
        yield path, f"is record {reader['name']!r}; valid is {writer['name']!r}"
        return
    written = {field["name"]: field for field in writer["fields"]}
    for field in reader["fields"]:
        place = field["name"] if path == "record" else f"{path}.{field['name']}"
        if field["name"] in written:
            yield from _differences(written[field["name"]]["type"], field["type"], place, old, new)
        elif "default" not in field:
            yield (
                place,
                "is missing where it was not written and has no default; valid is a field with a default",
            )


def _union(writers: list[Any], readers: list[Any], path: str, old: Names, new: Names) -> Iterator[Problem]:
    for member in writers:
        if not any(not list(_differences(member, other, path, old, new)) for other in readers):
            same = [
                r for r in readers if _kind(new.get(_text(r), r)) == _kind(old.get(_text(member), member))
            ]
            if same:
                yield from _differences(member, same[0], path, old, new)
            else:
                yield path, f"does not take {_label(member)}; valid is a union that holds it"


def _compare_named(writer: Any, reader: Any, path: str) -> Iterator[Problem]:
    if writer.get("size") != reader.get("size"):
        yield path, f"has size {reader.get('size')}; valid is {writer.get('size')}"
    lost = [s for s in writer.get("symbols", ()) if s not in reader.get("symbols", ())]
    if lost and "default" not in reader:
        yield path, f"lacks the symbols {lost}; valid is to keep them, or an enum with a default"


def _members(schema: Any) -> list[Any]:
    return schema if isinstance(schema, list) else [schema]


def _kind(schema: Any) -> str:
    return str(schema["type"]) if isinstance(schema, dict) else str(schema)


def _logical(schema: Any) -> str | None:
    if not isinstance(schema, dict) or "logicalType" not in schema:
        return None
    if schema["logicalType"] == "decimal":
        return f"decimal({schema['precision']}, {schema.get('scale', 0)})"
    return str(schema["logicalType"])


def _label(schema: Any) -> str:
    return _logical(schema) or (schema.get("name") if isinstance(schema, dict) else None) or _kind(schema)


def _text(schema: Any) -> str:
    return schema if isinstance(schema, str) else ""


def _names(schema: Any, space: str = "") -> Names:
    """Named types by their full and their short name, because the files use both."""
    if isinstance(schema, list):
        return {k: v for part in schema for k, v in _names(part, space).items()}
    if not isinstance(schema, dict):
        return {}
    space = schema.get("namespace", space)
    found = {schema["name"]: schema, f"{space}.{schema['name']}": schema} if "name" in schema else {}
    for part in (schema.get("items"), schema.get("values"), schema["type"]):
        found |= _names(part, space) if isinstance(part, (dict, list)) else {}
    for field in schema.get("fields", ()):
        found |= _names(field["type"], space)
    return found
