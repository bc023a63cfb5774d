"""The application, built from its ports."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware

from api import contract, errors
from api.auth import HEADER, Authenticator, Guarded
from api.limits import BodyLimit
from api.subscriptions import SubscriptionLog, Webhooks, routes
from api.targets import TargetPolicy
from streams.delivery.subscription import Subscriptions

DESCRIPTION = """Subscribe to the webhooks of a loyalty programme.

Every path under `/api/` wants an API key in the header `X-AUTH-TOKEN`; `loyalty api-key` makes one."""
SECURITY: dict[str, Any] = {"ApiKey": {"type": "apiKey", "in": "header", "name": HEADER}}


def create_app(
    *,
    subscriptions: Subscriptions,
    log: SubscriptionLog,
    authenticator: Authenticator,
    targets: TargetPolicy,
    now: Callable[[], datetime],
    caught_up: Callable[[], bool],
) -> FastAPI:
    """The API over `subscriptions`, which `log` changes and whoever follows the topic keeps current."""
    app = FastAPI(
        title="Loyalty webhooks",
        description=DESCRIPTION,
        redirect_slashes=False,
        # Outermost first: nobody sends us a body before we know who it is.
        middleware=[Middleware(Guarded, authenticator=authenticator), Middleware(BodyLimit)],
    )
    errors.install(app)
    app.include_router(routes(Webhooks(subscriptions, log, targets, now)), responses=_FAILURES)
    app.include_router(contract.routes())

    @app.get("/health", summary="Whether requests can be answered", tags=["operation"])
    async def health() -> JSONResponse:
        """503 until all subscriptions have been read, and when they cannot be read any more."""
        ready = caught_up()
        return JSONResponse({"status": "OK" if ready else "Problem"}, 200 if ready else 503)

    _secure(app)
    return app


def _secure(app: FastAPI) -> None:
    """Adds the API key to the description: it is checked outside the framework's sight."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        schema.setdefault("components", {})["securitySchemes"] = SECURITY
        for path, operations in schema["paths"].items():
            for operation in operations.values() if path.startswith("/api/") else ():
                operation["security"] = [{"ApiKey": []}]
                # The framework would answer 422; ours is 400.
                operation["responses"].pop("422", None)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _failure(text: str, example: object) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"example": example}}}


_FAILURES: dict[int | str, dict[str, Any]] = {
    400: _failure(
        "A field or parameter is not valid",
        {
            "code": 400,
            "message": "Validation failed",
            "errors": [errors.Complaint("webhookSubscription.url", "Field required", "missing").body()],
        },
    ),
    401: _failure("No key, or one that is not accepted", {"message": "Authentication Required"}),
    404: _failure("There is none", {"code": 404, "message": "Not Found"}),
    413: _failure(
        "A body of more than 64 KiB", {"code": 413, "message": "The body has more than 65536 bytes."}
    ),
    503: _failure("Kafka does not answer in time: see Retry-After", [{"status": "Problem", "retryAfter": 2}]),
}
