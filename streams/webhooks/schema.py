"""JSON Schemas (draft 7) of webhook bodies, made from the shapes.

They allow additional properties, so that a receiver does not fail when a field is added.
"""

from collections.abc import Callable, Collection, Mapping
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
from streams.webhooks.meanings import field_meaning

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
        return _object_schema(
            {
                "type": {
                    "const": second if form == "second" else entry.legacy_type,
                    "description": "Which webhook it is, by its dotted name.",
                },
                "data": data,
            }
        )
    return _object_schema(
        {
            "messageId": {**_UUID, "description": "This webhook's id: the same on every attempt and replay."},
            "requestId": {**_UUID, "description": "This attempt's id: new on every attempt."},
            # One or the other, as the deployment says.
            "eventName": {
                "type": "string",
                "enum": [entry.name, entry.legacy_type],
                "description": "Which webhook it is.",
            },
            "storeCode": {"type": "string", "description": "The store that it happened in."},
            "createdAt": {**_MOMENT, "description": "When it happened, not when it was sent."},
            "data": data,
        }
    )


def data_schema(entry: Webhook[Any], form: BodyFormat) -> Schema:
    """The schema of the value under `data`."""
    match form:
        case "new":
            return _return_schema(entry.body)
        case "legacy":
            return _return_schema(entry.legacy_body)
        case "second":
            if entry.second is None:
                raise LookupError(f"{entry.name} has no second legacy webhook")
            return _return_schema(entry.second.body)


def _return_schema(body: Callable[[Any], object]) -> Schema:
    hint = get_type_hints(body, include_extras=True)["return"]
    # A body of None means that nothing is sent, not null.
    told = [part for part in get_args(hint) if part is not NoneType] if _is_union(hint) else [hint]
    return _union_schema([_schema_of(part) for part in told])


def _schema_of(hint: Any) -> Schema:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Annotated, NotRequired}:
        return {**_schema_of(parts[0]), **_with_metadata(*parts[1:])}
    if origin is Literal:
        return {"type": "string", "enum": list(parts)}
    if origin is list:
        return {"type": "array", "items": _schema_of(parts[0])}
    if _is_union(hint):
        return _union_schema([_schema_of(part) for part in parts])
    if is_typeddict(hint):
        fields = get_type_hints(hint, include_extras=True)
        return _object_schema(
            {name: _describe(_schema_of(inner), hint.__name__, name) for name, inner in fields.items()},
            hint.__required_keys__,
        )
    # A deployment's own webhook may leave its body's shape open.
    return {"type": "object" if origin is Mapping else _SIMPLE[hint]}


def _describe(schema: Schema, shape: str, field: str) -> Schema:
    """The field's schema with its meaning, followed by what its type says of its values."""
    told = [text for text in (field_meaning(shape, field), schema.get("description")) if text]
    return {**schema, "description": " ".join(told)} if told else schema


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in {Union, type(int | None)}


def _with_metadata(meta: Meta | None = None) -> Schema:
    if meta is None:
        return {}
    about = {"description": meta.description} if meta.description else {}
    return {**about, **(meta.extra_json_schema or {})}


def _object_schema(properties: dict[str, Schema], required: Collection[str] | None = None) -> Schema:
    """An object. All properties are required unless `required` is given."""
    named = [name for name in properties if required is None or name in required]
    return {"type": "object", "properties": properties, "required": named}


def _union_schema(parts: list[Schema]) -> Schema:
    """A union; of simple types it is a list of type names."""
    if len(parts) == 1:
        return parts[0]
    some = [part for part in parts if part != {"type": "null"}]
    if len(some) < len(parts) and len(some) == 1 and "properties" not in some[0] and "enum" not in some[0]:
        return {**some[0], "type": [some[0]["type"], "null"]}
    return {"anyOf": parts}
