"""What stands before every page, seen on each that there is: a form of our own, the store, a right."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Mount

from tests.api.conftest import Door, _shared
from tests.panel.conftest import Visitor, employ
from tests.samples import uid

OF_NO_STORE = {("GET", "/login"), ("POST", "/login"), ("POST", "/logout"), ("GET", "/")}


def pages() -> Iterator[tuple[str, str]]:
    """Verb and path of each, below the panel's own."""
    mounted: Any
    (mounted,) = (
        route for route in _shared().app.routes if isinstance(route, Mount) and route.path == "/panel"
    )
    for included in mounted.app._app.routes:
        for route in included.original_router.routes if hasattr(included, "original_router") else ():
            yield from ((verb, route.path) for verb in sorted(route.methods))


PAGES = tuple(pages())
CHANGES = [path for verb, path in PAGES if verb == "POST" and path != "/login"]
OF_STORES = [page for page in PAGES if page not in OF_NO_STORE]


def address(path: str, store: str = "DEFAULT") -> str:
    """With an id for whatever the path names."""
    return "/panel" + re.sub(r"\{\w+\}", uid(9), path.replace("{store}", store))


def test_pages_change_things_by_forms_alone() -> None:
    assert {verb for verb, _ in PAGES} == {"GET", "POST"}
    assert len(CHANGES) > 10


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_is_changed_without_the_token_in_a_form(visitor: Visitor, path: str) -> None:
    cookie = {"cookie": f"loyalty_session={visitor.cookie}"}
    token = {"form_token": visitor.form_token}

    def status(headers: dict[str, str] | None = None, **sent: object) -> int:
        answer = visitor.door.call("POST", address(path), headers=cookie | (headers or {}), **sent)
        return answer.status_code

    assert [
        status(),
        status(params=token),
        status(json=token),
        status({"content-type": "text/plain"}, content=f"form_token={visitor.form_token}"),
        status({"x-http-method-override": "GET"}, data={"form_token": "guessed"}),
    ] == [403] * 5
    assert visitor.door.audit.changes == []


@pytest.mark.parametrize(("verb", "path"), OF_STORES)
def test_of_a_store_that_is_not_the_admin_s_own_there_is_no_page(door: Door, verb: str, path: str) -> None:
    visitor = Visitor(door)
    visitor.enter(employ(door, stores=("OTHER",)))

    page = visitor.get(address(path)) if verb == "GET" else visitor.post(address(path))

    assert page.status == 404


@pytest.mark.parametrize(("verb", "path"), OF_STORES)
def test_every_page_wants_a_right(door: Door, verb: str, path: str) -> None:
    visitor = Visitor(door)
    visitor.enter(employ(door, scopes=()))

    page = visitor.get(address(path)) if verb == "GET" else visitor.post(address(path))

    assert page.status == 403


@pytest.mark.parametrize("path", ["nothing", "webhooks/nothing", f"members/{uid(404)}", "webhooks/no/such"])
def test_a_page_that_is_not_there_has_the_stores_navigation(visitor: Visitor, path: str) -> None:
    page = visitor.get(f"/panel/DEFAULT/{path}")

    assert page.status == 404
    assert page.links["Webhooks"] == "/panel/DEFAULT/webhooks"
    assert "Webhooks" not in visitor.get("/panel/NOWHERE/nothing").links
    visitor.cookie = ""
    assert "Webhooks" not in visitor.get(f"/panel/DEFAULT/{path}").links
