"""Examples: one event for all formats, plausible, and each field of a body has a meaning."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator

from api.rest.asyncapi import asyncapi_document
from api.services.webhook_examples import EXAMPLE_SECRET, ExampleRequest, example_requests
from connectors.http.signing_keys import read_key
from streams.webhooks import CATALOGUE
from streams.webhooks.contract import json_schema, schema_fields
from streams.webhooks.example import example_event, make_example
from streams.webhooks.meanings import FIELD_MEANINGS
from streams.webhooks.schema import body_formats, data_schema
from tests.further import NAME, entered
from tests.webhooks.test_contract import closed, complaints

AT = datetime(2027, 2, 28, 9, 30, tzinfo=UTC)
NAMES = sorted(CATALOGUE)
EACH = [(name, form) for name in NAMES for form in body_formats(CATALOGUE[name])]


def requests(name: str) -> dict[str, ExampleRequest]:
    return {each.form: each for each in example_requests(CATALOGUE[name], AT)}


def data(name: str, form: Any) -> Any:
    return msgspec.to_builtins(make_example(CATALOGUE[name], form, AT))


@pytest.mark.parametrize(("name", "form"), EACH)
def test_an_example_is_what_its_schema_says_and_nothing_besides(name: str, form: Any) -> None:
    schema = json_schema(CATALOGUE[name], form)

    Draft7Validator.check_schema(schema)
    assert complaints(closed(schema), json.loads(requests(name)[form].body)) == []


@pytest.mark.parametrize(("name", "form"), EACH)
def test_every_field_has_a_meaning(name: str, form: Any) -> None:
    fields = schema_fields(data_schema(CATALOGUE[name], form))

    assert [field.path for field in fields if not field.meaning.endswith(".")] == []
    assert len({field.path for field in fields}) == len(fields)


def test_every_meaning_is_of_a_field() -> None:
    described = {
        meaning
        for name, form in EACH
        for field in schema_fields(data_schema(CATALOGUE[name], form))
        for meaning in FIELD_MEANINGS.values()
        if meaning in field.meaning
    }

    assert set(FIELD_MEANINGS.values()) - described == set()


def test_an_example_says_the_same_in_each_format() -> None:
    (old,) = data("PointsWillExpire", "legacy")
    new = data("PointsWillExpire", "new")

    assert (old["points"], old["pointsWillExpire"]) == (new["remainingUnits"], new["pointsWillExpire"])
    changed, was = data("AvailablePointsAmountChanged", "new"), data("AvailablePointsAmountChanged", "legacy")
    assert (changed["amount"], changed["amountChange"]) == (was["amount"], was["amount_change"])


def test_an_end_that_is_announced_lies_ahead_by_the_lead_time() -> None:
    ends = {
        datetime.fromisoformat(data("PointsWillExpire", "new")["pointsWillExpire"]),
        datetime.fromisoformat(data("CouponWillExpire", "new")["issuedCoupon"]["activeTo"]),
        datetime.fromtimestamp(data("CouponWillExpire", "legacy")[0]["couponExpiresAt"], UTC),
    }

    assert {(end - AT).days for end in ends} == {10}


def test_the_values_of_a_caller_stand_wherever_the_field_is() -> None:
    values = {
        "customer_id": "6e9be75c-5b55-4c64-8e2c-1a5a3a9a9d10",
        "email": "ben@example.com",
        "phone": None,
    }

    event: Any = example_event(CATALOGUE["RewardRedemptionStatusChanged"], AT, values)

    assert (event.customer.email, event.profile.email, event.customer.phone) == (
        "ben@example.com",
        "ben@example.com",
        None,
    )
    assert event.customer.customer_id == values["customer_id"]


@pytest.mark.parametrize("name", NAMES)
def test_each_example_is_signed_over_its_own_body(name: str) -> None:
    for request in requests(name).values():
        sent = request.headers
        content = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + request.body
        assert sent["webhook-signature"] == read_key(EXAMPLE_SECRET).signature(content)
        assert abs(int(sent["webhook-timestamp"]) - AT.timestamp()) < timedelta(seconds=1).total_seconds()


def test_every_message_of_the_asyncapi_document_has_its_example() -> None:
    messages = asyncapi_document("1.2.3", AT)["components"]["messages"]

    for name, form in EACH:
        (example,) = messages[f"{name}.{form}"]["examples"]
        assert complaints(messages[f"{name}.{form}"]["payload"], example["payload"]) == []
        assert example["headers"]["Content-Type"] == "application/json"


def test_a_webhook_of_a_deployment_has_an_example_without_more() -> None:
    with entered():
        body = json.loads(requests(NAME)["new"].body)

        assert body["eventName"] == NAME
        assert body["data"] == {"points": 40, "left": 10}
        assert complaints(json_schema(CATALOGUE[NAME], "new"), body) == []
