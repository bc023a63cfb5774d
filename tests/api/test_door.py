"""What holds for every request: who may call, how large a body is, what a failure looks like."""

from collections.abc import AsyncIterator

import pytest

from api.auth.authentication import ConfiguredKeys, hash_token, new_key, require_credentials
from streams.errors import Misconfigured
from streams.secrets.sealing import SecretSealer
from streams.secrets.sealing import new_key as new_secret_key
from tests.api.conftest import KEY, PATH, Door, complaints


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PATH),
        ("POST", PATH),
        ("PUT", f"{PATH}/00000000-0000-4000-8000-000000000000"),
        ("DELETE", f"{PATH}/00000000-0000-4000-8000-000000000000"),
        ("GET", "/api/DEFAULT/webhook/event"),
        ("GET", "/api/DEFAULT/no/such/thing"),
    ],
)
@pytest.mark.parametrize("token", [None, "", "wrong", KEY + " x", "ключ".encode()])
def test_without_an_accepted_key_nothing_is_told(
    door: Door, method: str, path: str, token: str | bytes | None
) -> None:
    headers = {} if token is None else {"X-AUTH-TOKEN": token}

    answer = door.call(method, path, headers=headers, content=b"no json")

    body = answer.json()
    assert (answer.status_code, body["message"], sorted(body)) == (
        401,
        "Authentication Required",
        ["hint", "message"],
    )
    known = "is none of this API's" if token else "Send an API key in the header X-AUTH-TOKEN"
    assert known in body["hint"]


def test_a_bearer_token_is_answered_in_the_contracts_words(door: Door) -> None:
    answer = door.call("GET", PATH, headers={"Authorization": "Bearer x.y.z"})

    assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": "Invalid JWT Token"})


def test_any_of_several_keys_is_accepted() -> None:
    keys = ConfiguredKeys((hash_token("one"), hash_token("two")))

    assert keys.caller({"x-auth-token": "one"})
    assert keys.caller({"x-auth-token": "two"})
    assert keys.caller({"x-auth-token": "three"}) is None


def test_an_api_without_keys_does_not_start() -> None:
    with pytest.raises(Misconfigured, match=r"LOYALTY_API_KEY_HASHES is not set.*`loyalty api-key`"):
        require_credentials((), SecretSealer())
    require_credentials((hash_token(KEY),), SecretSealer())
    require_credentials((), SecretSealer([new_secret_key()]))


def test_a_new_key_is_accepted_by_its_hash() -> None:
    token, digest = new_key()

    assert len(token) >= 43
    assert ConfiguredKeys((digest,)).caller({"x-auth-token": token})
    assert new_key()[0] != token


def test_a_caller_has_a_name_that_is_not_the_key() -> None:
    caller = ConfiguredKeys((hash_token(KEY),)).caller({"x-auth-token": KEY})

    assert caller
    assert KEY not in caller.name


def test_a_body_that_says_it_is_too_large_is_not_read(door: Door) -> None:
    answer = door.call("POST", PATH, content=b"x" * 65_537, headers=_json())

    assert answer.status_code == 413
    assert answer.json() == {"code": 413, "message": "The body has more than 65536 bytes."}


def test_a_body_in_chunks_is_cut_off_at_the_limit(door: Door) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1024
            yield b" " * 1024

    answer = door.call("POST", PATH, content=endless(), headers=_json())

    assert answer.status_code == 413
    assert read <= 66 * 1024


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"webhookSubscription": ', "The body is no JSON: Expecting value (character 24)."),
        (b"[" * 60_000, ""),
        (b"\xff\xfe\xfa", ""),
        (b"[]", ""),
        # Half a character: valid JSON that no UTF-8 can carry back.
        (rb'{"webhookSubscription": {"url": "https://\ud83d.example", "eventName": "\ud83d"}}', ""),
        (rb'{"webhookSubscription": {"\ud83d": 1}}', ""),
        (b"", ""),
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_a_400(door: Door, content: bytes, complaint: str) -> None:
    answer = door.call("POST", PATH, content=content, headers=_json())

    assert answer.status_code == 400
    assert complaint in answer.text
    assert "Traceback" not in answer.text


def test_a_body_of_another_type_is_told_which_type_is_wanted(door: Door) -> None:
    answer = door.call(
        "POST",
        PATH,
        content=b"{}",
        headers={"X-AUTH-TOKEN": KEY, "Content-Type": "application/x-www-form-urlencoded"},
    )

    assert complaints(answer)[""].startswith("Content-Type must be application/json")


def test_a_verb_that_a_path_has_not_is_a_405_with_those_that_it_has(door: Door) -> None:
    answer = door.call("PATCH", "/api/DEFAULT/webhook/event")

    assert (answer.status_code, answer.json()) == (405, {"code": "405", "message": "Method Not Allowed."})
    assert answer.headers["Allow"] == "GET"


def test_an_error_of_ours_shows_nothing_of_itself() -> None:
    door = Door()
    door.app.add_api_route("/api/broken", lambda: 1 / 0)

    answer = door.call("GET", "/api/broken")

    assert (answer.status_code, answer.json()) == (500, {"code": 500, "message": "Internal Server Error"})


def test_health_needs_no_key_and_tells_whether_the_view_is_current(door: Door) -> None:
    assert door.call("GET", "/health", headers={}).status_code == 200

    door.caught_up = False

    assert door.call("GET", "/health", headers={}).status_code == 503


def test_the_description_needs_no_key_and_names_every_route_and_the_key(door: Door) -> None:
    described = door.call("GET", "/openapi.json", headers={}).json()

    webhook = "/api/{storeCode}/webhook"
    assert {f"{webhook}/subscription", "/api/{storeCode}/member", "/health"} <= set(described["paths"])
    post = described["paths"][f"{webhook}/subscription"]["post"]
    assert post["security"] == [{"ApiKey": []}, {"Login": []}]
    assert described["paths"]["/api/admin/login_check"]["post"]["security"] == []
    assert {"200", "400", "401", "413", "503"} <= set(post["responses"])
    assert all(op["summary"] for verbs in described["paths"].values() for op in verbs.values())
    assert door.call("GET", "/docs", headers={}).status_code == 200


def _json() -> dict[str, str]:
    return {"X-AUTH-TOKEN": KEY, "Content-Type": "application/json"}
