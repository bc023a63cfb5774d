"""How an endpoint is shown who sends: sealed at rest, checked when it is set, never told again."""

from typing import Any

import pytest

from api.contract.endpoint_credentials import SecretVault
from connectors.http.sender import Answer
from streams.delivery.records import Subscription
from tests.api.conftest import KEY, PATH, SAFE, Door, complaints
from tests.connectors.fakes import Sent, always, answered

BASIC = {"kind": "basic", "username": "shop", "password": "correct horse"}
PLAIN = {"url": "https://shop.example/hook"}
HEADERS = [{"headerName": "X-Secret", "headerValue": "battery staple"}]


@pytest.fixture(scope="module")
def safe() -> Door:
    return Door(vault=SAFE)


def kept(door: Door, made: str) -> Subscription:
    found = door.index.get(made)
    assert found
    return found


def put(door: Door, made: str, **more: Any) -> Any:
    return door.call("PUT", f"{PATH}/{made}", json={"webhookSubscription": {**PLAIN, **more}})


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (BASIC, "Basic c2hvcDpjb3JyZWN0IGhvcnNl"),
        ({"kind": "bearer", "token": "t0ken"}, "Bearer t0ken"),
    ],
)
def test_what_is_sent_shows_who_sends_it(safe: Door, auth: dict[str, str], sent: str) -> None:
    made = safe.subscribed(auth=auth)

    safe.call("POST", f"{PATH}/{made}/test", headers={"X-AUTH-TOKEN": KEY})

    assert safe.endpoints.sent[-1].headers["authorization"] == sent


def test_credentials_are_kept_sealed_and_never_told_again(safe: Door) -> None:
    made = safe.subscribed(auth=BASIC)

    told = safe.call("GET", f"{PATH}/{made}").text

    assert safe.get(f"{PATH}/{made}")["auth"] == {"kind": "basic"}
    assert "correct horse" not in told + repr(kept(safe, made))


def test_credentials_stay_when_a_replacement_is_silent_and_go_when_it_says_none(safe: Door) -> None:
    made = safe.subscribed(auth=BASIC)

    assert put(safe, made).status_code == 204
    silent = kept(safe, made).auth
    assert put(safe, made, auth={"kind": "none"}).status_code == 204

    assert silent
    assert silent.kind == "basic"
    assert kept(safe, made).auth is None


@pytest.mark.parametrize(
    ("auth", "reason"),
    [
        ({**BASIC, "username": "a:b"}, "username has a colon, which no Basic user may have"),
        ({"kind": "bearer", "token": "two words"}, "token must be visible ASCII characters without blanks"),
        ({"kind": "mtls", "certificate": "x", "key": "y"}, "certificate is no certificate in PEM"),
        (
            {"kind": "oauth2", "tokenUrl": "http://10.0.0.1/t", "clientId": "c", "clientSecret": "s"},
            "tokenUrl may not be a target: 10.0.0.1 is private",
        ),
    ],
)
def test_credentials_that_cannot_work_are_refused_with_the_reason(
    safe: Door, auth: dict[str, str], reason: str
) -> None:
    body = {"webhookSubscription": {**PLAIN, "eventName": "CustomerUpdated", "auth": auth}}

    answer = safe.call("POST", PATH, json=body)

    assert complaints(answer) == {"webhookSubscription.auth": f"Not valid: {reason}."}


def test_without_a_key_no_credentials_are_taken_in(door: Door) -> None:
    body = {"webhookSubscription": {**PLAIN, "eventName": "CustomerUpdated", "auth": BASIC}}

    answer = door.call("POST", PATH, json=body)

    assert complaints(answer) == {
        "webhookSubscription.auth": "Credentials cannot be kept here: LOYALTY_SECRET_KEY is not set."
    }


@pytest.mark.parametrize("vault", [SAFE])
def test_headers_are_sealed_at_rest_sent_in_the_clear_and_told_as_they_were(vault: SecretVault) -> None:
    door = Door(vault=vault)
    made = door.subscribed(headers=HEADERS)

    door.call("POST", f"{PATH}/{made}/test", headers={"X-AUTH-TOKEN": KEY})
    told = door.get(f"{PATH}/{made}")

    assert told["headers"] == HEADERS
    assert door.endpoints.sent[-1].headers["x-secret"] == "battery staple"
    assert "battery staple" not in repr(kept(door, made))


def test_a_replacement_that_changes_nothing_is_not_written(safe: Door) -> None:
    made = safe.subscribed(headers=HEADERS, **PLAIN)
    before = kept(safe, made)

    assert put(safe, made, headers=HEADERS).status_code == 204

    assert kept(safe, made) == before


def test_a_test_send_to_an_endpoint_that_echoes_shows_no_secret(safe: Door) -> None:
    made = safe.subscribed(auth=BASIC, headers=HEADERS)

    async def echo(sent: Sent) -> Answer:
        return answered(200, f"{sent.headers} correct%20horse correct\\u0020horse")

    safe.endpoints.endpoint = echo
    told = safe.call("POST", f"{PATH}/{made}/test").json()
    safe.endpoints.endpoint = always(answered())

    assert told["delivered"] is True
    assert "content-type" in told["response"]
    for secret in ("c2hvcDpjb3JyZWN0IGhvcnNl", "battery staple", "horse"):
        assert secret not in told["response"]


@pytest.mark.parametrize(
    "said", ['{"access_token":"a","x":' + "[" * 3000 + "]" * 3000 + "}", "[" * 60_000, "\x00", ""]
)
def test_a_test_send_whose_token_server_talks_nonsense_has_a_result(safe: Door, said: str) -> None:
    token_url = "https://login.example/token"
    auth = {"kind": "oauth2", "tokenUrl": token_url, "clientId": "c", "clientSecret": "secret"}
    made = safe.subscribed(auth=auth)

    safe.endpoints.by_url[token_url] = always(answered(200, said))
    tested = safe.call("POST", f"{PATH}/{made}/test")
    del safe.endpoints.by_url[token_url]

    assert tested.status_code == 200
    assert tested.json()["delivered"] is False
    assert tested.json()["error"].startswith("before sending: no access token from login.example: ")


def test_a_test_send_that_breaks_the_sender_has_a_result(safe: Door) -> None:
    made = safe.subscribed()

    async def broken(_: Sent) -> Answer:
        raise RecursionError

    safe.endpoints.endpoint = broken
    tested = safe.call("POST", f"{PATH}/{made}/test")
    safe.endpoints.endpoint = always(answered())

    assert tested.status_code == 200
    assert tested.json()["error"] == "after sending: failed within the sender: RecursionError"
