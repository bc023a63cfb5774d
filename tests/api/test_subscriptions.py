"""Subscriptions through the REST door: made, read, replaced, ended, as the contract says."""

import logging
from uuid import uuid4

import pytest

from streams.webhooks.names import LEGACY_TYPES
from tests.api.conftest import PATH, Door, complaints

BLUE = {"headerName": "X-Shop", "headerValue": "blue"}


def test_a_subscription_is_read_as_it_was_made(door: Door) -> None:
    made = door.subscribed(headers=[BLUE, {"headerName": "Authorization", "headerValue": "Bearer s3cret"}])

    assert door.get(f"{PATH}/{made}") == {
        "webhookSubscriptionId": made,
        "eventName": "CustomerRegistered",
        "url": "https://shop.example/hook",
        "headerName": "X-Shop",
        "headerValue": "blue",
        "headers": [BLUE, {"headerName": "Authorization", "headerValue": "Bearer s3cret"}],
        "legacy": False,
        "createdAt": "2025-10-20T13:18:39+00:00",
        "destinationType": "rest",
        "furtherEvents": [],
        "description": "",
        "activeFrom": None,
        "filter": [],
        "cloudEvents": None,
        "unordered": False,
        "concurrency": None,
        "requestsPerSecond": None,
        "retryWaits": [],
        "state": "active",
        "auth": {"kind": "none"},
        "signing": "none",
        "revision": 1,
    }


def test_an_event_may_be_named_either_way_and_is_stored_one_way(door: Door) -> None:
    made = door.subscribed(eventName="account.available_points_amount_changed")

    assert door.get(f"{PATH}/{made}")["eventName"] == "AvailablePointsAmountChanged"


def test_an_unknown_event_is_refused_with_the_list_of_what_is_valid(door: Door) -> None:
    message = complaints(door.post(eventName="CustomerRegistred"))["webhookSubscription.eventName"]

    assert message.startswith('There is no event "CustomerRegistred"; valid: ')
    assert all(name in message for name in LEGACY_TYPES)


def test_an_event_may_have_several_subscriptions(door: Door) -> None:
    first, second = door.subscribed(), door.subscribed()

    assert first != second
    assert len(door.index.matching("DEFAULT", "CustomerRegistered")) == 2


def test_the_deprecated_pair_is_one_header_more(door: Door) -> None:
    other = {"headerName": "X-Other", "headerValue": "1"}
    made = door.subscribed(headers=[other], **BLUE)

    assert door.get(f"{PATH}/{made}")["headers"] == [other, BLUE]


def test_what_was_read_can_be_written_back(door: Door) -> None:
    made = door.subscribed(headers=[BLUE], legacy=True)
    before = door.get(f"{PATH}/{made}")
    readable = {k: v for k, v in before.items() if k not in {"webhookSubscriptionId", "createdAt"}}

    assert door.put(made, **readable).status_code == 204
    assert door.get(f"{PATH}/{made}") == before


def test_replacing_keeps_event_and_age_and_drops_headers_not_given_again(door: Door) -> None:
    made = door.subscribed(headers=[BLUE], legacy=True)

    answer = door.put(made, url="https://new.example/")

    assert (answer.status_code, answer.content) == (204, b"")
    after = door.get(f"{PATH}/{made}")
    assert (after["url"], after["headers"], after["legacy"]) == ("https://new.example/", [], True)
    assert (after["eventName"], after["createdAt"]) == ("CustomerRegistered", "2025-10-20T13:18:39+00:00")
    assert door.put(made, url="https://new.example/", legacy=False).status_code == 204
    assert door.get(f"{PATH}/{made}")["legacy"] is False


def test_the_event_of_a_subscription_cannot_be_changed(door: Door) -> None:
    made = door.subscribed()

    answer = door.put(made, url="https://new.example/", eventName="CustomerUpdated")

    assert complaints(answer) == {
        "webhookSubscription.eventName": "The event cannot be changed: it stays CustomerRegistered."
    }
    assert door.get(f"{PATH}/{made}")["url"] == "https://shop.example/hook"


def test_a_deleted_subscription_is_gone(door: Door) -> None:
    made = door.subscribed()

    assert door.call("DELETE", f"{PATH}/{made}").status_code == 204

    assert door.call("GET", f"{PATH}/{made}").status_code == 404
    assert door.call("DELETE", f"{PATH}/{made}").status_code == 404
    assert door.get()["total"] == {"all": 0, "filtered": 0, "estimated": False}


