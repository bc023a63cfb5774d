"""Others' tries lock nobody out, nobody waits without end, and a proxy's word counts of proxies alone."""

import asyncio
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from msgspec.structs import replace

from api.auth import passwords
from api.auth.logins import LoginService, TokenSigner
from api.auth.throttle import TooManyLogins, WorkQueue, client_network
from api.process.forwarded import ForwardedAddress
from tests.api.conftest import SAFE, START, Door
from tests.api.test_access import ANNA, PASSWORD
from tests.panel.conftest import Visitor, employ

HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def nobody_stays(door: Door) -> Iterator[None]:
    yield
    for admin in door.principals.admins():
        door.principals.put_admin(admin.admin_id, None)


class Doorman:
    """Logins of anna, from wherever a test says."""

    def __init__(self, most: int = 3) -> None:
        self.door = Door()
        self.door.principals.put_admin(ANNA.admin_id, ANNA)
        self.logins = LoginService(self.door.principals, TokenSigner(SAFE), most)

    def tries(
        self, password: str, address: str, times: int = 1, name: str = "anna", device: str = ""
    ) -> list[str]:
        return [self._one(name, password, address, device) for _ in range(times)]

    def _one(self, name: str, password: str, address: str, device: str) -> str:
        try:
            found = asyncio.run(self.logins.login(name, password, address, START, device))
        except TooManyLogins:
            return "later"
        return "in" if found else "wrong"


def test_an_address_that_one_has_logged_in_from_is_not_locked_out_by_others_tries() -> None:
    doorman = Doorman()
    assert doorman.tries(PASSWORD, HOME) == ["in"]

    attacked = doorman.tries("wrong", ELSEWHERE, times=5)

    assert attacked[-1] == "later"
    assert doorman.tries(PASSWORD, HOME) == ["in"]
    # Anybody new has to wait for the name to be tried less.
    assert doorman.tries(PASSWORD, "192.0.2.1") == ["later"]


def test_a_device_that_one_has_signed_in_with_is_not_locked_out_wherever_it_is() -> None:
    doorman = Doorman()
    device = doorman.logins.device(ANNA, START)

    doorman.tries("wrong", ELSEWHERE, times=5)

    assert doorman.tries(PASSWORD, "192.0.2.1", device=device) == ["in"]
    assert doorman.tries("wrong", "192.0.2.1", device=device, times=4) == ["wrong", "wrong", "wrong", "later"]


def test_a_device_is_known_by_what_we_have_signed_and_for_its_own_admin_alone() -> None:
    doorman = Doorman()
    other = replace(ANNA, admin_id="00000000-0000-4000-8000-000000000077", username="other")
    doorman.door.principals.put_admin(other.admin_id, other)
    theirs = doorman.logins.device(other, START)
    session = doorman.door.sessions.begun(ANNA)
    doorman.tries("wrong", ELSEWHERE, times=3)

    for device in ("forged", theirs, session, "x" * 5000):
        assert doorman.tries(PASSWORD, "192.0.2.1", device=device) == ["later"]


def test_an_address_is_limited_whatever_names_it_tries_and_a_network_of_ipv6_is_one() -> None:
    doorman = Doorman()

    names = [doorman.tries("x", f"2001:db8::{n:x}", name=f"name {n}")[0] for n in range(5)]

    assert names == ["wrong"] * 3 + ["later"] * 2
    assert (
        client_network("2001:db8::1")
        == client_network("2001:db8::ffff:1")
        != client_network("2001:db8:0:1::1")
    )
    assert client_network("203.0.113.7") == "203.0.113.7"


