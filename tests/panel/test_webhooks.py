"""Webhooks in the panel: found in the list, added, changed, tested, paused and deleted."""

import re

import pytest
from msgspec.structs import replace

from api.services.signing_keys import SealedKeys
from streams.delivery.records import EndpointStatus
from tests.api.conftest import SAFE, START, Door
from tests.connectors.fakes import always, answered
from tests.delivery.journal_records import attempt, delivery
from tests.panel.conftest import Page, Visitor, employ
from tests.samples import uid
from tests.scenarios.store import SETTINGS

LIST = "/panel/DEFAULT/webhooks"
NEW = f"{LIST}/new"
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"


TYPED = ("url", "description", "header_name", "header_value", "eventName", "concurrency", "activeFrom")


def added(visitor: Visitor, **fields: str | list[str]) -> Page:
    said = {"eventName": "CustomerRegistered", "url": "https://shop.example/hook", "save": "1"}
    return visitor.post(NEW, **{**said, **fields})


def test_the_list_tells_name_start_legacy_url_and_status(visitor: Visitor, door: Door) -> None:
    door.subscribed(eventName="CustomerUpdated", url="https://crm.example/a", legacy=True)
    failing = door.subscribed(eventName="*", url="https://crm.example/b")
    door.conditions[failing] = EndpointStatus(
        subscription_id=failing,
        store="DEFAULT",
        state="failing",
        since=START,
        failures=7,
        reason="503",
        told_at=START,
    )

    page = visitor.get(LIST)

    assert page.rows() == [
        "All events 2025-10-20 13:18:40 No https://crm.example/b failing",
        "CustomerUpdated 2025-10-20 13:18:39 Yes https://crm.example/a active",
    ]
    assert 'title="7 failures, one after the other: 503."' in page.html


@pytest.mark.parametrize(
    ("query", "urls"),
    [
        ({}, ["a", "c", "b"]),
        ({"sort": "url", "order": "desc"}, ["c", "b", "a"]),
        ({"sort": "active_from"}, ["a", "b", "c"]),
        ({"sort": "legacy", "order": "desc"}, ["b", "a", "c"]),
        ({"event": "CustomerUpdated"}, ["b"]),
        ({"legacy": "yes"}, ["b"]),
        ({"url": "EXAMPLE/C"}, ["c"]),
        ({"status": "paused"}, ["c"]),
        ({"q": "customer.updated shop"}, ["b"]),
        ({"q": "till"}, ["a"]),
        ({"q": "nothing of that"}, []),
    ],
)
def test_the_list_is_sorted_filtered_and_searched_by_its_address(
    visitor: Visitor, door: Door, query: dict[str, str], urls: list[str]
) -> None:
    door.subscribed(url="https://shop.example/a", description="the till")
    door.subscribed(eventName="CustomerUpdated", url="https://shop.example/b", legacy=True)
    paused = door.subscribed(url="https://shop.example/c")
    door.call("POST", f"/api/DEFAULT/webhook/subscription/{paused}/pause")

    page = visitor.get(LIST, **query)

    assert re.findall(r"https://shop\.example/(\w)</td>", page.html) == urls


def test_long_lists_come_in_pages_that_keep_what_was_asked(visitor: Visitor, door: Door) -> None:
    for n in range(30):
        door.subscribed(url=f"https://shop.example/{n:02}")
    door.subscribed(eventName="CustomerUpdated", url="https://shop.example/other")

    first = visitor.get(LIST, sort="url", event="CustomerRegistered")
    second = visitor.get(first.links["Next ›"].replace("&amp;", "&"))

    assert "30 of 31 webhooks" in first.text
    assert [row.split()[4][-2:] for row in second.rows()] == ["25", "26", "27", "28", "29"]


def test_the_list_draws_what_was_delivered_and_what_failed_in_a_day(visitor: Visitor, door: Door) -> None:
    subscription_id = door.subscribed()
    sent = delivery(1, to=subscription_id)
    tries = attempt(sent, "retry", at=START), attempt(sent, number=2, at=START)
    door.deliveries.hear(sent, *tries, at=START)

    page = visitor.get(LIST)

    assert 'aria-label="1 delivered, 1 attempts failed in the last 24 hours"' in page.html


def test_an_empty_list_says_what_to_do(visitor: Visitor) -> None:
    assert visitor.get(LIST).links["add it"] == NEW


