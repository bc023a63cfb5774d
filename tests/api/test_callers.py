"""Every route of the application × every kind of caller: who gets in where, and nobody anywhere else."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.routing import Mount

from api.auth.authentication import hash_token
from streams.access import Admin, ApiKey, Scope
from streams.domain.store import RESERVED_CODES
from tests.api.conftest import KEY, PATH, START, Door, _shared
from tests.panel.conftest import Visitor, employ
from tests.samples import uid
from tests.scenarios.store import SETTINGS

FREE = {
    ("POST", "/api/admin/login_check"),
    ("POST", "/api/token/refresh"),
    ("GET", "/health"),
    # Whoever watches the process has no key: docs/metrics.md.
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/startupz"),
    ("GET", "/panel"),
    ("GET", "/"),
    ("GET", "/asyncapi.json"),
    ("GET", "/docs/webhooks"),
    ("GET", "/docs/webhooks/{path:path}"),
}
"""All that needs no caller, written out: another one is a decision, not an accident."""
STORELESS = {
    ("GET", "/api/admin/{admin}/api-key"),
    ("POST", "/api/admin/{admin}/api-key"),
    ("DELETE", "/api/admin/{admin}/api-key/{apiKey}"),
}


@pytest.fixture(autouse=True)
def nobody_stays(door: Door) -> Iterator[None]:
    yield
    for one in door.principals.admins():
        for made in door.principals.keys_of(one.admin_id):
            door.principals.put_key(made.api_key_id, None)
        door.principals.put_admin(one.admin_id, None)


def _routes(routes: Any) -> Iterator[tuple[str, str]]:
    for route in routes:
        if hasattr(route, "original_router"):
            yield from _routes(route.original_router.routes)
        elif not isinstance(route, Mount):
            yield from ((verb, route.path) for verb in sorted(route.methods) if verb != "HEAD")


def routes() -> list[tuple[str, str]]:
    built_in = {"/openapi.json", "/docs"}
    return sorted({found for found in _routes(_shared().app.routes) if found[1] not in built_in})


ROUTES = routes()
GUARDED = [route for route in ROUTES if route not in FREE]
OF_A_STORE = [route for route in GUARDED if route not in STORELESS]


def address(path: str, store: str = "DEFAULT") -> str:
    return re.sub(r"\{[^}]*\}", uid(9), path.replace("{storeCode}", store))


def key(door: Door, *scopes: Scope, stores: tuple[str, ...] = ()) -> dict[str, str]:
    """A key's header, of an admin who may do all."""
    door.principals.put_admin(
        uid(1),
        Admin(admin_id=uid(1), username="root", password="", created_at=START, tokens_since=START),
    )
    token = f"key of {scopes} in {stores}"
    made = ApiKey(
        api_key_id=uid(2),
        admin_id=uid(1),
        name="tested",
        digest=hash_token(token),
        created_at=START,
        scopes=scopes,
        stores=stores,
    )
    door.principals.put_key(made.api_key_id, made)
    return {"X-AUTH-TOKEN": token}


def status(door: Door, route: tuple[str, str], headers: dict[str, str], store: str = "DEFAULT") -> int:
    verb, path = route
    sent: dict[str, Any] = {"json": {}} if verb in {"POST", "PUT", "PATCH"} else {}
    return door.call(verb, address(path, store), headers=headers, **sent).status_code


def test_what_needs_no_caller_is_known_by_name() -> None:
    assert set(ROUTES) >= FREE | STORELESS
    assert all(path.startswith("/api/") for _, path in GUARDED)
    assert all(path.startswith("/api/{storeCode}/") for _, path in OF_A_STORE)
    assert len(OF_A_STORE) > 60


@pytest.mark.parametrize("route", GUARDED, ids=" ".join)
def test_nobody_gets_in_without_a_key_or_with_a_wrong_one(door: Door, route: tuple[str, str]) -> None:
    session = {"cookie": f"loyalty_session={door.sessions.begun(employ(door))}"}

    assert status(door, route, {}) == 401
    assert status(door, route, {"X-AUTH-TOKEN": "wrong"}) == 401
    assert status(door, route, {"Authorization": "Bearer wrong"}) == 401
    assert status(door, route, {"Authorization": f"Basic {KEY}"}) == 401
    # A browser's session opens the panel alone.
    assert status(door, route, session) == 401


