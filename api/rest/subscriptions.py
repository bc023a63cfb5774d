"""/api/{storeCode}/webhook/…: who wants which webhook, where."""

import logging
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from api.auth.scopes import require_scope
from api.contract import subscription_bodies, subscription_options
from api.contract.fields import StoreCode, id_in_path
from api.contract.json_body import Router
from api.contract.member_bodies import exact_json
from api.contract.revisions import CHANGED_ANSWER, SeenRevision, etag
from api.contract.subscription_bodies import SubscriptionCreationBody, SubscriptionReplacementBody
from api.rest.examples import ExampleBody, ExampleReader, ExampleRequest
from api.services.sample_delivery import send_sample
from api.services.signing_keys import rotate_key, verifier_body
from api.services.subscriptions import SubscriptionService
from streams.delivery.records import Subscription
from streams.webhooks.names import LEGACY_TYPES

LOG = logging.getLogger(__name__)

COLLECTION, SINGLE = "/subscription", "/subscription/{webhookSubscription}"
SubscriptionId = Annotated[str, id_in_path("webhookSubscription")]


def routes(webhooks: SubscriptionService, examples: ExampleReader) -> APIRouter:
    """The contract's paths, verbs and statuses; and, beyond it, pausing, test sends and secrets."""
    router = Router(prefix="/api/{storeCode}/webhook", tags=["webhooks"])
    _reading(router, webhooks)
    _writing(router, webhooks)
    _acting(router, webhooks)
    _testing(router, webhooks, examples)
    return router


def _reading(router: APIRouter, webhooks: SubscriptionService) -> None:
    allowed = [require_scope("read")]

    @router.get(COLLECTION, summary="List subscriptions", openapi_extra=_LIST, dependencies=allowed)
    async def index(store: StoreCode, request: Request) -> JSONResponse:
        """Filters are `field=value` or `field[operator]=value`, all of which must hold. `_scroll` begins a
        walk through all, `_scroll=` with what `scroll.next` says goes on, until nothing comes."""
        asked = request.query_params.multi_items()
        return JSONResponse(await webhooks.page(store, asked, whole=_may_see_values(request)))

    @router.get(SINGLE, summary="Read a subscription", dependencies=allowed)
    async def read(store: StoreCode, subscription_id: SubscriptionId, request: Request) -> Response:
        """Values of headers are hidden from callers who may not change subscriptions."""
        found = await webhooks.one(store, subscription_id)
        shown = subscription_bodies.subscription_detail(found, webhooks.vault, whole=_may_see_values(request))
        return exact_json(shown, headers=etag(found.revision))

    @router.get("/event", summary="List the events to subscribe to", dependencies=allowed)
    async def events(store: StoreCode) -> JSONResponse:  # noqa: ARG001 - the path has it
        return JSONResponse({"items": sorted(LEGACY_TYPES)})


def _may_see_values(request: Request) -> bool:
    """Headers may be passwords: to be seen by those who may set them."""
    scopes: frozenset[str] = request.state.caller.scopes
    return not scopes.isdisjoint({"subscriptions", "admin"})


def _writing(router: APIRouter, webhooks: SubscriptionService) -> None:
    allowed = [require_scope("subscriptions")]

    @router.post(COLLECTION, summary="Subscribe to an event", responses=_CREATED, dependencies=allowed)
    async def create(store: StoreCode, body: SubscriptionCreationBody, request: Request) -> JSONResponse:
        """Effective at once. An event may have several subscriptions. A `secret` is shown this once."""
        made, secret = await webhooks.create(store, body.webhook_subscription)
        _audit(request, "created", made.subscription_id)
        return JSONResponse({"webhookSubscriptionId": made.subscription_id, **verifier_body(secret)})

    @router.put(SINGLE, summary="Replace a subscription", responses=_REPLACED, dependencies=allowed)
    async def replace(
        store: StoreCode,
        subscription_id: SubscriptionId,
        body: SubscriptionReplacementBody,
        request: Request,
        seen: SeenRevision,
    ) -> Response:
        """The event stays. Headers not given again are gone: none goes to an address it was not meant for.
        200 with the `secret` where signing begins, otherwise 204."""
        said = body.webhook_subscription
        _, secret = await webhooks.change(
            store,
            subscription_id,
            seen if said.revision is None else said.revision,
            lambda current: webhooks.replaced(current, said),
        )
        _audit(request, "replaced", subscription_id)
        return JSONResponse(verifier_body(secret)) if secret else Response(status_code=204)

    @router.delete(SINGLE, summary="End a subscription", dependencies=allowed, **_NOTHING)
    async def delete(
        store: StoreCode, subscription_id: SubscriptionId, request: Request, seen: SeenRevision
    ) -> None:
        await webhooks.delete(store, subscription_id, seen)
        _audit(request, "deleted", subscription_id)


