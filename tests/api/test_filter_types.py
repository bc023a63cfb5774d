"""A filter compares texts with texts and numbers with numbers: the body says which of them it has."""

from typing import Any

import pytest

from tests.api.conftest import Door
from tests.api.test_domain import post

URL = "https://shop.example/a"


def made(door: Door, path: str, operator: str, value: object, **fields: Any) -> Any:
    part = {"path": path, "operator": operator, "value": value}
    body = {"eventName": "TransactionRegistered", "url": URL, "filter": [part], **fields}
    return post(door, "webhook/subscription", {"webhookSubscription": body})


@pytest.mark.parametrize(
    ("path", "operator", "value", "reason"),
    [
        ("items.0.sku.code", "eq", 1234, "value is a number, and items.0.sku.code is a text"),
        ("items.0.sku.code", "in", [1234, 5], "value is a number, and items.0.sku.code is a text"),
        ("documentNumber", "gt", 7, "value is a number, and documentNumber is a text"),
        ("customerData.phone", "ne", 48600100200, "value is a number, and customerData.phone is a text"),
        ("items.0.quantity", "eq", "2", "value is a text, and items.0.quantity is a number"),
        ("items.0.grossValue", "gte", "29.33", "value is a text, and items.0.grossValue is a number"),
        ("documentType", "eq", True, "value is true or false, and documentType is a text"),
    ],
)
def test_a_filter_that_could_never_hold_is_not_stored(
    door: Door, path: str, operator: str, value: object, reason: str
) -> None:
    answer = made(door, path, operator, value)

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["path"], error["message"]) == ("webhookSubscription.filter.0", f"The condition's {reason}.")


@pytest.mark.parametrize(
    ("path", "operator", "value"),
    [
        ("items.0.sku.code", "eq", "01234"),
        ("items.0.sku.code", "in", ["01234", 1234]),
        ("items.0.grossValue", "gte", 29.33),
        ("items.0.quantity", "eq", 2),
        ("customerData.email", "eq", None),
        ("customerData.email", "exists", True),
        ("items.0.category", "in", ["jazz", None]),
        ("ourOwn.field", "eq", 1),
    ],
)
def test_a_filter_that_may_hold_is_stored(door: Door, path: str, operator: str, value: object) -> None:
    assert made(door, path, operator, value).status_code == 200


def test_of_several_events_one_whose_body_fits_is_enough(door: Door) -> None:
    # Points are a number in the one; the old format has no such path at all.
    events = {"eventName": "PointsWillExpire", "furtherEvents": ["TransactionRegistered"]}

    assert made(door, "points", "gt", 5, **events).status_code == 200
    assert made(door, "points", "gt", "5", **events).status_code == 400
    assert made(door, "amount", "gt", "5", eventName="*").status_code == 400
    assert made(door, "amount", "gt", 5, eventName="*", legacy=True).status_code == 200
