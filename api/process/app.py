"""The application, built from its ports."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.middleware import Middleware

from api.auth.audit import Audit, Audited, Log
from api.auth.authentication import HEADER, OPEN, Authenticator, Guarded
from api.auth.logins import Logins
from api.auth.principals import Callers
from api.contract.endpoint_credentials import Vault
from api.contract.url_policy import TargetPolicy
from api.panel.app import Parts, create_panel
from api.panel.forecasts import Forecasts
from api.panel.sessions import Sessions
from api.problems import Complaint
from api.process.answer_headers import AnswerHeaders
from api.process.forwarded import Forwarded
from api.rest import (
    admins,
    command_status,
    custom_events,
    dead_letters,
    deliveries,
    delivery_explanations,
    erasure,
    error_answers,
    member_state,
    members,
    overview,
    points,
    rewards,
    store_settings,
    transactions,
    webhook_docs,
)
from api.rest.admins import Access
from api.rest.body_limit import BodyLimit
from api.rest.description import DESCRIPTION
from api.rest.member_state import Past, Reading
from api.rest.replays import routes as replay_routes
from api.rest.store_settings import Programme
from api.rest.subscriptions import routes as subscription_routes
from api.services.command_outcomes import Book, Outcomes
from api.services.command_service import Desk
from api.services.dead_letters import DeadLetterPort, DeadLetterService
from api.services.deliveries import Deliveries
from api.services.delivery_explanations import Whys
from api.services.endpoint_health import Conditions, Standings
from api.services.overview import Flow, Overviews
from api.services.replays import ReplayPorts, ReplayService
from api.services.signing_keys import Signer
from api.services.subscriptions import Webhooks
from api.services.webhook_event_search import Events, EventsPublished
from connectors.http.attempt_sender import AttemptSender
from streams.access import ApiKey
from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.kafka.unfit_records import SetAside
from streams.settings import Network
from streams.topics import ATTEMPTS, DAY

ABOUT_MEMBERS = (members, points, transactions, rewards, custom_events, command_status)
SECURITY: dict[str, Any] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": HEADER},
    "Login": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


def create_app(
    *,
    subscriptions: Subscriptions,
    log: Log[Subscription],
    authenticator: Authenticator,
    targets: TargetPolicy,
    now: Callable[[], datetime],
    caught_up: Callable[[], bool],
    outcomes: Outcomes,
    book: Book,
    past: Past,
    stores: Callable[[str], StoreSettings | None],
    settings_log: Log[StoreSettings],
    attempt_sender: AttemptSender,
    callers: Callers,
    key_log: Log[ApiKey],
    audit: Audit,
    store_codes: Callable[[], Iterable[str]],
    conditions: Conditions,
    forecasts: Forecasts,
    replaying: ReplayPorts,
    box: DeadLetterPort,
    journal: Deliveries,
    published: EventsPublished,
    flow: Flow,
    aside: Callable[[], Sequence[SetAside]],
    dotted_names: bool = False,
    logins: Logins | None = None,
    sessions: Sessions | None = None,
    signer: Signer | None = None,
    vault: Vault | None = None,
    trusted_proxies: Sequence[Network] = (),
) -> FastAPI:
    """The API over `subscriptions`, `book`, `stores` and the orders of `replaying`, which are kept current by
    whoever follows the topics behind `log`, `outcomes`, `settings_log` and the logs of `replaying`. What is
    changed is told to `audit` first."""
    app = FastAPI(
        title="Loyalty webhooks",
        description=DESCRIPTION,
        redirect_slashes=False,
        # Those of the framework load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        # Outermost first: nobody sends us a body before we know who it is.
        middleware=[
            Middleware(AnswerHeaders),
            Middleware(Forwarded, trusted=trusted_proxies),
            Middleware(Guarded, authenticator=authenticator),
            Middleware(BodyLimit),
        ],
    )
    error_answers.install(app)
    desk = Desk(outcomes, book, stores, now)
    keys = Audited(key_log, audit, "API key")
    webhooks = Webhooks(
        subscriptions, Audited(log, audit, "subscription"), targets, now, attempt_sender, signer, vault
    )
    settings, read = Programme(stores, Audited(settings_log, audit, "settings")), Reading(desk, past)
    replays = ReplayService(replaying, Audited(replaying.log, audit, "replay"), webhooks.one, now)
    letters = DeadLetterService(box, webhooks.one, audit)
    standings = Standings(conditions)
    overviews = Overviews(flow, journal, subscriptions, standings, now, aside)
    events = Events(journal, published)
    whys = Whys(journal, events, subscriptions, log, conditions.get, now, ATTEMPTS.retention or 30 * DAY)
    for router in (
        deliveries.routes(journal, subscriptions, dotted_names=dotted_names),
        delivery_explanations.routes(whys),
        subscription_routes(webhooks),
        replay_routes(replays),
        dead_letters.routes(letters),
        store_settings.routes(settings),
        member_state.routes(read),
        admins.routes(Access(callers, keys, logins, now)),
        overview.routes(overviews),
    ):
        app.include_router(router, responses=FAILURES)
    for module in ABOUT_MEMBERS:
        app.include_router(module.routes(desk), responses=FAILURES | PENDING)
    app.include_router(erasure.routes(desk, audit), responses=FAILURES | PENDING)
    app.include_router(webhook_docs.routes())
    webhook_docs.mount_reference(app)

    @app.get("/health", summary="Whether requests can be answered", tags=["operation"])
    async def health() -> JSONResponse:
        """503 until all subscriptions have been read, and when they cannot be read any more."""
        ready = caught_up()
        return JSONResponse({"status": "OK" if ready else "Problem"}, 200 if ready else 503)

    # Without the last slash it would be no page of the panel's, and none of ours.
    @app.get("/panel", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def people() -> RedirectResponse:
        return RedirectResponse("/panel/")

    panel = Parts(
        webhooks=webhooks,
        programme=settings,
        forecasts=forecasts,
        reading=read,
        desk=desk,
        deliveries=journal,
        whys=whys,
        replays=replays,
        letters=letters,
        dotted_names=dotted_names,
        standings=standings,
        overviews=overviews,
        store_codes=store_codes,
        logins=logins,
        sessions=sessions,
        now=now,
    )
    app.mount("/panel", create_panel(panel))
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
                operation["security"] = [] if path in OPEN else [{"ApiKey": []}, {"Login": []}]
                # The framework would answer 422; ours is 400.
                operation["responses"].pop("422", None)
                if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ())):
                    operation["responses"]["422"] = REUSED
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _failure(text: str, example: object) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"example": example}}}


REUSED = _failure(
    "The Idempotency-Key was used for another request",
    {"code": 422, "message": "This Idempotency-Key was used for another request: take another key."},
)
PENDING: dict[int | str, dict[str, Any]] = {
    202: _failure(
        "Written, and not decided in time: ask at `statusUrl`",
        {"commandId": "8f7c0b6e-6c53-4d46-9d0d-0f5b7b2f6a11", "status": "pending", "statusUrl": "/api/…"},
    )
}
FAILURES: dict[int | str, dict[str, Any]] = {
    400: _failure(
        "A field or parameter is not valid",
        {
            "code": 400,
            "message": "Validation failed",
            "errors": [Complaint("webhookSubscription.url", "Field required", "missing").body()],
        },
    ),
    401: _failure("No key, or one that is not accepted", {"message": "Authentication Required"}),
    403: _failure("The key's scopes do not allow it", {"code": 403, "message": "Forbidden."}),
    404: _failure("There is none", {"code": 404, "message": "Not Found"}),
    409: _failure(
        "What it is about is not as it would have to be",
        {
            "code": 409,
            "message": "Conflict",
            "errors": [Complaint("memberId", "is active already", "refused").body()],
        },
    ),
    413: _failure(
        "A body of more than 64 KiB", {"code": 413, "message": "The body has more than 65536 bytes."}
    ),
    429: _failure(
        "Too many commands wait: see Retry-After", {"code": 429, "message": "Too many commands wait."}
    ),
    503: _failure("Kafka does not answer in time: see Retry-After", [{"status": "Problem", "retryAfter": 2}]),
}
