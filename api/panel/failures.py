"""Pages for whatever goes wrong: one sentence that says what to do."""

from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.panel.pages import PageRenderer, panel_root, redirect_to
from api.panel.session_guard import SAFE_METHODS, SessionGuard, SignInRequired
from api.problems import UNREADABLE, Busy, Changed, Conflict, Invalid, NotFound, TooSoon, describe_unreadable
from streams.errors import Retryable

STATUS_SENTENCES = {
    403: "You may not do that: ask an administrator for the right to.",
    404: "There is no such page, or nothing by that name in a store of yours.",
    429: "Too many tries: wait a minute.",
    500: "Something broke here. The log of the API says what.",
}


def install_error_pages(app: FastAPI, pages: PageRenderer) -> None:
    def shown(request: Request, status: int, message: str, headers: dict[str, str] | None = None) -> Response:
        door: SessionGuard = request.app.state.door
        title = HTTPStatus(status).phrase
        page = pages.page(request, "failure", door.around(request), status, message=message, title=title)
        page.headers.update(headers or {})
        return page

    @app.exception_handler(SignInRequired)
    async def sign_in(request: Request, _: SignInRequired) -> Response:
        return _to_sign_in(request)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        said = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
        message = (
            said if said and said != "Forbidden." else STATUS_SENTENCES.get(error.status_code, error.detail)
        )
        return shown(request, error.status_code, message, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        if any(detail["loc"][:1] == ("path",) for detail in found):
            return shown(request, 404, STATUS_SENTENCES[404])
        said = (f"{detail['loc'][-1]}: {detail['msg']}." for detail in found)
        return shown(request, 400, f"This address, or what was sent to it, is not valid: {' '.join(said)}")

    @app.exception_handler(Invalid)
    async def invalid(request: Request, error: Invalid) -> Response:
        return shown(request, 400, " ".join(complaint.message for complaint in error.complaints))

    @app.exception_handler(Conflict)
    async def conflict(request: Request, error: Conflict) -> Response:
        return shown(request, 409, error.complaint.message)

    @app.exception_handler(NotFound)
    async def not_found(request: Request, _: NotFound) -> Response:
        return shown(request, 404, STATUS_SENTENCES[404])

    @app.exception_handler(Changed)
    async def changed(request: Request, _: Changed) -> Response:
        return shown(request, 412, "Somebody has changed this since it was read: load it again.")

    @app.exception_handler(TooSoon)
    async def too_soon(request: Request, error: TooSoon) -> Response:
        return shown(request, 429, str(error), {"Retry-After": str(error.seconds)})

    @app.exception_handler(Busy)
    async def busy(request: Request, _: Busy) -> Response:
        return shown(request, 429, "Too many commands wait for their outcome: try again in a moment.")

    @app.exception_handler(Retryable)
    async def unavailable(request: Request, _: Retryable) -> Response:
        message = "Kafka does not answer in time: try again in a moment."
        return shown(request, 503, message, {"Retry-After": "2"})

    async def unreadable(request: Request, error: Exception) -> Response:
        return shown(request, 400, describe_unreadable(error))

    for kind in UNREADABLE:
        app.exception_handler(kind)(unreadable)

    @app.exception_handler(Exception)
    async def broken(request: Request, _: Exception) -> Response:
        return shown(request, 500, STATUS_SENTENCES[500])


def _to_sign_in(request: Request) -> Response:
    """Redirects to the sign-in page, and from there back to the page that was asked for."""
    there = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    query = f"?{urlencode({'next': there})}" if request.method in SAFE_METHODS else ""
    if request.headers.get("hx-request"):
        # A redirect would put the whole sign-in page into a part of this one.
        return Response(status_code=200, headers={"HX-Redirect": f"{panel_root(request)}/login"})
    return redirect_to(request, f"/login{query}")
