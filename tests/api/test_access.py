"""Who may call, and what is told of it: logins, keys, scopes, stores, and the audit."""

import time
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from msgspec.structs import replace

from api.auth import passwords
from api.auth.logins import MAX_LOGINS_PER_MINUTE, LoginThrottle, TooManyLogins
from streams.access import Admin
from tests.api.conftest import PATH, SAFE, START, Door
from tests.samples import uid

PASSWORD = "correct horse battery"
HASHED = passwords.hash_password(PASSWORD)
ANNA = Admin(admin_id=uid(1), username="anna", password=HASHED, created_at=START, tokens_since=START)
KEYS = f"/api/admin/{ANNA.admin_id}/api-key"
SUBSCRIPTION = {"webhookSubscription": {"eventName": "CustomerUpdated", "url": "https://shop.example/"}}


@pytest.fixture
def anna(door: Door) -> Door:
    """A door that Anna may log in at."""
    door.principals.put_admin(ANNA.admin_id, ANNA)
    for key in door.principals.keys_of(ANNA.admin_id):
        door.principals.put_key(key.api_key_id, None)
    return door


def login(door: Door, username: str = "anna", password: str = PASSWORD) -> httpx.Response:
    body = {"username": username, "password": password}
    return door.call("POST", "/api/admin/login_check", json=body, headers={})


