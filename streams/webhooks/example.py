"""Example bodies of the catalogue's webhooks, made from their schemas: every field has a value."""

from typing import Any

from streams.webhooks.catalogue import Webhook
from streams.webhooks.schema import BodyFormat, Schema, data_schema

_BY_NAME: dict[str, object] = {
    "email": "anna@example.com",
    "customerEmail": "anna@example.com",
    "phone": "+48600100200",
    "customerPhone": "+48600100200",
    "loyaltyCardNumber": "2600000000017",
    "firstName": "Anna",
    "lastName": "Nowak",
    "amount": 125,
    "amountChange": 25,
    "amountChangeType": "add",
    "country": "PL",
}
_BY_FORMAT = {
    "uuid": "8f7c0b6e-6c53-4d46-9d0d-0f5b7b2f6a11",
    "date-time": "2025-10-20T13:18:38+00:00",
}
_BY_TYPE: dict[str, object] = {"string": "example", "integer": 1, "number": 1, "boolean": True, "null": None}


def make_example(entry: Webhook[Any], form: BodyFormat) -> object:
    """An example value under `data`."""
    return _make_value(data_schema(entry, form), "")


def _make_value(schema: Schema, name: str) -> object:
    if "anyOf" in schema:
        return _make_value(schema["anyOf"][0], name)
    if "enum" in schema or "const" in schema:
        return schema["enum"][0] if "enum" in schema else schema["const"]
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if kind == "object":
        return {each: _make_value(inner, each) for each, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [_make_value(schema["items"], name)]
    if "format" in schema:
        return _BY_FORMAT[schema["format"]]
    found = _BY_NAME.get(name)
    return found if found is not None and _is_fitting(found, kind) else _BY_TYPE[kind]


def _is_fitting(value: object, kind: str) -> bool:
    return isinstance(value, str) if kind == "string" else isinstance(value, int) and kind != "boolean"
