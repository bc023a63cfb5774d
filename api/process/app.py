"""The application, built from its ports."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.middleware import Middleware

from api.auth.audit import AuditedLog, AuditTrail, ChangeLog
from api.auth.authentication import HEADER, PUBLIC_PATHS, REQUIRED, AuthenticationMiddleware, Authenticator
from api.auth.logins import LoginService
from api.auth.principals import Principals
from api.contract.endpoint_credentials import SecretVault
from api.contract.url_policy import TargetPolicy
from api.panel.app import PanelServices, create_panel
from api.panel.forecasts import ForecastService
from api.panel.refusals import FailureQueries
from api.panel.sessions import SessionService
from api.portal import routes as portal_routes
from api.portal.deployment import Deployment, default_deployment
from api.portal.site import PortalSite
from api.problems import Complaint
from api.process import health
from api.process.answer_headers import AnswerHeaders
from api.process.forwarded import ForwardedAddress
from api.process.http_metrics import HttpMetrics, RequestMeter
from api.rest import (
    admins,
    command_status,
    commands,
    custom_events,
    dead_letters,
    deliveries,
    delivery_explanations,
    erasure,
    error_answers,
    listeners,
    member_state,
    members,
    overview,
    points,
    rewards,
    store_settings,
    transactions,
    webhook_docs,
)
from api.rest.admins import ApiKeyService
from api.rest.body_limit import BodyLimit
from api.rest.description import DESCRIPTION
from api.rest.examples import ExampleReader
from api.rest.member_state import MemberHistory, MemberReads
from api.rest.replays import routes as replay_routes
from api.rest.store_settings import StoreSettingsService
from api.rest.subscriptions import routes as subscription_routes
from api.services.command_outcomes import CommandOutcomes, CommittedState
from api.services.command_service import CommandService
from api.services.dead_letters import DeadLetterPort, DeadLetterService
from api.services.deliveries import DeliveryQueries
from api.services.delivery_explanations import DeliveryExplanations
from api.services.endpoint_health import EndpointHealthService, EndpointStatuses
from api.services.listeners import ListenerPorts, ListenerService
from api.services.overview import OverviewService, PipelineSamples
from api.services.replays import ReplayPorts, ReplayService
from api.services.signing_keys import SigningKeyMaker
from api.services.subscriptions import SubscriptionService
from api.services.webhook_event_search import PublishedEventReader, WebhookEventSearch
from connectors.http.attempt_sender import AttemptSender
from streams.access import ApiKey
from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.kafka.unfit_records import UnfitRecord
from streams.runtime.probes import Probes
from streams.settings import Network
from streams.topics import ATTEMPTS, DAY

MEMBER_MODULES = (members, points, transactions, rewards, custom_events, command_status, commands)
SECURITY_SCHEMES: dict[str, Any] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": HEADER},
    "Login": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


def create_app(
    *,
    subscriptions: Subscriptions,
    log: ChangeLog[Subscription],
    authenticator: Authenticator,
    targets: TargetPolicy,
    now: Callable[[], datetime],
    probes: Probes,
    metrics: HttpMetrics,
    outcomes: CommandOutcomes,
    book: CommittedState,
    past: MemberHistory,
    stores: Callable[[str], StoreSettings | None],
    settings_log: ChangeLog[StoreSettings],
    attempt_sender: AttemptSender,
    principals: Principals,
    key_log: ChangeLog[ApiKey],
    audit: AuditTrail,
    store_codes: Callable[[], Iterable[str]],
    conditions: EndpointStatuses,
    forecasts: ForecastService,
    replaying: ReplayPorts,
    listening: ListenerPorts,
    box: DeadLetterPort,
    journal: DeliveryQueries,
    published: PublishedEventReader,
    failures: FailureQueries,
    flow: PipelineSamples,
    aside: Callable[[], Sequence[UnfitRecord]],
    dotted_names: bool = False,
    logins: LoginService | None = None,
    sessions: SessionService | None = None,
    signer: SigningKeyMaker | None = None,
    vault: SecretVault | None = None,
    trusted_proxies: Sequence[Network] = (),
    deployment: Deployment | None = None,
) -> FastAPI:
    """The API over `subscriptions`, `book`, `stores` and the orders of `replaying`, which are kept current by
    whoever follows the topics behind `log`, `outcomes`, `settings_log` and the logs of `replaying`. What is
    changed is told to `audit` first."""
    deployment = deployment or default_deployment()
    app = FastAPI(
        title="Loyalty webhooks",
        description=DESCRIPTION,
        redirect_slashes=False,
        # Those of the framework load scripts from elsewhere.
        docs_url=None,
        openapi_url="/openapi.json" if deployment.is_public else None,
        redoc_url=None,
        # Outermost first: nobody sends us a body before we know who it is.
        middleware=[
            Middleware(RequestMeter, metrics=metrics),
            Middleware(AnswerHeaders),
            Middleware(ForwardedAddress, trusted=trusted_proxies),
            Middleware(AuthenticationMiddleware, authenticator=authenticator),
            Middleware(BodyLimit),
        ],
    )
    error_answers.install_error_answers(app)
    command_service = CommandService(outcomes, book, stores, now)
    keys = AuditedLog(key_log, audit, "API key")

    async def stores_there() -> Collection[str]:
        # A store may have been put by another process a moment ago.
        await settings_log.current()
        return tuple(store_codes())

    webhooks = SubscriptionService(
        subscriptions,
        AuditedLog(log, audit, "subscription"),
        targets,
        now,
        attempt_sender,
        stores_there,
        signer,
        vault,
    )
    settings, read = (
        StoreSettingsService(stores, AuditedLog(settings_log, audit, "settings")),
        MemberReads(command_service, past),
    )
    replays = ReplayService(replaying, AuditedLog(replaying.log, audit, "replay"), webhooks.one, now)
    letters = DeadLetterService(box, webhooks.one, audit)
    standings = EndpointHealthService(conditions)
    overviews = OverviewService(flow, journal, subscriptions, standings, now, aside)
    events = WebhookEventSearch(journal, published)
    whys = DeliveryExplanations(
        journal, events, subscriptions, log, conditions.get, now, ATTEMPTS.retention or 30 * DAY
    )
    examples = ExampleReader(command_service)
    listener_log = AuditedLog(listening.log, audit, "listener")
    for router in (
        deliveries.routes(journal, subscriptions, dotted_names=dotted_names),
        delivery_explanations.routes(whys),
        subscription_routes(webhooks, examples),
        listeners.routes(ListenerService(listening, listener_log, now, signer, vault), examples),
        replay_routes(replays),
        dead_letters.routes(letters),
        store_settings.routes(settings),
        member_state.routes(read),
        transactions.reading_routes(command_service),
        admins.routes(ApiKeyService(principals, keys, logins, now)),
        overview.routes(overviews),
    ):
        app.include_router(router, responses=FAILURE_ANSWERS)
    for module in MEMBER_MODULES:
        app.include_router(module.routes(command_service), responses=FAILURE_ANSWERS | PENDING_ANSWER)
    app.include_router(erasure.routes(command_service, audit), responses=FAILURE_ANSWERS | PENDING_ANSWER)
    portal = portal_routes.routes(PortalSite(deployment, lambda: json.dumps(app.openapi(), indent=2)), now)
    if deployment.is_public:
        app.include_router(webhook_docs.routes(now))
    # The reference comes first: it lies below /docs, too.
    webhook_docs.mount_reference(app)
    app.include_router(portal.public)

    app.include_router(health.routes(probes))

    # Without the last slash it would be no page of the panel's, and none of ours.
    @app.get("/panel", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def people() -> RedirectResponse:
        return RedirectResponse("/panel/")

    panel = PanelServices(
        webhooks=webhooks,
        programme=settings,
        forecasts=forecasts,
        reading=read,
        command_service=command_service,
        deliveries=journal,
        whys=whys,
        replays=replays,
        letters=letters,
        failures=failures,
        dotted_names=dotted_names,
        standings=standings,
        overviews=overviews,
        store_codes=store_codes,
        logins=logins,
        sessions=sessions,
        now=now,
    )
    app.mount("/panel", create_panel(panel, portal.guarded))
    _secure(app)
    return app


def _secure(app: FastAPI) -> None:
    """Adds the API key to the description: it is checked outside the framework's sight."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        schema.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
        for path, operations in schema["paths"].items():
            for operation in operations.values() if path.startswith("/api/") else ():
                operation["security"] = [] if path in PUBLIC_PATHS else [{"ApiKey": []}, {"Login": []}]
                # The framework would answer 422; ours is 400.
                operation["responses"].pop("422", None)
                if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ())):
                    operation["responses"]["422"] = KEY_REUSED_ANSWER
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _failure(text: str, example: object) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"example": example}}}


KEY_REUSED_ANSWER = _failure(
    "The Idempotency-Key was used for another request",
    {"code": 422, "message": "This Idempotency-Key was used for another request: take another key."},
)
PENDING_ANSWER: dict[int | str, dict[str, Any]] = {
    202: _failure(
        "Written, and not decided in time: ask at `statusUrl`",
        {"commandId": "8f7c0b6e-6c53-4d46-9d0d-0f5b7b2f6a11", "status": "pending", "statusUrl": "/api/…"},
    )
}
FAILURE_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: _failure(
        "A field or parameter is not valid",
        {
            "code": 400,
            "message": "Validation failed",
            "errors": [Complaint("webhookSubscription.url", "Field required", "missing").body()],
        },
    ),
    401: _failure(
        "No key, or one that is not accepted",
        REQUIRED | {"hint": "Send an API key in the header X-AUTH-TOKEN: …"},
    ),
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