def refresh(door: Door, token: str) -> httpx.Response:
    return door.call("POST", "/api/token/refresh", json={"refresh_token": token}, headers={})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def made(door: Door, **fields: object) -> dict[str, Any]:
    answer = door.call("POST", KEYS, json={"apiKey": {"name": "till"} | fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def status(door: Door, token: str, method: str = "GET", path: str = PATH, **options: Any) -> int:
    return door.call(method, path, headers={"X-AUTH-TOKEN": token}, **options).status_code


def test_who_logs_in_gets_a_token_that_opens_the_api_for_a_day(anna: Door) -> None:
    token = login(anna).json()["token"]
    assert anna.call("GET", PATH, headers=bearer(token)).status_code == 200

    anna.clock.now += timedelta(days=1, seconds=1)
    late = anna.call("GET", PATH, headers=bearer(token))

    assert (late.status_code, late.json()) == (401, {"code": 401, "message": "TokenExpired JWT Token."})


@pytest.mark.parametrize(
    ("username", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("", ""), ("Anna", PASSWORD)]
)
def test_bad_credentials_are_all_answered_alike(anna: Door, username: str, password: str) -> None:
    answer = login(anna, username, password)

    assert (answer.status_code, answer.json()) == (401, {"message": "Bad credentials."})


def test_an_unknown_user_costs_as_much_as_a_wrong_password() -> None:
    def cost(kept: str | None) -> float:
        begun = time.thread_time()
        assert not passwords.is_password("wrong", kept)
        return time.thread_time() - begun

    assert 0.5 < cost(None) / cost(HASHED) < 2


def test_a_refresh_token_gives_another_pair_and_opens_nothing_itself(anna: Door) -> None:
    given = login(anna).json()
    anna.clock.now += timedelta(days=2)

    fresh = refresh(anna, given["refresh_token"]).json()

    assert anna.call("GET", PATH, headers=bearer(fresh["token"])).status_code == 200
    assert anna.call("GET", PATH, headers=bearer(fresh["refresh_token"])).status_code == 401
    assert refresh(anna, fresh["token"]).status_code == 401
    anna.clock.now += timedelta(days=31)
    assert refresh(anna, fresh["refresh_token"]).json()["message"] == "TokenExpired JWT Token."


def test_another_password_ends_every_login_made_before(anna: Door) -> None:
    given = login(anna).json()

    anna.principals.put_admin(ANNA.admin_id, replace(ANNA, tokens_since=START + timedelta(minutes=1)))

    assert anna.call("GET", PATH, headers=bearer(given["token"])).json()["message"] == "Invalid JWT Token"
    assert refresh(anna, given["refresh_token"]).status_code == 401


def test_an_admin_that_is_gone_opens_nothing(anna: Door) -> None:
    token, key = login(anna).json()["token"], made(anna)["token"]

    anna.principals.put_admin(ANNA.admin_id, None)

    assert anna.call("GET", PATH, headers=bearer(token)).status_code == 401
    assert status(anna, key) == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512"])
def test_a_token_that_we_did_not_sign_is_none(anna: Door, algorithm: str) -> None:
    claims = {"sub": ANNA.admin_id, "typ": "access", "iat": START, "exp": START + timedelta(days=1)}
    ours = SAFE.derived("login tokens")[0]
    secrets: dict[str, bytes | str] = {"none": "", "HS256": b"k" * 32, "HS512": ours * 2}
    forged = jwt.encode(claims, secrets[algorithm], algorithm)

    answer = anna.call("GET", PATH, headers=bearer(forged))

    assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": "Invalid JWT Token"})


def test_a_key_is_told_once_and_kept_as_a_hash(anna: Door) -> None:
    given = made(anna, expirationDate="2025-11-01T00:00:00+00:00")
    (listed,) = anna.get(KEYS)["items"]

    assert given.items() >= {"adminId": ANNA.admin_id, "name": "till", "legacy": False}.items()
    assert given["expirationDate"] == "2025-11-01T00:00:00+00:00"
    assert listed == {name: value for name, value in given.items() if name != "token"}
    kept = anna.principals.key(given["apiKeyId"])
    assert given["token"] not in repr(kept)


def test_a_key_opens_what_its_scopes_say(anna: Door) -> None:
    reads = made(anna, scopes=["read"])["token"]
    subscribes = made(anna, scopes=["subscriptions", "read"])["token"]

    assert status(anna, reads) == 200
    assert status(anna, reads, "POST", json=SUBSCRIPTION) == 403
    assert status(anna, subscribes, "POST", json=SUBSCRIPTION) == 200
    assert status(anna, subscribes, path=KEYS) == 403


def test_a_key_of_one_store_opens_no_other(anna: Door) -> None:
    key = made(anna, stores=["DEFAULT"])["token"]

    assert status(anna, key) == 200
    answer = anna.call("GET", "/api/OTHER/webhook/subscription", headers={"X-AUTH-TOKEN": key})
    assert (answer.status_code, answer.json()) == (403, {"code": 403, "message": "Forbidden."})


def test_a_key_ends_when_it_says_and_when_it_is_revoked(anna: Door) -> None:
    ending = made(anna, expirationDate="2025-10-20T14:00:00+00:00")["token"]
    lasting = made(anna)
    assert status(anna, ending) == 200

    anna.clock.now += timedelta(hours=1)
    assert status(anna, ending) == 401
    assert status(anna, lasting["token"]) == 200
    gone = anna.call("DELETE", f"{KEYS}/{lasting['apiKeyId']}")

    assert gone.status_code == 204
    assert status(anna, lasting["token"]) == 401
    assert anna.call("DELETE", f"{KEYS}/{lasting['apiKeyId']}").status_code == 404


def test_nobody_hands_on_more_than_both_have(anna: Door) -> None:
    anna.principals.put_admin(ANNA.admin_id, replace(ANNA, scopes=("read", "admin"), stores=("DEFAULT",)))
    token = login(anna).json()["token"]

    def asked(**fields: object) -> httpx.Response:
        return anna.call("POST", KEYS, json={"apiKey": {"name": "till"} | fields}, headers=bearer(token))

    assert asked(scopes=["commands"]).json()["errors"][0]["path"] == "apiKey.scopes"
    assert asked(stores=["OTHER"]).json()["errors"][0]["path"] == "apiKey.stores"
    usual = asked().json()
    assert (usual["scopes"], usual["stores"]) == (["read", "admin"], ["DEFAULT"])


@pytest.mark.parametrize(
    "fields", [{"expirationDate": "2020-01-01T00:00:00Z"}, {"name": ""}, {"scopes": ["all"]}, {"x": 1}]
)
def test_a_key_that_would_be_of_no_use_is_not_made(anna: Door, fields: dict[str, object]) -> None:
    answer = anna.call("POST", KEYS, json={"apiKey": {"name": "till"} | fields})

    assert answer.status_code == 400
    assert anna.get(KEYS)["items"] == []


def test_an_admin_that_is_not_there_has_no_keys(anna: Door) -> None:
    nobody = f"/api/admin/{uid(2)}/api-key"

    assert anna.call("GET", nobody).status_code == 404
    assert anna.call("POST", nobody, json={"apiKey": {"name": "till"}}).status_code == 404


def test_who_tries_too_often_is_told_when_to_try_again() -> None:
    assert MAX_LOGINS_PER_MINUTE == 40
    door = Door(logins=3)
    door.principals.put_admin(ANNA.admin_id, ANNA)

    answers = [login(door, "anna", "wrong") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    wait = int(answers[-1].headers["Retry-After"])
    assert 50 <= wait <= 60
    assert login(door).status_code == 429
    door.clock.now += timedelta(seconds=wait)
    assert login(door).status_code == 200


def test_tries_are_counted_for_each_name_and_no_memory_is_filled() -> None:
    throttle = LoginThrottle(most=1, names=2)
    throttle.count("a", START)
    throttle.count("b", START)
    with pytest.raises(TooManyLogins):
        throttle.count("a", START)

    throttle.count("c", START)
    throttle.count("b", START)


def test_every_change_is_recorded_with_who_and_from_where_and_no_secret(anna: Door) -> None:
    token = login(anna).json()["token"]
    options = {"headers": bearer(token)}
    subscription = anna.call("POST", PATH, json=SUBSCRIPTION, **options).json()["webhookSubscriptionId"]
    moved = {"webhookSubscription": {"url": "https://moved.example/"}}
    anna.call("PUT", f"{PATH}/{subscription}", json=moved, **options)
    anna.call("DELETE", f"{PATH}/{subscription}", **options)
    key = anna.call("POST", KEYS, json={"apiKey": {"name": "till"}}, **options).json()
    anna.call("GET", PATH, **options)
    anna.call("POST", PATH, json={"webhookSubscription": {}}, **options)

    changes = anna.audit.changes
    assert [(c.action, c.subject, c.subject_id) for c in changes] == [
        ("created", "subscription", subscription),
        ("changed", "subscription", subscription),
        ("deleted", "subscription", subscription),
        ("created", "API key", key["apiKeyId"]),
    ]
    assert {(c.who, c.address) for c in changes} == {("anna", "127.0.0.1")}
    assert key["token"] not in repr(changes)


def test_a_change_that_cannot_be_recorded_is_not_made(anna: Door) -> None:
    anna.audit.away = True

    answer = anna.post()

    anna.audit.away = False
    assert answer.status_code == 503
    assert anna.get()["items"] == []


@pytest.mark.parametrize("password", ["short", "x" * 129])
def test_a_password_has_12_characters_at_least(password: str) -> None:
    with pytest.raises(ValueError, match="12 to 128 characters"):
        passwords.hash_password(password)


def test_what_is_kept_of_a_password_is_salted() -> None:
    assert passwords.hash_password(PASSWORD) != HASHED
    assert PASSWORD not in HASHED
