"""What receivers build against says what they get: every golden body fits its schema and no other."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from streams.webhooks import CATALOGUE
from streams.webhooks.contract import asyncapi, json_schema, markdown_page, schema_fields
from streams.webhooks.schema import BodyFormat, body_formats, data_schema
from tests.webhooks.test_catalogue import GOLDEN

FORMATS = FormatChecker(("uuid",))
EACH = [(name, form) for name in sorted(CATALOGUE) for form in body_formats(CATALOGUE[name])]


def is_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


FORMATS.checks("date-time", ValueError)(is_moment)


def closed(schema: Any) -> Any:
    """The same schema, but nothing may be there that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in schema else inner


def golden(name: str, form: BodyFormat) -> Any:
    return json.loads((GOLDEN / f"{name}.{form}.json").read_text())


def complaints(schema: Any, body: Any) -> list[str]:
    return [error.message for error in Draft7Validator(schema, format_checker=FORMATS).iter_errors(body)]


@pytest.mark.parametrize(("name", "form"), EACH)
def test_every_golden_body_is_what_its_schema_says_and_nothing_besides(name: str, form: BodyFormat) -> None:
    schema = json_schema(CATALOGUE[name], form)

    Draft7Validator.check_schema(schema)
    assert complaints(closed(schema), golden(name, form)) == []


def removals(tree: Any) -> Iterator[Any]:
    """The tree without one of its keys, for each key at any depth."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield {k: v for k, v in tree.items() if k != key}
            yield from ({**tree, key: changed} for changed in removals(value))
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from ([*tree[:place], changed, *tree[place + 1 :]] for changed in removals(value))


@pytest.mark.parametrize(("name", "form"), EACH)
def test_a_body_that_lacks_any_field_does_not_fit(name: str, form: BodyFormat) -> None:
    schema = json_schema(CATALOGUE[name], form)

    fitting = [body for body in removals(golden(name, form)) if not complaints(schema, body)]

    assert fitting == []


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_new_body_fits_under_both_names_and_under_no_other(name: str) -> None:
    body, schema = golden(name, "new"), json_schema(CATALOGUE[name], "new")

    assert complaints(schema, {**body, "eventName": CATALOGUE[name].legacy_type}) == []
    assert complaints(schema, {**body, "eventName": "SomethingElse"}) != []


def test_a_value_of_the_wrong_kind_does_not_fit() -> None:
    body, schema = golden("CustomerUpdated", "new"), json_schema(CATALOGUE["CustomerUpdated"], "new")

    for field, wrong in (("messageId", "7"), ("createdAt", "yesterday"), ("storeCode", None), ("data", [])):
        assert len(complaints(schema, {**body, field: wrong})) >= 1, field


def test_a_type_of_change_that_the_old_edition_did_not_know_fits_the_new_body_alone() -> None:
    entry = CATALOGUE["AvailablePointsAmountChanged"]
    new, old = golden(entry.name, "new"), golden(entry.name, "legacy")

    new["data"]["amountChangeType"] = old["data"]["amount_change_type"] = "block"

    assert complaints(json_schema(entry, "new"), new) == []
    assert len(complaints(json_schema(entry, "legacy"), old)) == 1


DOCUMENT = asyncapi("1.2.3")
ROOT = {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}
CHANNEL = {"address", "messages", "title", "summary", "description", "servers", "parameters", "bindings"}
OPERATION = {"action", "channel", "title", "summary", "description", "bindings", "messages", "reply"}
MESSAGE = {"headers", "payload", "contentType", "name", "title", "summary", "description", "examples"}


def followed(reference: dict[str, str]) -> Any:
    assert set(reference) == {"$ref"}
    here: Any = DOCUMENT
    for step in reference["$ref"].removeprefix("#/").split("/"):
        here = here[step]
    return followed(here) if set(here) == {"$ref"} else here


def test_the_asyncapi_document_has_the_parts_that_the_specification_names_and_no_others() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert set(DOCUMENT) <= ROOT
    for channel in DOCUMENT["channels"].values():
        assert set(channel) <= CHANNEL
    for operation in DOCUMENT["operations"].values():
        assert set(operation) <= OPERATION
        assert operation["action"] == "send"
    for message in DOCUMENT["components"]["messages"].values():
        assert set(message) <= MESSAGE
        Draft7Validator.check_schema(message["payload"])


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_webhook_has_a_channel_and_an_operation_whose_messages_are_its_bodies(name: str) -> None:
    channel, operation = DOCUMENT["channels"][name], DOCUMENT["operations"][f"send{name}"]

    assert followed(operation["channel"]) is channel
    assert list(channel["messages"]) == list(body_formats(CATALOGUE[name]))
    # The specification: an operation's messages are references into its channel, not past it.
    assert [m["$ref"] for m in operation["messages"]] == [
        f"#/channels/{name}/messages/{form}" for form in channel["messages"]
    ]
    for form, reference in zip(channel["messages"], operation["messages"], strict=True):
        assert complaints(followed(reference)["payload"], golden(name, form)) == []


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_page_tells_of_each_webhook_its_triggers_and_its_fields(name: str) -> None:
    entry = CATALOGUE[name]
    _, _, section = markdown_page().partition(f"\n## {name}\n")
    section = section.partition("\n## ")[0]

    assert [said for said in (entry.description, *entry.triggers) if said not in section] == []
    for form in body_formats(entry):
        assert [f for f in schema_fields(data_schema(entry, form)) if f"| `{f.path}` |" not in section] == []


def test_a_field_is_named_by_its_path_from_the_data_down() -> None:
    entry = CATALOGUE["TransactionRegistered"]

    found = {field.path: field.type for field in schema_fields(data_schema(entry, "new"))}

    assert found["items[].sku.code"] == "string"
    assert found["customerData.address.city"] == "string or null"
    assert found["documentType"] == "sell, return"