@pytest.mark.parametrize("route", OF_A_STORE, ids=" ".join)
@pytest.mark.parametrize("store", ["DEFAULT", "admin", "token", "api-key", "."])
def test_a_caller_of_another_store_gets_in_nowhere_whatever_the_store_is_called(
    door: Door, route: tuple[str, str], store: str
) -> None:
    door.programme.settings[store] = replace(SETTINGS, store=store)
    other = key(door, "read", "commands", "subscriptions", "admin", stores=("OTHER",))

    answered = status(door, route, other, store)

    del door.programme.settings[store]
    door.programme.settings["DEFAULT"] = SETTINGS
    # Where nothing but an id follows `/api/admin/…/`, the address is another route's, which asks the same.
    assert answered == 403


@pytest.mark.parametrize("route", sorted(STORELESS), ids=" ".join)
def test_a_caller_of_one_store_is_shown_no_key_of_an_admin_of_all(door: Door, route: tuple[str, str]) -> None:
    limited = key(door, "read", "admin", stores=("OTHER",))
    verb, path = route
    there = path.replace("{admin}", uid(1)).replace("{apiKey}", uid(2))
    sent: dict[str, Any] = {"json": {"apiKey": {"name": "x"}}} if verb == "POST" else {}

    assert door.call(verb, there, headers=limited, **sent).status_code == 403
    assert door.principals.key(uid(2)) is not None


@pytest.mark.parametrize("route", GUARDED, ids=" ".join)
def test_whoever_may_only_read_changes_nothing(door: Door, route: tuple[str, str]) -> None:
    reader = key(door, "read")
    answered = status(door, route, reader)

    if route[0] == "GET" and route not in {*STORELESS, ("GET", "/api/{storeCode}/command/{commandId}")}:
        assert answered in {200, 400, 404}
    else:
        assert answered == 403
    assert door.audit.changes == []


@pytest.mark.parametrize("route", GUARDED, ids=" ".join)
def test_whoever_may_nothing_gets_nothing(door: Door, route: tuple[str, str]) -> None:
    assert status(door, route, key(door)) in {403, 404}


def test_a_session_of_another_store_opens_no_page_of_this_one(door: Door) -> None:
    visitor = Visitor(door)
    visitor.enter(employ(door, stores=("OTHER",)))

    assert visitor.get("/panel/DEFAULT/webhooks").status == 404
    assert visitor.get("/panel/admin/webhooks").status == 404


@pytest.mark.parametrize("code", [*sorted(RESERVED_CODES), "Admin", "STATIC"])
def test_no_store_is_called_as_an_address_of_ours_begins(code: str) -> None:
    with pytest.raises(ValueError, match="is not valid: addresses of the API or the panel begin so"):
        replace(SETTINGS, store=code).check()


ALL: tuple[Scope, ...] = ("read", "commands", "subscriptions", "admin")


def admin(door: Door, number: int, *scopes: Scope, stores: tuple[str, ...] = ()) -> Admin:
    made = Admin(
        admin_id=uid(number),
        username=f"admin {number}",
        password="",
        created_at=START,
        tokens_since=START,
        scopes=scopes or ALL,
        stores=stores,
    )
    door.principals.put_admin(made.admin_id, made)
    return made


def made_key(door: Door, whose: Admin, by: dict[str, str], **fields: object) -> dict[str, Any]:
    path = f"/api/admin/{whose.admin_id}/api-key"
    answer = door.call("POST", path, json={"apiKey": {"name": "k"} | fields}, headers=by)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def token(made: dict[str, Any]) -> dict[str, str]:
    return {"X-AUTH-TOKEN": made["token"]}


def opens(door: Door, headers: dict[str, str]) -> int:
    return door.call("GET", PATH, headers=headers).status_code


BY_US = {"X-AUTH-TOKEN": KEY}


