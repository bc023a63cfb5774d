"""The log of deliveries over HTTP: what became of each webhook, attempt by attempt."""

from typing import Any

import msgspec
from msgspec.structs import replace

from streams.delivery.records import Delivery, Header
from tests.api.conftest import Door, complaints
from tests.delivery.journal_records import SECOND, attempt, dated, letter
from tests.delivery.journal_records import delivery as made
from tests.samples import ANNA, BORIS, NOON, subscription, uid

PATH = "/api/DEFAULT/webhook/delivery"
SHOP = replace(
    subscription("CustomerRegistered"),
    url="https://shop.example/hook",
    headers=(Header(name="X-Shop", value="blue"), Header(name="X-Api-Key", value="hush")),
    signing="standard",
)


def delivered(door: Door, one: Delivery) -> None:
    door.deliveries.hear(one, attempt(one), at=NOON)


def listed(door: Door, **query: str) -> list[str]:
    return [item["messageId"] for item in door.get(PATH, **query)["items"]]


def test_a_delivery_is_listed_with_what_became_of_it(door: Door) -> None:
    one = made(1)
    door.deliveries.hear(one, attempt(one, "retry"), at=NOON)

    assert door.get(PATH) == {
        "items": [
            {
                "messageId": uid(1),
                "subscriptionId": uid(500),
                "webhookEventId": uid(900_001),
                "eventName": "CustomerRegistered",
                "customerId": ANNA,
                "createdAt": "2026-03-02T12:00:00+00:00",
                "madeAt": "2026-03-02T12:00:00+00:00",
                "legacy": False,
                "replay": None,
                "status": "retrying",
                "reason": None,
                "attempts": 1,
                "nextAttemptAt": "2026-03-02T12:00:05+00:00",
                "lastAttempt": {
                    "number": 1,
                    "startedAt": "2026-03-02T12:00:00+00:00",
                    "durationMs": 12,
                    "outcome": "retry",
                    "status": 503,
                    "error": None,
                    "errorClass": "their answer",
                },
            }
        ],
        "scroll": {},
    }


def test_deliveries_are_found_by_subscription_status_event_member_id_and_time(door: Door) -> None:
    first = made(1)
    second = replace(made(2, BORIS, uid(501)), event_name="CustomerUpdated", created_at=NOON + SECOND)
    third = dated(made(3), NOON + 2 * SECOND)
    delivered(door, first)
    door.deliveries.hear(second, third, attempt(third, "dead"), letter(third), at=NOON)

    assert listed(door) == [uid(3), uid(2), uid(1)]
    assert listed(door, subscriptionId=uid(500)) == [uid(3), uid(1)]
    assert listed(door, status="delivered") == [uid(1)]
    assert listed(door, status="dead") == [uid(3)]
    assert listed(door, eventName="customer.updated") == [uid(2)]
    assert listed(door, customerId=ANNA, status="dead") == [uid(3)]
    assert listed(door, webhookEventId=uid(900_002)) == [uid(2)]
    between = {"createdAt[gte]": "2026-03-02T12:00:01Z", "createdAt[lt]": "2026-03-02T12:00:02Z"}
    assert listed(door, **between) == [uid(2)]
    assert listed(door, **{"createdAt[lt]": "1900-01-01T00:00:00Z"}) == []


def test_pages_go_on_behind_each_other_while_more_comes(door: Door) -> None:
    for n in range(1, 6):
        delivered(door, dated(made(n), NOON + n * SECOND))

    first = door.get(PATH, _itemsOnPage="3", _scroll="")
    delivered(door, dated(made(9), NOON + 9 * SECOND))
    rest = door.get(PATH, _itemsOnPage="3", _scroll=first["scroll"]["next"])

    assert [item["messageId"] for item in first["items"]] == [uid(5), uid(4), uid(3)]
    assert [item["messageId"] for item in rest["items"]] == [uid(2), uid(1)]
    assert rest["scroll"] == {}


def test_each_bad_parameter_is_named(door: Door) -> None:
    bad = {"status": "lost", "customerId": "anna", "createdAt[lt]": "then", "_scroll": "x", "colour": "red"}

    told = complaints(door.call("GET", PATH, params=bad))

    assert set(told) == set(bad)
    assert told["status"] == '"lost" must be one of pending, retrying, delivered, dead'


def test_one_delivery_is_shown_with_its_request_and_all_attempts(door: Door) -> None:
    door.index.put(SHOP)
    one = replace(made(1), data='{"points":1}', meta={"Meta-Sequence": "3"})
    door.deliveries.hear(one, attempt(one, "retry"), attempt(one, "delivered", 2, NOON + 6 * SECOND), at=NOON)

    found = door.get(f"{PATH}/{uid(1)}")

    assert [(a["number"], a["outcome"], a["response"]) for a in found["attempts"]] == [
        (1, "retry", "busy"),
        (2, "delivered", "OK"),
    ]
    request = found["request"]
    assert (request["method"], request["url"]) == ("POST", "https://shop.example/hook")
    assert msgspec.json.decode(request["body"]) == {
        "messageId": uid(1),
        "requestId": uid(700_002),
        "eventName": "CustomerRegistered",
        "storeCode": "DEFAULT",
        "createdAt": "2026-03-02T12:00:00+00:00",
        "data": {"points": 1},
    }
    headers = shown(request)
    assert (headers["X-Shop"], headers["Meta-Sequence"]) == ("blue", "3")
    assert headers["X-Api-Key"] is headers["webhook-signature"] is None
    assert "hush" not in str(found)


def shown(request: Any) -> dict[str, Any]:
    return {header["headerName"]: header["headerValue"] for header in request["headers"]}


def test_a_body_that_is_kept_no_more_is_no_request(door: Door) -> None:
    delivered(door, made(1))
    door.deliveries.forget_bodies()

    assert door.get(f"{PATH}/{uid(1)}")["request"] is None


def test_a_subscription_that_was_removed_has_no_address(door: Door) -> None:
    delivered(door, made(1))

    assert door.get(f"{PATH}/{uid(1)}")["request"]["url"] is None


def test_a_store_sees_its_own_deliveries_alone(door: Door) -> None:
    delivered(door, made(1))

    assert door.get("/api/OTHER/webhook/delivery")["items"] == []
    assert door.call("GET", f"/api/OTHER/webhook/delivery/{uid(1)}").status_code == 404
    assert door.call("GET", f"{PATH}/{uid(2)}").status_code == 404


def test_while_the_journal_is_not_there_it_is_said(door: Door) -> None:
    door.deliveries.away = True

    assert door.call("GET", PATH).status_code == 503
    assert door.call("GET", f"{PATH}/{uid(1)}").status_code == 503