def test_a_store_sees_nothing_of_another_one(door: Door) -> None:
    made = door.subscribed()
    other = "/api/OTHER/webhook/subscription"

    assert door.get(other)["items"] == []
    body = {"webhookSubscription": {"url": "https://x.example"}}
    for method, options in (("GET", {}), ("DELETE", {}), ("PUT", {"json": body})):
        assert door.call(method, f"{other}/{made}", **options).status_code == 404
    assert door.get(f"{PATH}/{made}")["url"] == "https://shop.example/hook"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"headers": [{"headerName": "Bad Name", "headerValue": "x"}]}, "headers.0.headerName"),
        ({"headers": [{"headerName": "X-A\r\nX-B", "headerValue": "x"}]}, "headers.0.headerName"),
        ({"headers": [{"headerName": "X-A", "headerValue": "s3cret\r\nX-B: 1"}]}, "headers.0.headerValue"),
        ({"headers": [{"headerName": "X-A", "headerValue": "s3crét"}]}, "headers.0.headerValue"),
        ({"headers": [{"headerName": "X-A", "headerValue": "s" * 4097}]}, "headers.0.headerValue"),
        ({"headers": [{"headerName": "Host", "headerValue": "x"}]}, "headers.0.headerName"),
        ({"headers": [{"headerName": "user-agent", "headerValue": "x"}]}, "headers.0.headerName"),
        ({"headers": [{"headerName": "Content-Type", "headerValue": "x"}]}, "headers.0.headerName"),
        ({"headers": [{"headerName": "TE", "headerValue": "x"}]}, "headers.0.headerName"),
        ({"headers": [BLUE, {"headerName": "x-shop", "headerValue": "red"}]}, "headers.1.headerName"),
        ({"headers": [{"headerName": f"X-{i}", "headerValue": "x"} for i in range(21)]}, "headers"),
        ({"headers": [{"headerName": "X-A"}]}, "headers.0.headerValue"),
        ({"headers": [{"headerName": "X-A", "headerValue": ["s3cret"]}]}, "headers.0.headerValue"),
        ({"headerName": "Host", "headerValue": "s3cret"}, "headerName"),
        ({"headerName": "X-A"}, ""),
        ({"destinationType": "queue"}, "destinationType"),
        ({"legacy": "yes"}, "legacy"),
        ({"url": 7}, "url"),
        ({"eventName": None}, "eventName"),
        ({"hmacEnabled": True}, "signing"),
    ],
)
def test_a_bad_field_is_named_and_a_secret_never_shown(
    door: Door, fields: dict[str, object], path: str
) -> None:
    answer = door.post(**fields)

    assert list(complaints(answer)) == [f"webhookSubscription.{path}".removesuffix(".")]
    assert "s3cr" not in answer.text
    assert door.get()["items"] == []


def test_a_missing_field_is_named(door: Door) -> None:
    answer = door.call("POST", PATH, json={"webhookSubscription": {}})

    assert set(complaints(answer)) == {"webhookSubscription.url", "webhookSubscription.eventName"}
    assert set(complaints(door.call("POST", PATH, json={}))) == {"webhookSubscription"}


def test_a_change_that_kafka_does_not_confirm_is_to_be_repeated(door: Door) -> None:
    door.log.away = True

    answer = door.post()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert (answer.json()[0]["status"], answer.json()[0]["retryAfter"]) == ("Problem", 2)


def test_changes_are_logged_by_id_and_caller_without_what_may_be_secret(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = door.subscribed(headers=[{"headerName": "Authorization", "headerValue": "Bearer s3cret"}])

    assert f"subscription {made} created by key " in caplog.text
    assert "s3cret" not in caplog.text
    assert "a-key-for-tests" not in caplog.text


def test_the_events_are_the_18_of_the_catalogue(door: Door) -> None:
    found = door.get("/api/DEFAULT/webhook/event")

    assert len(found["items"]) == 18
    assert set(found["items"]) == set(LEGACY_TYPES)


def test_what_is_no_store_code_or_id_is_not_found(door: Door) -> None:
    for path in (
        f"{PATH}/7",
        f"{PATH}/{str(uuid4()).upper()}",
        "/api/a%20b/webhook/event",
        f"{PATH}/{uuid4()}",
    ):
        answer = door.call("GET", path)

        assert (answer.status_code, answer.json()) == (404, {"code": 404, "message": "Not Found"})


def test_a_store_that_there_is_not_gets_no_subscription(door: Door) -> None:
    body = {"webhookSubscription": {"eventName": "CustomerUpdated", "url": "https://shop.example/"}}

    answer = door.call("POST", "/api/DEFUALT/webhook/subscription", json=body)

    message = "There is no store 'DEFUALT': did you mean 'DEFAULT'?"
    assert (answer.status_code, answer.json()) == (404, {"code": 404, "message": message})
    assert door.index.of_store("DEFUALT") == ()


def test_a_campaigns_misspelled_field_is_refused_as_the_client_spells_it(door: Door) -> None:
    effect = {"type": "give_point", "points": 5}
    body = {"campaign": {"name": "A", "activFrom": "2026-01-01T00:00:00Z", "effects": [effect]}}

    answer = door.call("POST", "/api/DEFAULT/campaign", json=body)

    assert answer.status_code == 400
    assert [(each["path"], each["message"]) for each in answer.json()["errors"]] == [
        ("campaign.activFrom", "activFrom is no field: did you mean 'activeFrom'?"),
        (
            "campaign.effects[0].type",
            "effects[0].type 'give_point' is not valid: did you mean 'give_points'?",
        ),
    ]
