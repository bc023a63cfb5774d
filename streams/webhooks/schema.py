"""JSON Schemas (draft 7) of what endpoints receive, made from the shapes that the bodies are typed by.

They say what is there, and forbid nothing more: a receiver should not stumble over a field that is added.
"""

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from msgspec import Meta

from streams.webhooks.catalogue import Webhook

BodyFormat = Literal["new", "legacy", "second"]
Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
_UUID: Schema = {"type": "string", "format": "uuid"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
NoneType = type(None)
_SIMPLE: dict[Any, str] = {
    str: "string",
    int: "integer",
    Decimal: "number",
    bool: "boolean",
    NoneType: "null",
}


def body_formats(entry: Webhook[Any]) -> tuple[BodyFormat, ...]:
    """The formats in which that webhook is sent."""
    return ("new", "legacy", "second") if entry.second else ("new", "legacy")


def envelope_schema(entry: Webhook[Any], form: BodyFormat) -> Schema:
    """The schema of a whole request's body, envelope and data."""
    data = data_schema(entry, form)
    if form != "new":
        second = entry.second.legacy_type if entry.second else ""
        return _object({"type": {"const": second if form == "second" else entry.legacy_type}, "data": data})
    return _object(
        {
            "messageId": {**_UUID, "description": "The same on every attempt."},
            "requestId": {**_UUID, "description": "New on every attempt."},
            # One or the other, as the deployment says.
            "eventName": {"type": "string", "enum": [entry.name, entry.legacy_type]},
            "storeCode": {"type": "string"},
            "createdAt": _MOMENT,
            "data": data,
        }
    )


def data_schema(entry: Webhook[Any], form: BodyFormat) -> Schema:
    """The schema of what stands under `data`."""
    match form:
        case "new":
            return _returned(entry.body)
        case "legacy":
            return _returned(entry.legacy_body)
        case "second":
            if entry.second is None:
                raise LookupError(f"{entry.name} has no second legacy webhook")
            return _returned(entry.second.body)


def _returned(body: Callable[[Any], object]) -> Schema:
    hint = get_type_hints(body, include_extras=True)["return"]
    # None says that nothing is sent, not that null is.
    told = [part for part in get_args(hint) if part is not NoneType] if _is_union(hint) else [hint]
    return _one_of([_schema(part) for part in told])


def _schema(hint: Any) -> Schema:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Annotated, NotRequired}:
        return {**_schema(parts[0]), **_said(*parts[1:])}
    if origin is Literal:
        return {"type": "string", "enum": list(parts)}
    if origin is list:
        return {"type": "array", "items": _schema(parts[0])}
    if _is_union(hint):
        return _one_of([_schema(part) for part in parts])
    if is_typeddict(hint):
        fields = get_type_hints(hint, include_extras=True)
        return _object({name: _schema(inner) for name, inner in fields.items()}, hint.__required_keys__)
    return {"type": _SIMPLE[hint]}


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in {Union, type(int | None)}


def _said(meta: Meta | None = None) -> Schema:
    if meta is None:
        return {}
    about = {"description": meta.description} if meta.description else {}
    return {**about, **(meta.extra_json_schema or {})}


def _object(properties: dict[str, Schema], required: Collection[str] | None = None) -> Schema:
    """All properties are required where none are named."""
    named = [name for name in properties if required is None or name in required]
    return {"type": "object", "properties": properties, "required": named}


def _one_of(parts: list[Schema]) -> Schema:
    """One of the parts; a string or null is a simple type of two."""
    if len(parts) == 1:
        return parts[0]
    some = [part for part in parts if part != {"type": "null"}]
    if len(some) < len(parts) and len(some) == 1 and "properties" not in some[0] and "enum" not in some[0]:
        return {**some[0], "type": [some[0]["type"], "null"]}
    return {"anyOf": parts}
