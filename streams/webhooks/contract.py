"""Documents for receivers, made from the catalogue: JSON Schemas, AsyncAPI and a Markdown page."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from streams.webhooks.catalogue import CATALOGUE, Webhook
from streams.webhooks.schema import DRAFT, BodyFormat, Schema, body_formats, data_schema, envelope_schema

_TITLE_SUFFIXES: dict[BodyFormat, str] = {
    "new": "",
    "legacy": ", legacy format",
    "second": ", second legacy webhook",
}
_HTTP_BINDING = {"http": {"method": "POST", "bindingVersion": "0.3.0"}}


def document_title(entry: Webhook[Any], form: BodyFormat) -> str:
    return f"{entry.name}{_TITLE_SUFFIXES[form]}"


def json_schema(entry: Webhook[Any], form: BodyFormat) -> Schema:
    """The schema of one request's body, as a document of its own."""
    return {
        "$schema": DRAFT,
        "title": document_title(entry, form),
        "description": entry.description,
        **envelope_schema(entry, form),
    }


def asyncapi(version: str) -> dict[str, Any]:
    """All webhooks as one AsyncAPI 3.0 document; what we send, to addresses that subscribers name."""
    entries = sorted(CATALOGUE.values(), key=lambda entry: entry.name)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Loyalty webhooks",
            "version": version,
            "description": "HTTP POSTs to the endpoints that subscribed; any 2xx acknowledges.",
        },
        "defaultContentType": "application/json",
        "channels": {entry.name: _asyncapi_channel(entry) for entry in entries},
        "operations": {f"send{entry.name}": _asyncapi_operation(entry) for entry in entries},
        "components": {"messages": {k: v for entry in entries for k, v in _asyncapi_messages(entry)}},
    }


def _asyncapi_channel(entry: Webhook[Any]) -> dict[str, Any]:
    return {
        # Each subscription has its own address.
        "address": None,
        "title": entry.name,
        "description": _full_description(entry),
        "messages": {
            form: {"$ref": f"#/components/messages/{entry.name}.{form}"} for form in body_formats(entry)
        },
    }


def _asyncapi_operation(entry: Webhook[Any]) -> dict[str, Any]:
    channel = f"#/channels/{entry.name}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "summary": entry.description,
        "messages": [{"$ref": f"{channel}/messages/{form}"} for form in body_formats(entry)],
        "bindings": _HTTP_BINDING,
    }


def _asyncapi_messages(entry: Webhook[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for form in body_formats(entry):
        yield (
            f"{entry.name}.{form}",
            {
                "name": entry.name if form == "new" else _legacy_type_of(entry, form),
                "title": document_title(entry, form),
                "summary": entry.description,
                "contentType": "application/json",
                "payload": envelope_schema(entry, form),
            },
        )


def _legacy_type_of(entry: Webhook[Any], form: BodyFormat) -> str:
    return entry.second.legacy_type if form == "second" and entry.second else entry.legacy_type


def _full_description(entry: Webhook[Any]) -> str:
    return "\n".join((entry.description, "", "Sent when:", *(f"- {action}" for action in entry.triggers)))


def markdown_page() -> str:
    """The documentation of all webhooks, in Markdown."""
    return "\n".join(
        ("# Webhooks", "", *(line for name in sorted(CATALOGUE) for line in _markdown_section(name)))
    )


def _markdown_section(name: str) -> Iterator[str]:
    entry = CATALOGUE[name]
    yield from (
        f"## {name}",
        "",
        entry.description,
        "",
        f"Other name, and legacy type: `{entry.legacy_type}`.",
        "",
    )
    yield from ("Sent when:", "", *(f"- {action}" for action in entry.triggers), "")
    for form in body_formats(entry):
        about = f", sent besides as `{entry.second.legacy_type}`" if form == "second" and entry.second else ""
        yield from (f"`data`, {form} format{about}:", "", "| field | type | meaning |", "|---|---|---|")
        for field in schema_fields(data_schema(entry, form)):
            yield f"| `{field.path}` | {field.type} | {field.meaning} |"
        yield ""


class SchemaField(NamedTuple):
    """A field of a body: `customer.email`, its type in words, and what it means; empty where nobody says."""

    path: str
    type: str
    meaning: str


def schema_fields(schema: Schema) -> list[SchemaField]:
    """All fields below the value under `data`, parents first; `items[].sku.code`. A path is there once."""
    found: dict[str, SchemaField] = {}
    for field in _walk_fields(schema, "", ""):
        known = found.get(field.path)
        if known is None:
            found[field.path] = field
        elif field.type not in known.type:
            found[field.path] = known._replace(type=f"{known.type} or {field.type}")
    return list(found.values())


def _walk_fields(schema: Schema, path: str, meaning: str) -> Iterator[SchemaField]:
    parts = [part for part in schema.get("anyOf", [schema]) if part != {"type": "null"}]
    nullable = " or null" if len(parts) < len(schema.get("anyOf", [])) else ""
    for part in parts:
        told = schema.get("description") or part.get("description") or meaning
        if "items" in part:
            yield from _walk_fields(part["items"], f"{path}[]", told)
        elif part.get("type") == "object" or "properties" in part:
            if path:
                yield SchemaField(path, f"object{nullable}", told)
            for name, inner in part.get("properties", {}).items():
                yield from _walk_fields(inner, f"{path}.{name}" if path else name, "")
        else:
            yield SchemaField(path, f"{_field_type(part)}{nullable}", told)


def _field_type(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(schema["enum"])
    kind = schema["type"]
    name = " or ".join(kind) if isinstance(kind, list) else kind
    return f"{name} ({schema['format']})" if "format" in schema else name
