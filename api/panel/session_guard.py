"""What stands before every page: a session, the store in its address, a scope, and a form of our own."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from api.auth.authentication import CHANGE_SOURCE, ChangeSource, client_address
from api.contract.fields import id_in_path
from api.panel.pages import panel_root
from api.panel.sessions import SESSION_COOKIE, Session, SessionService
from api.rest.store_settings import StoreSettingsService
from streams.domain.store import StoreSettings

PUBLIC_PAGES = {"/login"}
"""Paths below the panel's own that nobody need be signed in for."""
SAFE_METHODS = {"GET", "HEAD"}
SubscriptionId = Annotated[str, id_in_path("webhook")]
"""In the address of whatever page is about one."""


class SignInRequired(Exception):
    """Nobody is signed in, or not any more."""


@dataclass(frozen=True, slots=True)
class SessionGuard:
    """`sessions` None: there is no key to sign them with, and nobody gets in."""

    sessions: SessionService | None
    programme: StoreSettingsService

    async def __call__(self, request: Request) -> None:
        """Checks the session before each page. Raises SignInFirst, or 403."""
        if request.method not in SAFE_METHODS and not _from_here(request):
            raise HTTPException(403, "That request came from another site.")
        path = request.url.path.removeprefix(panel_root(request))
        if path in PUBLIC_PAGES:
            return
        cookie = request.cookies.get(SESSION_COOKIE, "")
        session = self.sessions.read(cookie) if self.sessions else None
        if self.sessions is None or session is None:
            raise SignInRequired
        if request.method not in SAFE_METHODS and not self.sessions.is_of(cookie, await _form_token(request)):
            raise HTTPException(403, "This page was made for another session: load it again.")
        request.state.session, request.state.caller = session, session.caller
        CHANGE_SOURCE.set(ChangeSource(session.username, client_address(request.scope)))

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
        cookie = request.cookies.get(SESSION_COOKIE, "")
        session = self.sessions.read(cookie) if self.sessions else None
        code = request.url.path.removeprefix(panel_root(request)).strip("/").partition("/")[0]
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


def current_session(request: Request) -> Session:
    session: Session = request.state.session
    return session


async def _store_of(request: Request, store: str) -> StoreSettings:
    door: SessionGuard = request.app.state.door
    return await door.store(request, store)


async def _known_store_of(request: Request, store: str) -> StoreSettings:
    door: SessionGuard = request.app.state.door
    return door.known_store(request, store)


SignedIn = Annotated[Session, Depends(current_session)]
CurrentStore = Annotated[StoreSettings, Depends(_store_of)]
CachedStore = Annotated[StoreSettings, Depends(_known_store_of)]
