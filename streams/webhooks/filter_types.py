"""Checks the types of a filter's values: a filter that compares a text with a number would never hold."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from streams.webhooks.catalogue import CATALOGUE
from streams.webhooks.schema import Schema, body_formats, data_schema

_TYPE_NAMES = {"string": "a text", "number": "a number", "boolean": "true or false"}


def filter_type_mismatch(events: Iterable[str], path: str, value: object, *, legacy: bool) -> str | None:
    """Why `value` can never be found at `path` in the bodies of `events`, or None. A path that no body has is
    not reported."""
    found = {kind for name in events for kind in _body_types(name, path.split("."), legacy)}
    given = _json_type(value)
    if given is None or not found or given in found:
        return None
    there = " or ".join(_TYPE_NAMES[kind] for kind in sorted(found & _TYPE_NAMES.keys())) or "no single value"
    return f"value is {_TYPE_NAMES[given]}, and {path} is {there}"


def _json_type(value: object) -> str | None:
    """The JSON type; None for null, arrays and objects, which are not checked."""
    match value:
        case bool():
            return "boolean"
        case int() | Decimal():
            return "number"
        case str():
            return "string"
        case _:
            return None


def _body_types(name: str, path: list[str], legacy: bool) -> Iterator[str]:
    entry = CATALOGUE.get(name)
    for form in body_formats(entry) if entry else ():
        if entry and (form != "new") is legacy:
            yield from _types_at(data_schema(entry, form), path)


def _types_at(schema: Schema, path: list[str]) -> Iterator[str]:
    if "anyOf" in schema:
        for part in schema["anyOf"]:
            yield from _types_at(part, path)
    elif not path:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        yield from ("number" if kind == "integer" else kind for kind in kinds)
    elif "items" in schema and path[0].isdigit():
        yield from _types_at(schema["items"], path[1:])
    elif path[0] in schema.get("properties", {}):
        yield from _types_at(schema["properties"][path[0]], path[1:])