def _acting(router: APIRouter, webhooks: SubscriptionService) -> None:
    allowed = [require_scope("subscriptions")]

    def state_route(name: str, state: Literal["active", "paused"], summary: str) -> None:
        @router.post(f"{SINGLE}/{name}", summary=summary, dependencies=allowed, name=name, **_NOTHING)
        async def set_state(
            store: StoreCode, subscription_id: SubscriptionId, request: Request, seen: SeenRevision
        ) -> None:
            """While it is paused, what it wants waits, and is delivered once it is active again."""

            def change(current: Subscription) -> tuple[Subscription, None]:
                return subscription_options.with_state(current, state, webhooks.now()), None

            await webhooks.change(store, subscription_id, seen, change)
            _audit(request, f"made {state}", subscription_id)

    state_route("pause", "paused", "Hold what a subscription wants")
    state_route("resume", "active", "Deliver again")

    @router.post(f"{SINGLE}/secret", summary="Replace a secret by a new one", dependencies=allowed)
    async def rotate(
        store: StoreCode, subscription_id: SubscriptionId, request: Request, seen: SeenRevision
    ) -> JSONResponse:
        """Shown this once. The old one signs too for a day; at most once in 5 minutes."""

        def change(current: Subscription) -> tuple[Subscription, str | None]:
            return rotate_key(current, webhooks.signer, webhooks.now())

        _, secret = await webhooks.change(store, subscription_id, seen, change)
        _audit(request, "given another secret", subscription_id)
        return JSONResponse(verifier_body(secret))


def _testing(router: APIRouter, webhooks: SubscriptionService, examples: ExampleReader) -> None:
    @router.post(
        f"{SINGLE}/test",
        summary="Send an example to the endpoint",
        dependencies=[require_scope("subscriptions")],
    )
    async def test(
        store: StoreCode,
        subscription_id: SubscriptionId,
        request: Request,
        body: ExampleBody | None = None,
    ) -> JSONResponse:
        """One request with an example body, marked by the header `Webhook-Test: true`, now, whatever its
        state and filter; what came of it is told, and nothing else happens. Without a body: of its first
        event, and of nobody."""
        found = await webhooks.one(store, subscription_id)
        options = await examples.read(store, body.example) if body else ExampleRequest()
        _audit(request, "tested", subscription_id)
        sample = await send_sample(
            found, webhooks.attempt_sender, webhooks.now(), options.event_name, options.member
        )
        return JSONResponse(sample.tree())


def _audit(request: Request, what: str, subscription_id: str) -> None:
    LOG.info("subscription %s %s by %s", subscription_id, what, request.state.caller.name)


_CREATED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {"example": {"webhookSubscriptionId": "8f7c0b6e-6c53-4d46-9d0d-0f5b7b2f6a11"}}
        }
    }
}
_REPLACED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Replaced, and signed from now on: the secret is shown this once."},
    204: {"description": "Replaced"},
    412: {"description": "It has been changed since: `If-Match` or `revision` is an older one."},
}
_NOTHING: dict[str, Any] = {
    "status_code": 204,
    "response_class": Response,
    "responses": CHANGED_ANSWER,
}
_PARAMETERS = [
    {"name": name, "in": "query", "required": False, "schema": schema, "description": text}
    for name, schema, text in (
        ("eventName", {"type": "string"}, "Either spelling; `eventName[like]=points`."),
        ("url", {"type": "string"}, "`url[like]=shop.example`."),
        ("legacy", {"type": "boolean"}, "Deprecated."),
        ("createdAt[gte]", {"type": "string", "format": "date-time"}, "Also gt, lt, lte, eq."),
        ("_page", {"type": "integer", "minimum": 1, "default": 1}, "Page."),
        ("_itemsOnPage", {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}, "Page size."),
        ("_scroll", {"type": "string"}, "Empty at first, then `scroll.next`; not with _page or _orderBy."),
        ("_orderBy[createdAt]", {"type": "string", "enum": ["asc", "desc"]}, "Any field of the filters."),
    )
]
_LIST = {"parameters": _PARAMETERS}