def test_a_webhook_is_added_with_headers_legacy_mode_and_a_filter(visitor: Visitor, door: Door) -> None:
    page = added(
        visitor,
        header_name=["X-Shop", "X-Till", ""],
        header_value=["blue", "7", ""],
        legacy="1",
        description="for the till",
        activeFrom="2026-03-01T10:30",
        filter_path=["customer.email", ""],
        filter_operator=["exists", "eq"],
        filter_value=["true", ""],
        concurrency="3",
        retryWaits="5, 60",
    )

    subscription_id = page.location.removeprefix(f"{LIST}/").removesuffix("?done=added")
    made = door.get(f"/api/DEFAULT/webhook/subscription/{subscription_id}")
    assert page.status == 303
    assert made["headers"] == [
        {"headerName": "X-Shop", "headerValue": "blue"},
        {"headerName": "X-Till", "headerValue": "7"},
    ]
    assert (made["legacy"], made["description"], made["concurrency"]) == (True, "for the till", 3)
    assert (made["activeFrom"], made["retryWaits"]) == ("2026-03-01T10:30:00+00:00", [5, 60])
    assert made["filter"] == [{"path": "customer.email", "operator": "exists", "value": True}]
    assert "Added." in visitor.get(page.location).text
    assert [(c.who, c.action) for c in door.audit.changes] == [("anna", "created")]


@pytest.mark.parametrize(
    ("fields", "place", "sentence"),
    [
        ({"url": "ftp://shop.example/"}, "url", "The URL must begin with http:// or https://."),
        ({"url": "http://127.0.0.1/"}, "url", "may not be a target"),
        ({"eventName": "Nothing"}, "eventName", "There is no event &#34;Nothing&#34;; valid: "),
        ({"eventName": ""}, "eventName", "There is no event"),
        ({"header_name": "Host", "header_value": "x"}, "headers.0.headerName", "is set by the sender"),
        ({"header_name": "X-A", "header_value": "ä"}, "headers.0.headerValue", "visible ASCII"),
        ({"concurrency": "many"}, "concurrency", "Input should be a valid integer"),
        ({"requestsPerSecond": "0"}, "requestsPerSecond", "greater than or equal to 1"),
        ({"activeFrom": "soon"}, "activeFrom", "must be an ISO 8601 instant"),
        ({"filter_path": "a", "filter_operator": "in", "filter_value": "x"}, "filter.0", "must be an array"),
        ({"auth": "basic"}, "auth.basic.username", "at least 1 character"),
        ({"legacy": "1", "cloudEvents": "binary"}, "cloudEvents", "one of the two only"),
    ],
)
def test_an_error_stands_beside_its_field_and_nothing_typed_is_lost(
    visitor: Visitor, door: Door, fields: dict[str, str], place: str, sentence: str
) -> None:
    page = added(visitor, **{"description": "kept as typed", **fields})

    beside = re.search(rf'id="problem-{re.escape(place).replace(chr(92) + ".", "-")}">([^<]*)<', page.html)
    assert page.status == 400
    assert beside, page.text
    assert sentence in beside[1]
    assert page.fields["description"] == "kept as typed"
    assert not door.index.of_store("DEFAULT")


def test_rows_come_and_go_by_buttons_and_keep_what_was_typed(visitor: Visitor, door: Door) -> None:
    typed = {"eventName": "CustomerUpdated", "url": "https://a.example/"}
    two = {"header_name": ["X-A", "X-B"], "header_value": ["1", "2"]}

    more = visitor.post(NEW, **typed, **two, add="header_name")
    fewer = visitor.post(NEW, **typed, **two, remove="header_name.0")

    assert re.findall(r'name="header_name" value="([^"]*)"', more.html) == ["X-A", "X-B", ""]
    assert re.findall(r'name="header_name" value="([^"]*)"', fewer.html) == ["X-B"]
    assert (more.status, more.fields["url"]) == (200, "https://a.example/")
    assert not door.index.of_store("DEFAULT")


def test_the_chosen_event_tells_what_sets_it_off_and_shows_both_bodies(visitor: Visitor) -> None:
    part = visitor.get("/panel/DEFAULT/webhook-example", eventName="CouponWillExpire")

    assert "A coupon of a member will expire" in part.text
    assert '"eventName": "CouponWillExpire"' in part.text
    assert "Sent when" in part.text
    assert "<html" not in part.html


def test_a_webhook_is_changed_and_its_event_stays(visitor: Visitor, door: Door) -> None:
    subscription_id = door.subscribed(headers=[{"headerName": "X-A", "headerValue": "secret"}])
    edit = f"{LIST}/{subscription_id}/edit"

    form = visitor.get(edit)
    saved = visitor.post(
        edit, **{**form.fields, "url": "https://new.example/", "eventName": "CustomerUpdated", "save": "1"}
    )

    made = door.get(f"/api/DEFAULT/webhook/subscription/{subscription_id}")
    assert saved.location == f"{LIST}/{subscription_id}?done=saved"
    assert (made["url"], made["eventName"]) == ("https://new.example/", "CustomerRegistered")
    assert made["headers"] == [{"headerName": "X-A", "headerValue": "secret"}]


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(visitor: Visitor, door: Door) -> None:
    subscription_id = door.subscribed()
    form = visitor.get(f"{LIST}/{subscription_id}/edit")
    door.put(subscription_id, url="https://theirs.example/")

    page = visitor.post(
        f"{LIST}/{subscription_id}/edit", **{**form.fields, "url": "https://mine.example/", "save": "1"}
    )

    assert (page.status, "Somebody has changed this webhook" in page.text) == (412, True)
    assert page.fields["url"] == "https://mine.example/"
    assert (
        door.get(f"/api/DEFAULT/webhook/subscription/{subscription_id}")["url"] == "https://theirs.example/"
    )


