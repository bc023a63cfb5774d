"""The webhooks as documents for receivers, all made from the catalogue: JSON Schemas, AsyncAPI, a page."""

from collections.abc import Iterator
from typing import Any

from streams.webhooks.catalogue import CATALOGUE, Webhook
from streams.webhooks.schema import DRAFT, BodyFormat, Schema, body_formats, data_schema, envelope_schema

_TITLES: dict[BodyFormat, str] = {"new": "", "legacy": ", legacy format", "second": ", second legacy webhook"}
_HTTP = {"http": {"method": "POST", "bindingVersion": "0.3.0"}}


def document_title(entry: Webhook[Any], form: BodyFormat) -> str:
    return f"{entry.name}{_TITLES[form]}"


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
        "channels": {entry.name: _channel(entry) for entry in entries},
        "operations": {f"send{entry.name}": _operation(entry) for entry in entries},
        "components": {"messages": {k: v for entry in entries for k, v in _messages(entry)}},
    }


def _channel(entry: Webhook[Any]) -> dict[str, Any]:
    return {
        # Not known here: each subscription has its own.
        "address": None,
        "title": entry.name,
        "description": _told(entry),
        "messages": {
            form: {"$ref": f"#/components/messages/{entry.name}.{form}"} for form in body_formats(entry)
        },
    }


def _operation(entry: Webhook[Any]) -> dict[str, Any]:
    channel = f"#/channels/{entry.name}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "summary": entry.description,
        "messages": [{"$ref": f"{channel}/messages/{form}"} for form in body_formats(entry)],
        "bindings": _HTTP,
    }


def _messages(entry: Webhook[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for form in body_formats(entry):
        yield (
            f"{entry.name}.{form}",
            {
                "name": entry.name if form == "new" else _type(entry, form),
                "title": document_title(entry, form),
                "summary": entry.description,
                "contentType": "application/json",
                "payload": envelope_schema(entry, form),
            },
        )


def _type(entry: Webhook[Any], form: BodyFormat) -> str:
    return entry.second.legacy_type if form == "second" and entry.second else entry.legacy_type


def _told(entry: Webhook[Any]) -> str:
    return "\n".join((entry.description, "", "Sent when:", *(f"- {action}" for action in entry.triggers)))


def markdown_page() -> str:
    """The documentation of all webhooks, in Markdown."""
    return "\n".join(("# Webhooks", "", *(line for name in sorted(CATALOGUE) for line in _section(name))))


def _section(name: str) -> Iterator[str]:
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
        yield from (f"`data`, {form} format{about}:", "", "| field | type |", "|---|---|")
        yield from (f"| `{path}` | {kind} |" for path, kind in schema_fields(data_schema(entry, form)))
        yield ""


def schema_fields(schema: Schema, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and type of every leaf: `customer.email`, `items[].sku.code`."""
    if "anyOf" in schema:
        for part in schema["anyOf"]:
            if part != {"type": "null"}:
                yield from schema_fields(part, path)
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from schema_fields(inner, f"{path}.{name}" if path else name)
    elif "items" in schema:
        yield from schema_fields(schema["items"], f"{path}[]")
    else:
        yield path, _said(schema)


def _said(schema: Schema) -> str:
    kind = schema["type"]
    if "enum" in schema:
        return ", ".join(schema["enum"])
    name = " or ".join(kind) if isinstance(kind, list) else kind
    about = [schema[key] for key in ("format", "description") if key in schema]
    return f"{name} ({'; '.join(about)})" if about else name
