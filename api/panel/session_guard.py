"""What stands before every page: a session, the store in its address, a scope, and a form of our own."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from api.auth.authentication import SOURCE, Source, address_of
from api.contract.fields import id_in_path
from api.panel.pages import root_of
from api.panel.sessions import COOKIE, Session, Sessions
from api.rest.store_settings import Programme
from streams.domain.store import StoreSettings

OPEN = {"/login"}
"""Paths below the panel's own that nobody need be signed in for."""
SAFE = {"GET", "HEAD"}
SubscriptionId = Annotated[str, id_in_path("webhook")]
"""In the address of whatever page is about one."""


class SignInFirst(Exception):
    """Nobody is signed in, or not any more."""


@dataclass(frozen=True, slots=True)
class Door:
    """`sessions` None: there is no key to sign them with, and nobody gets in."""

    sessions: Sessions | None
    programme: Programme

    async def __call__(self, request: Request) -> None:
        """Before each page. Raises SignInFirst, or 403."""
        if request.method not in SAFE and not _from_here(request):
            raise HTTPException(403, "That request came from another site.")
        path = request.url.path.removeprefix(root_of(request))
        if path in OPEN:
            return
        cookie = request.cookies.get(COOKIE, "")
        session = self.sessions.read(cookie) if self.sessions else None
        if self.sessions is None or session is None:
            raise SignInFirst
        if request.method not in SAFE and not self.sessions.is_of(cookie, await _form_token(request)):
            raise HTTPException(403, "This page was made for another session: load it again.")
        request.state.session, request.state.caller = session, session.caller
        SOURCE.set(Source(session.username, address_of(request.scope)))

    async def store(self, request: Request, store: str) -> StoreSettings:
        """The store in the path, as it is now. Raises 404, for one that is not the admin's own too."""
        if not request.state.session.may_enter(store):
            raise HTTPException(404)
        return await self.programme.store(store)

    def known_store(self, request: Request, store: str) -> StoreSettings:
        """The same as it was last heard of: what is of use while Kafka is away must not wait for it."""
        found = self.programme.stores(store) if request.state.session.may_enter(store) else None
        if found is None:
            raise HTTPException(404)
        return found

    def around(self, request: Request) -> StoreSettings | None:
        """The store in whose pages the address lies, whether there is such a page or not; None where nobody
        is signed in who may enter it. Its pages then know the session."""
        cookie = request.cookies.get(COOKIE, "")
        session = self.sessions.read(cookie) if self.sessions else None
        code = request.url.path.removeprefix(root_of(request)).strip("/").partition("/")[0]
        if session is None or not session.may_enter(code):
            return None
        request.state.session = session
        return self.programme.stores(code)


def _from_here(request: Request) -> bool:
    """Browsers say from which site a form was sent. Both headers are beyond a script's reach."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site in {"same-origin", "none"}
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _form_token(request: Request) -> str:
    form = await request.form(max_files=0)
    return str(form.get("form_token", ""))


def session_of(request: Request) -> Session:
    session: Session = request.state.session
    return session


async def _store_of(request: Request, store: str) -> StoreSettings:
    door: Door = request.app.state.door
    return await door.store(request, store)


async def _known_store_of(request: Request, store: str) -> StoreSettings:
    door: Door = request.app.state.door
    return door.known_store(request, store)


SignedIn = Annotated[Session, Depends(session_of)]
StoreOf = Annotated[StoreSettings, Depends(_store_of)]
KnownStoreOf = Annotated[StoreSettings, Depends(_known_store_of)]
