"""Subscriptions beyond the contract: several events, filters, pausing, revisions, secrets, test sends."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from api.services.signing_keys import SigningKeyMaker
from connectors.http.sender import Answer
from connectors.http.signing_keys import KeyKind
from streams.delivery.records import Subscription
from streams.delivery.subscription_options import Sealed, SigningKey
from streams.webhooks import CATALOGUE
from tests.api.conftest import KEY, PATH, Door, complaints
from tests.connectors.fakes import always, failed

FIRST = "whsec_1"
PLAIN = {"url": "https://shop.example/hook"}


class Sealer(SigningKeyMaker):
    """Secrets that tell their version."""

    def new_key(self, version: int, now: datetime, kind: KeyKind) -> tuple[str, SigningKey]:
        key = SigningKey(kind=kind, version=version, secret=Sealed(text="sealed"), created_at=now)
        return f"whsec_{version}", key


@pytest.fixture(scope="module")
def signing() -> Door:
    return Door(signer=Sealer())


def act(door: Door, made: str, name: str, **headers: str) -> httpx.Response:
    return door.call("POST", f"{PATH}/{made}/{name}", headers={"X-AUTH-TOKEN": KEY} | headers)


def kept(door: Door, made: str) -> Subscription:
    found = door.index.get(made)
    assert found
    return found


def test_every_option_is_read_as_it_was_written_and_can_be_written_back(door: Door) -> None:
    options: dict[str, Any] = {
        "furtherEvents": ["CustomerUpdated"],
        "description": "the shop's",
        "activeFrom": "2026-01-01T00:00:00+00:00",
        "filter": [{"path": "customer.email", "operator": "in", "value": ["a@example.com", 1, None]}],
        "cloudEvents": "binary",
        "unordered": True,
        "concurrency": 3,
        "requestsPerSecond": 50,
        "retryWaits": [1, 60],
    }
    made = door.subscribed(**options)
    before = door.get(f"{PATH}/{made}")

    assert {name: before[name] for name in options} == options
    readable = {k: v for k, v in before.items() if k not in {"webhookSubscriptionId", "createdAt"}}
    assert door.put(made, **readable).status_code == 204
    assert door.get(f"{PATH}/{made}") == before


def test_what_a_put_leaves_out_is_as_at_the_beginning_but_for_events_state_and_signing(door: Door) -> None:
    made = door.subscribed(furtherEvents=["*"], description="old", concurrency=2)
    act(door, made, "pause")

    assert door.put(made, **PLAIN).status_code == 204

    after = door.get(f"{PATH}/{made}")
    assert (after["description"], after["concurrency"]) == ("", None)
    assert (after["furtherEvents"], after["state"]) == (["*"], "paused")


def test_all_events_and_several_are_found_by_each_of_their_names(door: Door) -> None:
    several = door.subscribed(eventName="CustomerDeactivated", furtherEvents=["customer.updated"])
    door.subscribed(eventName="*")

    found = door.get(PATH, eventName="CustomerUpdated")["items"]
    assert [one["webhookSubscriptionId"] for one in found] == [several]
    assert len(door.get(PATH, **{"eventName[IN]": "CustomerUpdated,*"})["items"]) == 2


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"furtherEvents": ["CustomerUpdated", "Nothing"]}, "furtherEvents.1"),
        ({"filter": [{"path": "a", "operator": "gt", "value": True}]}, "filter.0"),
        ({"filter": [{"path": "a", "operator": "like", "value": 1}]}, "filter.0.operator"),
        ({"filter": [{"path": "a..b", "operator": "eq", "value": 1}]}, "filter.0"),
        ({"filter": [{"path": "a", "operator": "eq", "value": "x" * 1025}]}, "filter.0"),
        ({"filter": [{"path": "a", "operator": "eq"}]}, "filter.0.value"),
        ({"filter": [{"path": "a", "operator": "eq", "value": 1}] * 11}, "filter"),
        ({"cloudEvents": "structured", "legacy": True}, "cloudEvents"),
        ({"cloudEvents": "yes"}, "cloudEvents"),
        ({"concurrency": 0}, "concurrency"),
        ({"requestsPerSecond": 100_001}, "requestsPerSecond"),
        ({"retryWaits": [0]}, "retryWaits.0"),
        ({"retryWaits": [1] * 21}, "retryWaits"),
        ({"activeFrom": "soon"}, "activeFrom"),
        ({"description": "x" * 256}, "description"),
        ({"signing": "standard", "hmacEnabled": True}, "hmacEnabled"),
    ],
)
def test_an_option_that_cannot_be_is_named(door: Door, fields: dict[str, object], path: str) -> None:
    assert list(complaints(door.post(**fields))) == [f"webhookSubscription.{path}"]
    assert door.get()["items"] == []


def test_pausing_and_resuming_say_since_when_and_repeat_without_a_change(door: Door) -> None:
    made = door.subscribed()

    assert [act(door, made, "pause").status_code for _ in range(2)] == [204, 204]
    paused = kept(door, made)
    assert (paused.state, paused.revision) == ("paused", 2)
    assert paused.state_since is not None
    assert door.get(PATH, state="paused")["total"]["filtered"] == 1
    act(door, made, "resume")
    assert kept(door, made).state == "active"
    assert act(door, "00000000-0000-4000-8000-000000000000", "pause").status_code == 404


def test_a_client_cannot_say_that_the_sender_has_given_up(door: Door) -> None:
    made = door.subscribed()

    assert list(complaints(door.put(made, **PLAIN, state="disabled"))) == ["webhookSubscription.state"]


def test_a_change_to_what_somebody_else_has_changed_is_refused(door: Door) -> None:
    made = door.subscribed()
    seen = door.call("GET", f"{PATH}/{made}").headers["ETag"]
    act(door, made, "pause")
    stale = {"X-AUTH-TOKEN": KEY, "If-Match": seen}
    body = {"webhookSubscription": PLAIN}

    for answer in (
        door.call("PUT", f"{PATH}/{made}", json=body, headers=stale),
        door.call("DELETE", f"{PATH}/{made}", headers=stale),
        act(door, made, "resume", **{"If-Match": "nonsense"}),
        door.put(made, **PLAIN, revision=1),
    ):
        assert (answer.status_code, answer.json()["code"]) == (412, 412)
    now = door.call("GET", f"{PATH}/{made}").headers["ETag"]
    assert act(door, made, "resume", **{"If-Match": now}).status_code == 204


def test_a_secret_is_shown_when_signing_begins_and_never_again(signing: Door) -> None:
    made = signing.post(signing="standard").json()
    later = signing.subscribed()

    begun = signing.put(later, **PLAIN, hmacEnabled=True)

    assert made["secret"] == FIRST
    assert (begun.status_code, begun.json()) == (200, {"secret": FIRST})
    assert signing.put(later, **PLAIN).status_code == 204
    read = signing.call("GET", f"{PATH}/{later}")
    assert read.json()["signing"] == "original"
    assert "whsec" not in read.text
    assert "sealed" not in read.text
    assert signing.put(later, **PLAIN, hmacEnabled=False).status_code == 204
    assert kept(signing, later).signing_keys == ()


def test_a_secret_is_replaced_with_an_overlap_and_once_in_five_minutes(signing: Door) -> None:
    made = signing.post(signing="standard").json()["webhookSubscriptionId"]

    early = act(signing, made, "secret")
    signing.clock.now += timedelta(minutes=6)
    rotated = act(signing, made, "secret")

    assert early.status_code == 429
    assert 0 < int(early.headers["Retry-After"]) <= 300
    assert rotated.json() == {"secret": "whsec_2"}
    old, new = kept(signing, made).signing_keys
    assert new.expires_at is None
    assert old.expires_at == new.created_at + timedelta(hours=24)
    signing.clock.now += timedelta(days=2)
    act(signing, made, "secret")
    assert [key.version for key in kept(signing, made).signing_keys] == [2, 3]


def test_what_is_not_signed_has_no_secret_to_replace(signing: Door) -> None:
    made = signing.subscribed()

    assert list(complaints(act(signing, made, "secret"))) == ["webhookSubscription.signing"]


@pytest.mark.parametrize("name", sorted(CATALOGUE))
@pytest.mark.parametrize("legacy", [False, True])
def test_a_test_send_is_one_request_with_an_example_of_the_event(door: Door, name: str, legacy: bool) -> None:
    made = door.subscribed(eventName=name, legacy=legacy, headers=[{"headerName": "X-A", "headerValue": "1"}])

    answer = act(door, made, "test").json()

    (sent,) = door.endpoints.sent
    assert (answer["status"], answer["delivered"], answer["durationMs"]) == (200, True, 1)
    assert sent.headers["x-a"] == "1"
    body = json.loads(sent.body)
    assert body["data"]
    assert body.get("messageId") == (None if legacy else answer["messageId"])


def test_a_test_send_tells_why_there_was_no_answer(door: Door) -> None:
    made = door.subscribed(eventName="*")
    door.endpoints.endpoint = always(failed())

    answer = act(door, made, "test").json()

    assert (answer["status"], answer["delivered"]) == (None, False)
    assert answer["error"] == "before sending: could not connect to endpoint: Connection refused"
    door.endpoints.endpoint = always(Answer(410, None, None, "gone", None, 7))
    gone = act(door, made, "test").json()
    assert (gone["status"], gone["delivered"], gone["response"]) == (410, False, "gone")


def test_a_scroll_walks_through_all_whatever_comes_and_goes(door: Door) -> None:
    made = [door.subscribed(url=f"https://shop.example/{n}") for n in range(5)]
    seen, token = [], ""
    while True:
        answer = door.get(PATH, _scroll=token, _itemsOnPage="2")
        if not answer["items"]:
            break
        seen += [one["webhookSubscriptionId"] for one in answer["items"]]
        token = answer["scroll"]["next"]
        # The last one seen is gone before the next are asked for.
        door.call("DELETE", f"{PATH}/{seen[-1]}")

    assert seen == made
    assert answer == {"items": [], "scroll": {}}


@pytest.mark.parametrize("query", [{"_page": "1"}, {"_orderBy[url]": "asc"}])
def test_a_scroll_has_neither_pages_nor_an_order(door: Door, query: dict[str, str]) -> None:
    answer = door.call("GET", PATH, params={"_scroll": ""} | query)

    assert list(complaints(answer)) == ["_scroll"]


@pytest.mark.parametrize("token", ["x", "bm8=", "MQ==", "WzFd"])
def test_a_scroll_goes_on_from_where_it_said_only(door: Door, token: str) -> None:
    assert list(complaints(door.call("GET", PATH, params={"_scroll": token}))) == ["_scroll"]
