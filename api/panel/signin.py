"""Signing in and out, and choosing a store."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from api.auth.authentication import DEVICE_COOKIE, client_address
from api.auth.logins import TOKEN_LIFETIMES, LoginService, TooManyLogins
from api.panel.pages import PageRenderer, panel_root, redirect_to
from api.panel.session_guard import SignedIn
from api.panel.sessions import SESSION_COOKIE, SESSION_SECONDS, SessionService

NO_KEY_TEXT = "Nobody can sign in: LOYALTY_SECRET_KEY is not set. `loyalty secret-key` makes one."
DEVICE_SECONDS = int(TOKEN_LIFETIMES["device"].total_seconds())
WRONG_LOGIN_TEXT = "User name and password do not belong together."


def routes(
    pages: PageRenderer,
    logins: LoginService | None,
    sessions: SessionService | None,
    store_codes: Callable[[], Iterable[str]],
    now: Callable[[], datetime],
) -> APIRouter:
    router = APIRouter()

    def form(request: Request, then: str, error: str = "", status: int = 200, username: str = "") -> Response:
        return pages.page(request, "login", status=status, then=then, error=error, username=username)

    @router.get("/login")
    async def ask(request: Request, next: str = "") -> Response:
        return form(request, next) if sessions else form(request, next, NO_KEY_TEXT, 503)

    @router.post("/login")
    async def sign_in(
        request: Request,
        username: Annotated[str, Form(max_length=255)] = "",
        password: Annotated[str, Form(max_length=255)] = "",
        then: Annotated[str, Form(alias="next")] = "",
    ) -> Response:
        if logins is None or sessions is None:
            return form(request, then, NO_KEY_TEXT, 503)
        try:
            device = request.cookies.get(DEVICE_COOKIE, "")
            admin = await logins.login(username, password, client_address(request.scope), now(), device)
        except TooManyLogins as many:
            wait = int(many.wait.total_seconds()) + 1
            answer = form(request, then, f"Too many tries: wait {wait} seconds.", 429, username)
            answer.headers["Retry-After"] = str(wait)
            return answer
        if admin is None:
            return form(request, then, WRONG_LOGIN_TEXT, 401, username)
        answer = RedirectResponse(_ours(request, then), 303)
        _keep(request, answer, SESSION_COOKIE, sessions.begun(admin), SESSION_SECONDS)
        _keep(request, answer, DEVICE_COOKIE, logins.device(admin, now()), DEVICE_SECONDS)
        return answer

    @router.post("/logout")
    async def sign_out(request: Request) -> Response:
        """The session ends, for whoever holds its cookie too."""
        if sessions is not None:
            await sessions.end(request.cookies.get(SESSION_COOKIE, ""))
        answer = redirect_to(request, "/login")
        answer.delete_cookie(SESSION_COOKIE, path=panel_root(request) or "/")
        return answer

    @router.get("/")
    async def choose(request: Request, session: SignedIn) -> Response:
        """The only store's page, or a choice."""
        codes = sorted(code for code in store_codes() if session.may_enter(code))
        if len(codes) == 1:
            return redirect_to(request, f"/{codes[0]}/webhooks")
        return pages.page(request, "stores", codes=codes)

    return router


def _keep(request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=panel_root(request) or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        # A link in a message leads to the page, signed in; no form of another site does.
        samesite="lax",
    )


def _ours(request: Request, then: str) -> str:
    """Where to go on: a page of the panel, never another site's."""
    root = panel_root(request)
    inside = then.startswith(f"{root}/") and not then.startswith("//") and "\\" not in then
    return then if inside and then.isprintable() else f"{root}/"
