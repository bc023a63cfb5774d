"""Somebody at the panel without a script: pages asked for, forms sent, texts read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from api.auth import passwords
from streams.access import SCOPES, Admin, Scope
from tests.api.conftest import Door, _shared
from tests.samples import uid

PASSWORD = "correct horse battery"
_HASHED = passwords.hash_password(PASSWORD)
_CHOSEN = {"checkbox", "radio"}
_UNSEEN = {"script", "style", "title", "head"}


class _Reader(HTMLParser):
    """What a person sees, and what the forms hold."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.fields: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self._unseen = 0
        self._link: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._unseen += tag in _UNSEEN
        name = found.get("name")
        if tag == "input" and name and ("checked" in found or found.get("type") not in _CHOSEN):
            self.fields[name] = found.get("value") or ""
        if tag == "a":
            self._link = found.get("href")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN
        if tag == "a":
            self._link = None

    def handle_data(self, data: str) -> None:
        if not self._unseen and data.strip():
            self.words.append(" ".join(data.split()))
            if self._link:
                self.links[self.words[-1]] = self._link


@dataclass(frozen=True)
class Page:
    status: int
    html: str
    headers: httpx.Headers
    _reader: _Reader = field(default_factory=_Reader)

    def __post_init__(self) -> None:
        self._reader.feed(self.html)

    @property
    def text(self) -> str:
        """All that is to be seen, blanks between."""
        return " ".join(self._reader.words)

    @property
    def fields(self) -> dict[str, str]:
        """Values of the inputs."""
        return self._reader.fields

    @property
    def links(self) -> dict[str, str]:
        """By their text."""
        return self._reader.links

    @property
    def location(self) -> str:
        return str(self.headers.get("location", ""))

    def rows(self) -> list[str]:
        """Each table row's text."""
        bodies = re.findall(r"<tbody>(.*?)</tbody>", self.html, re.DOTALL)
        return [_seen(row) for body in bodies for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]


def _seen(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    return " ".join(reader.words)


class Visitor:
    """At `door`, with the cookie of whoever signed in last."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.cookie = ""
        self.form_token = ""

    def get(self, path: str, **query: str) -> Page:
        return self._page("GET", path, params=query or None)

    def post(self, path: str, **fields: str | list[str]) -> Page:
        """With the form's token unless another is among the fields."""
        return self._page("POST", path, data={"form_token": self.form_token, **fields})

    def sign_in(self, username: str = "anna", password: str = PASSWORD, then: str = "") -> Page:
        said = {"username": username, "password": password, "next": then}
        page = self._page("POST", "/panel/login", data=said)
        found = re.match(r"loyalty_session=([^;]+)", page.headers.get("set-cookie", ""))
        if found:
            self._begin(found[1])
        return page

    def enter(self, admin: Admin) -> None:
        """Signed in, without the tenth of a second that a password takes."""
        self._begin(self.door.sessions.begun(admin))

    def _begin(self, cookie: str) -> None:
        self.cookie = cookie
        session = self.door.sessions.read(cookie)
        self.form_token = session.form_token if session else ""

    def _page(self, method: str, path: str, **options: object) -> Page:
        url = urlsplit(path)
        if options.get("params") is None:
            options["params"] = parse_qsl(url.query, keep_blank_values=True)
        headers = {"sec-fetch-site": "same-origin"}
        if self.cookie:
            headers["cookie"] = f"loyalty_session={self.cookie}"
        answer = self.door.call(method, url.path, headers=headers, **options)
        return Page(answer.status_code, answer.text, answer.headers)


def employ(
    door: Door, username: str = "anna", *, scopes: tuple[Scope, ...] = SCOPES, stores: tuple[str, ...] = ()
) -> Admin:
    """An admin with the password that all have here."""
    made = Admin(
        admin_id=uid(700 + len(door.principals)),
        username=username,
        password=_HASHED,
        created_at=door.clock.peek(),
        tokens_since=door.clock.peek(),
        scopes=scopes,
        stores=stores,
    )
    door.principals.put_admin(made.admin_id, made)
    return made


@pytest.fixture
def door() -> Iterator[Door]:
    shared = _shared()
    shared.reset()
    yield shared
    for admin in shared.principals.admins():
        shared.principals.put_admin(admin.admin_id, None)


@pytest.fixture
def visitor(door: Door) -> Visitor:
    """Signed in, and allowed everything."""
    made = Visitor(door)
    made.enter(employ(door))
    return made
