"""/api/{storeCode}/webhook/…: who wants which webhook, where."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api import bodies
from api.bodies import CreationBody, ReplacementBody
from api.errors import Complaint, Invalid
from api.fields import StoreCode, id_in_path
from api.listing import Column, listed
from api.targets import TargetPolicy
from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.webhooks.names import LEGACY_TYPES, event_name

LOG = logging.getLogger(__name__)

SubscriptionId = Annotated[str, id_in_path("webhookSubscription")]

# A filter sees what the client sees: instants to the second.
COLUMNS: dict[str, Column[Subscription]] = {
    "webhookSubscriptionId": Column("text", lambda s: s.subscription_id),
    "eventName": Column("text", lambda s: s.event_name, lambda name: event_name(name) or name),
    "url": Column("text", lambda s: s.url),
    "legacy": Column("flag", lambda s: s.legacy),
    "createdAt": Column("instant", lambda s: s.created_at.replace(microsecond=0)),
}


class SubscriptionLog(Protocol):
    async def write(self, subscription_id: str, value: Subscription | None) -> None:
        """Durable, and in the index, when it returns; None ends the subscription. Raises Retryable."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What the routes do, apart from HTTP."""

    index: Subscriptions
    log: SubscriptionLog
    targets: TargetPolicy
    now: Callable[[], datetime]

    def page(self, store: str, parameters: list[tuple[str, str]]) -> dict[str, Any]:
        items, total = listed(
            self.index.of_store(store), parameters, COLUMNS, lambda s: (s.created_at, s.subscription_id)
        )
        return {"items": [bodies.row(item) for item in items], "total": total}

    def one(self, store: str, subscription_id: str) -> Subscription:
        """Raises 404 for another store's, as for none at all."""
        found = self.index.get(subscription_id)
        if found is None or found.store != store:
            raise HTTPException(404)
        return found

    async def create(self, store: str, body: bodies.Creation) -> str:
        subscription = Subscription(
            subscription_id=str(uuid.uuid4()),
            store=store,
            event_name=bodies.known_event(body.event_name),
            url=bodies.checked_url(body, self.targets),
            created_at=self.now(),
            headers=bodies.headers_of(body),
            legacy=body.legacy,
        )
        await self.log.write(subscription.subscription_id, subscription)
        return subscription.subscription_id

    async def replace(self, store: str, subscription_id: str, body: bodies.Replacement) -> None:
        current = self.one(store, subscription_id)
        if body.event_name is not None and bodies.known_event(body.event_name) != current.event_name:
            message = f"The event cannot be changed: it stays {current.event_name}."
            raise Invalid(Complaint(f"{bodies.ROOT}.eventName", message, "immutable"))
        changed = msgspec.structs.replace(
            current,
            url=bodies.checked_url(body, self.targets),
            headers=bodies.headers_of(body),
            legacy=current.legacy if body.legacy is None else body.legacy,
        )
        await self.log.write(subscription_id, changed)

    async def delete(self, store: str, subscription_id: str) -> None:
        await self.log.write(self.one(store, subscription_id).subscription_id, None)


def routes(webhooks: Webhooks) -> APIRouter:
    """The contract's paths, verbs and statuses."""
    router = APIRouter(prefix="/api/{storeCode}/webhook", tags=["webhooks"])
    collection, single = "/subscription", "/subscription/{webhookSubscription}"

    @router.get(collection, summary="List subscriptions", openapi_extra={"parameters": _PARAMETERS})
    async def index(store: StoreCode, request: Request) -> JSONResponse:
        """Filters are `field=value` or `field[operator]=value`, all of which must hold."""
        return JSONResponse(webhooks.page(store, request.query_params.multi_items()))

    @router.post(collection, summary="Subscribe to an event", responses=_CREATED)
    async def create(store: StoreCode, body: CreationBody, request: Request) -> JSONResponse:
        """Effective at once. An event may have several subscriptions."""
        subscription_id = await webhooks.create(store, body.webhook_subscription)
        _audit(request, "created", subscription_id)
        return JSONResponse({"webhookSubscriptionId": subscription_id})

    @router.get(single, summary="Read a subscription")
    async def read(store: StoreCode, subscription_id: SubscriptionId) -> JSONResponse:
        return JSONResponse(bodies.detail(webhooks.one(store, subscription_id)))

    @router.put(single, summary="Replace a subscription", status_code=204, response_class=Response)
    async def replace(
        store: StoreCode, subscription_id: SubscriptionId, body: ReplacementBody, request: Request
    ) -> None:
        """The event stays. Headers not given again are gone: none goes to an address it was not meant for."""
        await webhooks.replace(store, subscription_id, body.webhook_subscription)
        _audit(request, "replaced", subscription_id)

    @router.delete(single, summary="End a subscription", status_code=204, response_class=Response)
    async def delete(store: StoreCode, subscription_id: SubscriptionId, request: Request) -> None:
        await webhooks.delete(store, subscription_id)
        _audit(request, "deleted", subscription_id)

    @router.get("/event", summary="List the events to subscribe to")
    async def events(store: StoreCode) -> JSONResponse:  # noqa: ARG001 - the path has it
        return JSONResponse({"items": sorted(LEGACY_TYPES)})

    return router


def _audit(request: Request, what: str, subscription_id: str) -> None:
    LOG.info("subscription %s %s by %s", subscription_id, what, request.state.caller.name)


_CREATED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {"example": {"webhookSubscriptionId": "8f7c0b6e-6c53-4d46-9d0d-0f5b7b2f6a11"}}
        }
    }
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
        ("_orderBy[createdAt]", {"type": "string", "enum": ["asc", "desc"]}, "Any field of the filters."),
    )
]