@pytest.mark.parametrize(
    ("scopes", "stores", "governed"),
    [
        (ALL, ("DEFAULT",), 200),
        (("read",), ("DEFAULT",), 200),
        (ALL, ("DEFAULT", "OTHER"), 403),
        (ALL, (), 403),
        (("read",), (), 403),
    ],
)
def test_an_admin_governs_those_whose_stores_and_scopes_lie_within_his_own(
    door: Door, scopes: tuple[Scope, ...], stores: tuple[str, ...], governed: int
) -> None:
    own = token(made_key(door, admin(door, 31, *ALL, stores=("DEFAULT",)), BY_US))
    whose = admin(door, 32, *scopes, stores=stores)
    there = made_key(door, whose, BY_US)
    path = f"/api/admin/{whose.admin_id}/api-key"

    listed = door.call("GET", path, headers=own).status_code
    made = door.call("POST", path, json={"apiKey": {"name": "planted"}}, headers=own).status_code
    revoked = door.call("DELETE", f"{path}/{there['apiKeyId']}", headers=own).status_code

    assert [listed, made, revoked] == [governed, governed, 204 if governed == 200 else governed]


def test_an_admin_of_fewer_scopes_governs_nobody_with_more(door: Door) -> None:
    own = token(made_key(door, admin(door, 31, "read", "admin"), BY_US))
    path = f"/api/admin/{admin(door, 32, *ALL).admin_id}/api-key"

    assert door.call("GET", path, headers=own).status_code == 403


def test_a_key_ends_with_the_admin_who_made_it_under_another_s_name(door: Door) -> None:
    maker, whose = admin(door, 31), admin(door, 32)
    planted = token(made_key(door, whose, token(made_key(door, maker, BY_US))))
    assert opens(door, planted) == 200

    door.principals.put_admin(maker.admin_id, None)

    assert opens(door, planted) == 401


def test_a_key_ends_with_the_key_that_made_it(door: Door) -> None:
    whose = admin(door, 32)
    first = made_key(door, whose, BY_US, expirationDate=(START + timedelta(days=1)).isoformat())
    second = token(made_key(door, whose, token(first)))
    third = token(made_key(door, whose, second))
    assert (opens(door, second), opens(door, third)) == (200, 200)

    door.clock.now += timedelta(days=2)

    assert (opens(door, second), opens(door, third)) == (401, 401)


@pytest.mark.parametrize("narrowed", ["maker", "owner"])
def test_a_key_is_narrowed_with_its_admin_and_with_its_maker(door: Door, narrowed: str) -> None:
    maker, whose = admin(door, 31), admin(door, 32)
    made = token(made_key(door, whose, token(made_key(door, maker, BY_US))))
    who = maker if narrowed == "maker" else whose

    def limited(**to: Any) -> None:
        door.principals.put_admin(who.admin_id, replace(who, **to))

    limited(scopes=("read",))
    body = {"webhookSubscription": {"eventName": "CustomerUpdated", "url": "https://shop.example/"}}
    assert door.call("POST", PATH, json=body, headers=made).status_code == 403
    assert opens(door, made) == 200
    limited(stores=("OTHER",))
    assert opens(door, made) == 403


def test_a_key_whose_admin_and_maker_have_no_store_in_common_opens_nothing(door: Door) -> None:
    maker, whose = admin(door, 31), admin(door, 32)
    made = token(made_key(door, whose, token(made_key(door, maker, BY_US))))

    door.principals.put_admin(maker.admin_id, replace(maker, stores=("OTHER",)))
    door.principals.put_admin(whose.admin_id, replace(whose, stores=("DEFAULT",)))

    assert opens(door, made) == 401


def test_what_the_deployment_s_own_key_makes_stays_when_other_admins_go(door: Door) -> None:
    whose = admin(door, 32)
    made = token(made_key(door, whose, BY_US))

    door.principals.put_admin(uid(31), None)

    assert opens(door, made) == 200


def test_a_reader_is_shown_no_header_s_value_and_sent_back_it_stays(door: Door) -> None:
    headers = [{"headerName": "Authorization", "headerValue": "Basic c2VjcmV0"}]
    one = door.subscribed(headers=headers)
    reader, writer = key(door, "read"), {"X-AUTH-TOKEN": KEY}

    seen = [
        door.call("GET", f"{PATH}/{one}", headers=reader),
        door.call("GET", PATH, headers=reader),
    ]
    assert all("c2VjcmV0" not in answer.text and "Authorization" in answer.text for answer in seen)
    hidden = seen[0].json()
    back = {"webhookSubscription": {"url": "https://shop.example/", "headers": hidden["headers"]}}
    assert door.call("PUT", f"{PATH}/{one}", json=back, headers=writer).status_code == 204

    assert door.get(f"{PATH}/{one}")["headers"] == headers
