"""Turns every failure of a request into the contract's answer. No stack trace leaves the process."""

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.problems import (
    UNREADABLE,
    Busy,
    Changed,
    Complaint,
    Conflict,
    Invalid,
    KeyReused,
    NotFound,
    TooSoon,
    describe_unreadable,
    invalid_value,
    shorten_json,
)
from streams.errors import Rejected, Retryable

LOG = logging.getLogger(__name__)
ErrorBody = dict[str, Any]
RETRY_AFTER_SECONDS = 2
"""Seconds."""


def install_error_answers(app: FastAPI) -> None:
    """Every failure of `app` gets its documented answer."""
    app.exception_handler(Invalid)(_invalid)
    app.exception_handler(Conflict)(_conflict)
    app.exception_handler(Rejected)(_refused)
    app.exception_handler(NotFound)(_not_found)
    app.exception_handler(Changed)(_changed)
    app.exception_handler(TooSoon)(_too_soon)
    app.exception_handler(Busy)(_busy)
    app.exception_handler(KeyReused)(_reused)
    app.exception_handler(RequestValidationError)(_malformed)
    app.exception_handler(HTTPException)(_plain)
    app.exception_handler(Retryable)(_unavailable)
    for kind in UNREADABLE:
        app.exception_handler(kind)(_unreadable)
    app.exception_handler(Exception)(_broken)


async def _invalid(_: Request, error: Invalid) -> Response:
    return _complaints(error.complaints)


async def _refused(_: Request, error: Rejected) -> Response:
    """Nothing is appended that would not read back."""
    return _complaints(invalid_value(error).complaints)


async def _conflict(_: Request, error: Conflict) -> Response:
    return JSONResponse({"code": 409, "message": "Conflict", "errors": [error.complaint.body()]}, 409)


async def _not_found(_: Request, error: NotFound) -> Response:
    return _answer(404, str(error) or "Not Found")


async def _changed(_: Request, __: Changed) -> Response:
    return _answer(412, "Precondition Failed")


async def _too_soon(_: Request, error: TooSoon) -> Response:
    return JSONResponse({"code": 429, "message": str(error)}, 429, {"Retry-After": str(error.seconds)})


async def _busy(_: Request, __: Busy) -> Response:
    body = {"code": 429, "message": "Too many commands wait for their outcome: repeat it later."}
    return JSONResponse(body, 429, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _reused(_: Request, __: KeyReused) -> Response:
    message = "This Idempotency-Key was used for another request: take another key, or repeat that request."
    return JSONResponse({"code": 422, "message": message}, 422)


async def _malformed(request: Request, error: RequestValidationError) -> Response:
    """What the framework found: a path that no resource has is 404, all else is 400."""
    found = error.errors()
    if any(detail["loc"][:1] == ("path",) for detail in found):
        return _answer(404, "Not Found")
    kind = request.headers.get("content-type", "")
    if "json" not in kind and any(detail["loc"] == ("body",) for detail in found):
        return _complaints(
            [Complaint("", f"Content-Type must be application/json, not {shorten_json(kind)}.", "type")]
        )
    return _complaints([_complaint(detail) for detail in found])


def _complaint(detail: ErrorBody) -> Complaint:
    if detail["type"] == "json_invalid":
        reason = f"The body is no JSON: {detail['ctx']['error']} (character {detail['loc'][-1]})."
        return Complaint("", reason, "json_invalid")
    path = ".".join(str(part) for part in detail["loc"][1:])
    # Only names of fields are shown with their values: anything else may hold a header's value.
    return Complaint(path, detail["msg"], detail["type"])


async def _unreadable(_: Request, error: Exception) -> Response:
    return _complaints([Complaint("", describe_unreadable(error), "unreadable")])


async def _plain(request: Request, error: HTTPException) -> Response:
    match error.status_code:
        case 404:
            return _answer(404, "Not Found")
        case 405:
            # The contract has this one code as text.
            body: ErrorBody = {"code": "405", "message": "Method Not Allowed."}
            return JSONResponse(body, 405, {"Allow": ", ".join(_allowed(request))})
        case status:
            body = {"code": status, "message": error.detail or HTTPStatus(status).phrase}
            return JSONResponse(body, status, error.headers)


def _allowed(request: Request) -> list[str]:
    """The verbs that the description has for the path: a router knows its own only."""
    paths = request.app.openapi()["paths"]
    fitting = [template for template in paths if _fits(template, request.url.path)]
    # `/member/register` is no member, though it looks like one.
    fitting.sort(key=lambda template: template.count("{"))
    return sorted(verb.upper() for template in fitting[:1] for verb in paths[template])


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)), path) is not None


async def _unavailable(request: Request, error: Retryable) -> Response:
    LOG.warning("not available: %s", error)
    message = (
        "What is asked for cannot be read at present. Repeat it."
        if request.method == "GET"
        else "Kafka did not confirm in time: the change may have been made or not. Repeat it."
    )
    body = [
        {
            "status": "Problem",
            "error": "Service Unavailable",
            "message": message,
            "retryAfter": RETRY_AFTER_SECONDS,
        }
    ]
    return JSONResponse(body, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _broken(_: Request, __: Exception) -> Response:
    return _answer(500, "Internal Server Error")


def _complaints(complaints: Sequence[Complaint]) -> Response:
    body = {
        "code": 400,
        "message": "Validation failed",
        "errors": [complaint.body() for complaint in complaints],
    }
    return JSONResponse(body, 400)


def _answer(status: int, message: str) -> Response:
    return JSONResponse({"code": status, "message": message}, status)