def test_of_those_who_wait_for_their_password_to_be_checked_there_are_few() -> None:
    """Of those who come from where they are known, some more."""
    doorman = Doorman(most=1000)
    device = doorman.logins.device(ANNA, START)

    async def one(number: int, device: str) -> str:
        try:
            await doorman.logins.login("anna", "wrong", f"198.51.100.{number}", START, device)
        except TooManyLogins as many:
            return f"again in {many.wait.total_seconds():g} s"
        return "checked"

    async def crowd() -> list[str]:
        return await asyncio.gather(*(one(n, "" if n < 50 else device) for n in range(100)))

    answers = asyncio.run(crowd())

    assert answers[:50] == ["checked"] * WorkQueue.MOST + ["again in 2 s"] * (50 - WorkQueue.MOST)
    assert answers[50:].count("checked") == WorkQueue.MOST_KNOWN - WorkQueue.MOST


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "x",
        "scrypt$1$1$1$x$y",
        "scrypt$3$8$1$" + "A" * 22 + "==$" + "A" * 43 + "=",
        "scrypt$" * 9,
        "\ud800",
    ],
)
def test_a_damaged_password_is_matched_by_nothing_and_is_no_error_of_ours(door: Door, kept: str) -> None:
    door.principals.put_admin(ANNA.admin_id, replace(ANNA, password=kept))

    body = {"username": "anna", "password": "x"}
    answer = door.call("POST", "/api/admin/login_check", json=body, headers={})

    assert (answer.status_code, answer.json()) == (401, {"message": "Bad credentials."})
    if kept:
        with pytest.raises(passwords.DamagedHash):
            passwords.is_password("x", kept)


Told = tuple[str, str]


def told(peer: str, headers: dict[str, str], trusted: tuple[str, ...]) -> Told:
    """From which address and by which scheme the application behind sees the request come."""
    seen: list[Told] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"][0], scope["scheme"]))

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": raw}
    asyncio.run(ForwardedAddress(app, [ip_network(each) for each in trusted])(scope, None, None))  # type: ignore[arg-type]
    return seen[0]


PROXIES = ("127.0.0.1/32", "10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "said", "trusted", "caller"),
    [
        ("127.0.0.1", HOME, (), "127.0.0.1"),
        ("127.0.0.1", HOME, PROXIES, HOME),
        ("::ffff:127.0.0.1", HOME, PROXIES, HOME),
        ("198.51.100.1", HOME, PROXIES, "198.51.100.1"),
        ("10.1.1.1", f"1.2.3.4, {HOME}, 10.2.2.2", PROXIES, HOME),
        ("10.1.1.1", f"{HOME}, nonsense", PROXIES, "10.1.1.1"),
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", PROXIES, "10.3.3.3"),
        ("10.1.1.1", "", PROXIES, "10.1.1.1"),
        ("fd00::1", "2001:db8::1", PROXIES, "2001:db8::1"),
    ],
)
def test_a_proxy_is_believed_where_it_is_one_of_ours(
    peer: str, said: str, trusted: tuple[str, ...], caller: str
) -> None:
    assert told(peer, {"x-forwarded-for": said}, trusted)[0] == caller


def test_the_scheme_is_the_proxy_s_where_it_is_one_of_ours() -> None:
    sent = {"x-forwarded-for": HOME, "x-forwarded-proto": "http, https"}

    assert told("10.1.1.1", sent, PROXIES) == (HOME, "https")
    assert told("192.0.2.1", sent, PROXIES) == ("192.0.2.1", "http")
    assert told("10.1.1.1", {"x-forwarded-proto": "gopher"}, PROXIES) == ("10.1.1.1", "http")


@pytest.fixture
def visitor(door: Door) -> Visitor:
    visitor = Visitor(door)
    visitor.enter(employ(door))
    return visitor


def test_signing_out_ends_the_session_for_whoever_has_its_cookie_and_no_other(
    visitor: Visitor, door: Door
) -> None:
    admin = next(a for a in door.principals.admins() if a.username == "anna")
    other = door.sessions.begun(admin)
    copied = visitor.cookie

    assert visitor.post("/panel/logout").status == 303

    def opened(cookie: str) -> int:
        path = "/panel/DEFAULT/webhooks"
        return door.call("GET", path, headers={"cookie": f"loyalty_session={cookie}"}).status_code

    assert (opened(copied), opened(other)) == (303, 200)


def test_signing_in_leaves_a_cookie_by_which_the_device_is_known(door: Door) -> None:
    employ(door)
    cookies = Visitor(door).sign_in().headers.get_list("set-cookie")

    (device,) = [cookie for cookie in cookies if cookie.startswith("loyalty_device=")]
    said = {part.strip().lower() for part in device.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/panel", "max-age=31536000"} <= said
