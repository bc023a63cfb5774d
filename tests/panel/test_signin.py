"""Who gets into the panel, and what keeps others out."""

from datetime import timedelta

from tests.api.conftest import Door
from tests.panel.conftest import Visitor, employ

WEBHOOKS = "/panel/DEFAULT/webhooks"


def test_nobody_sees_a_page_without_signing_in_and_is_led_back_to_it_afterwards(door: Door) -> None:
    employ(door)
    visitor = Visitor(door)

    before = visitor.get(WEBHOOKS, q="points")
    signed_in = visitor.sign_in(then=f"{WEBHOOKS}?q=points")
    after = visitor.get(WEBHOOKS)

    assert (before.status, before.location) == (
        303,
        "/panel/login?next=%2Fpanel%2FDEFAULT%2Fwebhooks%3Fq%3Dpoints",
    )
    assert (signed_in.status, signed_in.location) == (303, "/panel/DEFAULT/webhooks?q=points")
    assert (after.status, "anna" in after.text) == (200, True)


def test_a_wrong_password_and_an_unknown_user_are_told_the_same(door: Door) -> None:
    employ(door)
    visitor = Visitor(door)

    wrong = visitor.sign_in("anna", "wrong")
    unknown = visitor.sign_in("nobody", "wrong")

    for page in (wrong, unknown):
        assert (page.status, "do not belong together" in page.text) == (401, True)
        assert "set-cookie" not in page.headers


def test_after_too_many_tries_even_the_right_password_has_to_wait() -> None:
    door = Door(logins=3)
    employ(door)
    visitor = Visitor(door)

    for _ in range(3):
        visitor.sign_in("anna", "wrong")
    page = visitor.sign_in()

    assert page.status == 429
    assert 50 < int(page.headers["retry-after"]) <= 61
    assert f"wait {page.headers['retry-after']} seconds" in page.text


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(door: Door) -> None:
    employ(door)

    cookie = Visitor(door).sign_in().headers["set-cookie"]

    said = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/panel", "max-age=43200"} <= said


def test_a_session_ends_after_twelve_hours_and_when_its_admin_does(visitor: Visitor, door: Door) -> None:
    assert visitor.get(WEBHOOKS).status == 200

    door.clock.now += timedelta(hours=12)

    assert visitor.get(WEBHOOKS).status == 303
    visitor.sign_in()
    assert visitor.get(WEBHOOKS).status == 200
    for admin in door.principals.admins():
        door.principals.put_admin(admin.admin_id, None)
    assert visitor.get(WEBHOOKS).status == 303


def test_signing_out_takes_the_cookie_away(visitor: Visitor) -> None:
    page = visitor.post("/panel/logout")

    assert (page.status, page.location) == (303, "/panel/login")
    assert 'loyalty_session=""' in page.headers["set-cookie"]


def test_a_form_of_another_site_or_session_changes_nothing(visitor: Visitor, door: Door) -> None:
    forged = visitor.post("/panel/logout", form_token="guessed")
    without = visitor.post("/panel/logout", form_token="")
    elsewhere = door.call(
        "POST",
        "/panel/logout",
        headers={"cookie": f"loyalty_session={visitor.cookie}", "sec-fetch-site": "cross-site"},
        data={"form_token": visitor.form_token},
    )
    origin = door.call(
        "POST",
        "/panel/login",
        headers={"origin": "https://evil.example"},
        data={"username": "anna", "password": "x"},
    )

    assert [forged.status, without.status, elsewhere.status_code, origin.status_code] == [403] * 4


def test_an_admin_of_one_store_is_led_there_and_finds_no_other(door: Door) -> None:
    visitor = Visitor(door)
    visitor.enter(employ(door, stores=("DEFAULT",)))

    assert visitor.get("/panel/").location == "/panel/DEFAULT/webhooks"
    assert visitor.get("/panel/OTHER/webhooks").status == 404


def test_whoever_may_only_read_gets_no_button_to_change_anything(door: Door) -> None:
    visitor = Visitor(door)
    visitor.enter(employ(door, scopes=("read",)))

    page = visitor.get(WEBHOOKS)

    assert "Add new webhook" not in page.text


def test_nobody_is_led_to_another_site_by_signing_in(door: Door) -> None:
    employ(door)
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", "/panel/\nx", "/api/x"):
        assert Visitor(door).sign_in(then=target).location == "/panel/"


def test_every_answer_tells_browsers_to_run_nothing_but_our_own_scripts(visitor: Visitor) -> None:
    for page in (visitor.get(WEBHOOKS), visitor.get("/panel/login"), visitor.get("/panel/NONE/webhooks")):
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "no-store"


def test_what_is_not_there_says_so_in_a_page(visitor: Visitor) -> None:
    page = visitor.get("/panel/DEFAULT/nothing")
    wrong = visitor.get(WEBHOOKS, page="none")

    assert (page.status, "There is no such page" in page.text) == (404, True)
    assert (wrong.status, "page:" in wrong.text) == (400, True)


def test_without_a_secret_key_the_sign_in_page_says_what_to_do() -> None:
    door = Door(signed_in=False)

    page = Visitor(door).get("/panel/login")

    assert (page.status, "LOYALTY_SECRET_KEY" in page.text) == (503, True)


def test_the_panel_is_found_without_its_last_slash(door: Door) -> None:
    visitor = Visitor(door)
    visitor.enter(employ(door))

    assert [visitor.get(path).location for path in ("/", "/panel")] == ["/panel/", "/panel/"]
