"""What a body has at a path: a filter that compares a text with a number would never hold."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from streams.webhooks.catalogue import CATALOGUE
from streams.webhooks.schema import Schema, body_formats, data_schema

_WORDS = {"string": "a text", "number": "a number", "boolean": "true or false"}


def filter_type_mismatch(events: Iterable[str], path: str, value: object, *, legacy: bool) -> str | None:
    """Why `value` can never stand at `path` in the bodies of `events`, or None. Of a path that no body
    has, nothing is said."""
    found = {kind for name in events for kind in _kinds(name, path.split("."), legacy)}
    given = _kind(value)
    if given is None or not found or given in found:
        return None
    there = " or ".join(_WORDS[kind] for kind in sorted(found & _WORDS.keys())) or "no single value"
    return f"value is {_WORDS[given]}, and {path} is {there}"


def _kind(value: object) -> str | None:
    """None for what is comparable with anything: null, and what has parts."""
    match value:
        case bool():
            return "boolean"
        case int() | Decimal():
            return "number"
        case str():
            return "string"
        case _:
            return None


def _kinds(name: str, path: list[str], legacy: bool) -> Iterator[str]:
    entry = CATALOGUE.get(name)
    for form in body_formats(entry) if entry else ():
        if entry and (form != "new") is legacy:
            yield from _at(data_schema(entry, form), path)


def _at(schema: Schema, path: list[str]) -> Iterator[str]:
    if "anyOf" in schema:
        for part in schema["anyOf"]:
            yield from _at(part, path)
    elif not path:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        yield from ("number" if kind == "integer" else kind for kind in kinds)
    elif "items" in schema and path[0].isdigit():
        yield from _at(schema["items"], path[1:])
    elif path[0] in schema.get("properties", {}):
        yield from _at(schema["properties"][path[0]], path[1:])
