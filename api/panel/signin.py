"""Signing in and out, and choosing a store."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from api.auth.authentication import DEVICE, address_of
from api.auth.logins import LIVES, Logins, TooMany
from api.panel.pages import Pages, led_to, root_of
from api.panel.session_guard import SignedIn
from api.panel.sessions import COOKIE, SECONDS, Sessions

NO_KEY = "Nobody can sign in: LOYALTY_SECRET_KEY is not set. `loyalty secret-key` makes one."
DEVICE_SECONDS = int(LIVES["device"].total_seconds())
WRONG = "User name and password do not belong together."


def routes(
    pages: Pages,
    logins: Logins | None,
    sessions: Sessions | None,
    store_codes: Callable[[], Iterable[str]],
    now: Callable[[], datetime],
) -> APIRouter:
    router = APIRouter()

    def form(request: Request, then: str, error: str = "", status: int = 200, username: str = "") -> Response:
        return pages.page(request, "login", status=status, then=then, error=error, username=username)

    @router.get("/login")
    async def ask(request: Request, next: str = "") -> Response:
        return form(request, next) if sessions else form(request, next, NO_KEY, 503)

    @router.post("/login")
    async def sign_in(
        request: Request,
        username: Annotated[str, Form(max_length=255)] = "",
        password: Annotated[str, Form(max_length=255)] = "",
        then: Annotated[str, Form(alias="next")] = "",
    ) -> Response:
        if logins is None or sessions is None:
            return form(request, then, NO_KEY, 503)
        try:
            device = request.cookies.get(DEVICE, "")
            admin = await logins.login(username, password, address_of(request.scope), now(), device)
        except TooMany as many:
            wait = int(many.wait.total_seconds()) + 1
            answer = form(request, then, f"Too many tries: wait {wait} seconds.", 429, username)
            answer.headers["Retry-After"] = str(wait)
            return answer
        if admin is None:
            return form(request, then, WRONG, 401, username)
        answer = RedirectResponse(_ours(request, then), 303)
        _keep(request, answer, COOKIE, sessions.begun(admin), SECONDS)
        _keep(request, answer, DEVICE, logins.device(admin, now()), DEVICE_SECONDS)
        return answer

    @router.post("/logout")
    async def sign_out(request: Request) -> Response:
        """The session ends, for whoever holds its cookie too."""
        if sessions is not None:
            await sessions.end(request.cookies.get(COOKIE, ""))
        answer = led_to(request, "/login")
        answer.delete_cookie(COOKIE, path=root_of(request) or "/")
        return answer

    @router.get("/")
    async def choose(request: Request, session: SignedIn) -> Response:
        """The only store's page, or a choice."""
        codes = sorted(code for code in store_codes() if session.may_enter(code))
        if len(codes) == 1:
            return led_to(request, f"/{codes[0]}/webhooks")
        return pages.page(request, "stores", codes=codes)

    return router


def _keep(request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=root_of(request) or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        # A link in a message leads to the page, signed in; no form of another site does.
        samesite="lax",
    )


def _ours(request: Request, then: str) -> str:
    """Where to go on: a page of the panel, never another site's."""
    root = root_of(request)
    inside = then.startswith(f"{root}/") and not then.startswith("//") and "\\" not in then
    return then if inside and then.isprintable() else f"{root}/"