def test_it_is_paused_resumed_and_deleted_after_a_question(visitor: Visitor, door: Door) -> None:
    subscription_id = door.subscribed()
    page = f"{LIST}/{subscription_id}"

    visitor.post(f"{page}/pause")
    paused = visitor.get(page)
    visitor.post(f"{page}/resume")
    resumed = visitor.get(page)
    asked = visitor.get(f"{page}/delete")
    deleted = visitor.post(f"{page}/delete")

    assert "paused" in paused.text
    assert "active" in resumed.text
    assert "Delete this webhook?" in asked.text
    assert deleted.location == f"{LIST}?done=deleted"
    assert visitor.get(page).status == 404
    assert [c.action for c in door.audit.changes] == ["created", "changed", "changed", "deleted"]


def test_a_test_shows_what_went_and_what_came_back(visitor: Visitor, door: Door) -> None:
    subscription_id = door.subscribed(headers=[{"headerName": "X-Key", "headerValue": "hidden-value"}])
    door.endpoints.endpoint = always(answered(422, "<b>no such shop</b>"))

    page = visitor.post(f"{LIST}/{subscription_id}/test")

    assert "The endpoint refused it: it answered 422" in page.text
    assert "&lt;b&gt;no such shop&lt;/b&gt;" in page.html
    assert '"eventName": "CustomerRegistered"' in page.text
    assert "X-Key" in page.text
    assert "hidden-value" not in page.html


def test_a_secret_is_shown_once_and_stands_in_no_address() -> None:
    door = Door(signer=SealedKeys(SAFE), vault=SAFE)
    visitor = Visitor(door)
    visitor.enter(employ(door))

    page = added(visitor, signing="standard")
    there = page.links["I have copied it"]

    assert page.status == 200
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", page.text)
    assert secret
    assert secret[0] not in visitor.get(there).html
    assert page.headers["cache-control"] == "no-store"


def test_whoever_may_only_read_can_neither_add_nor_change(door: Door) -> None:
    visitor = Visitor(door)
    visitor.enter(employ(door, scopes=("read",)))
    subscription_id = door.subscribed()
    one = f"{LIST}/{subscription_id}"

    assert visitor.get(one).status == 200
    assert visitor.get(NEW).status == 403
    assert [visitor.post(f"{one}/{what}").status for what in ("pause", "delete", "test", "edit")] == [403] * 4


def test_another_stores_webhook_is_not_there(visitor: Visitor, door: Door) -> None:
    door.programme.settings["OTHER"] = replace(SETTINGS, store="OTHER")
    other = door.call(
        "POST",
        "/api/OTHER/webhook/subscription",
        json={"webhookSubscription": {"eventName": "CustomerUpdated", "url": "https://other.example/"}},
    ).json()["webhookSubscriptionId"]

    assert visitor.get(f"{LIST}/{other}").status == 404
    assert visitor.post(f"{LIST}/{other}/delete").status == 404
    assert "other.example" not in visitor.get(LIST).html


def test_whatever_is_typed_is_shown_as_text(visitor: Visitor, door: Door) -> None:
    condition = {"path": "a", "operator": "eq", "value": HOSTILE}
    subscription_id = door.subscribed(description=HOSTILE, filter=[condition])
    pages = [
        visitor.get(f"{LIST}/{subscription_id}"),
        visitor.get(f"{LIST}/{subscription_id}/edit"),
        visitor.get(LIST, q=HOSTILE, url=HOSTILE, event=HOSTILE),
        visitor.get(LIST),
        visitor.get(NEW, eventName=HOSTILE),
        added(visitor, **dict.fromkeys(TYPED, HOSTILE)),
        visitor.get(f"/panel/{HOSTILE}/webhooks"),
        visitor.sign_in("anna", "wrong", then=HOSTILE),
        visitor.sign_in(HOSTILE, "wrong"),
    ]

    for page in pages:
        assert "<script>alert" not in page.html
        assert "<img src=x" not in page.html


def test_a_page_that_breaks_says_so_and_shows_no_stack(visitor: Visitor, door: Door) -> None:
    door.log.away = True

    page = visitor.get(LIST)

    assert (page.status, page.headers["retry-after"]) == (503, "2")
    assert "try again in a moment" in page.text
    assert uid(1) not in page.text
