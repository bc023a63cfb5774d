"""/api/{storeCode}/webhook/…: who wants which webhook, where."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

import msgspec
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api import bodies, options
from api.access import requires
from api.bodies import CreationBody, ReplacementBody
from api.credentials import Vault, authenticated, sealed
from api.errors import Complaint, Invalid
from api.example_send import sent_example
from api.fields import StoreCode, id_in_path
from api.listing import Column, page
from api.signing import Signer, rotated, signed
from api.targets import TargetPolicy
from connectors.http.courier import Courier
from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions, names_of
from streams.webhooks.names import LEGACY_TYPES, event_name

LOG = logging.getLogger(__name__)

COLLECTION, SINGLE = "/subscription", "/subscription/{webhookSubscription}"
_IF_MATCH = "The ETag that was read: 412 where the subscription has changed since."
Change = Callable[[Subscription], tuple[Subscription, str | None]]
SubscriptionId = Annotated[str, id_in_path("webhookSubscription")]

# A filter sees what the client sees: instants to the second.
COLUMNS: dict[str, Column[Subscription]] = {
    "webhookSubscriptionId": Column("text", lambda s: s.subscription_id),
    "eventName": Column("text", names_of, lambda name: event_name(name) or name),
    "url": Column("text", lambda s: s.url),
    "legacy": Column("flag", lambda s: s.legacy),
    "state": Column("text", lambda s: s.state),
    "createdAt": Column("instant", lambda s: s.created_at.replace(microsecond=0)),
}


class SubscriptionLog(Protocol):
    async def write(self, subscription_id: str, value: Subscription | None) -> None:
        """Durable, and in the index, when it returns; None ends the subscription. Raises Retryable."""

    async def current(self) -> None:
        """Returns once the index has all that was written before the call, by whichever process."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What the routes do, apart from HTTP. What it reads is as of the call: each waits for the index."""

    index: Subscriptions
    log: SubscriptionLog
    targets: TargetPolicy
    now: Callable[[], datetime]
    courier: Courier
    signer: Signer | None = None
    vault: Vault | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def page(self, store: str, parameters: list[tuple[str, str]]) -> dict[str, Any]:
        await self.log.current()
        return page(
            self.index.of_store(store), parameters, COLUMNS, _place, lambda s: bodies.row(s, self.vault)
        )

    async def one(self, store: str, subscription_id: str) -> Subscription:
        """Raises 404 for another store's, as for none at all."""
        await self.log.current()
        found = self.index.get(subscription_id)
        if found is None or found.store != store:
            raise HTTPException(404)
        return found

    async def create(self, store: str, body: bodies.Creation) -> tuple[Subscription, str | None]:
        """The subscription, and its secret where it is signed."""
        now = self.now()
        plain = Subscription(
            subscription_id=str(uuid.uuid4()),
            store=store,
            event_name=bodies.known_event(body.event_name),
            further_events=bodies.known_events(body.further_events),
            url=bodies.checked_url(body, self.targets),
            created_at=now,
            headers=sealed(bodies.headers_of(body), self.vault),
            legacy=body.legacy,
            revision=1,
        )
        made, secret = self._secured(options.applied(plain, body), body, now)
        await self.log.write(made.subscription_id, made)
        return made, secret

    async def change(
        self, store: str, subscription_id: str, revision: int | None, change: Change
    ) -> tuple[Subscription, str | None]:
        """What `change` makes of it, and the secret that comes with that. Raises 412 where it is not at
        `revision` any more. Changes of one process come one after the other."""
        async with self.turn:
            current = await self.one(store, subscription_id)
            _require(current, revision)
            changed, secret = change(current)
            if changed != current:
                await self.log.write(
                    subscription_id, msgspec.structs.replace(changed, revision=current.revision + 1)
                )
            return changed, secret

    def replaced(self, current: Subscription, body: bodies.Replacement) -> tuple[Subscription, str | None]:
        if body.event_name is not None and bodies.known_event(body.event_name) != current.event_name:
            message = f"The event cannot be changed: it stays {current.event_name}."
            raise Invalid(Complaint(f"{options.ROOT}.eventName", message, "immutable"))
        further = body.further_events
        changed = msgspec.structs.replace(
            current,
            url=bodies.checked_url(body, self.targets),
            headers=sealed(bodies.headers_of(body), self.vault, current.headers),
            legacy=current.legacy if body.legacy is None else body.legacy,
            further_events=current.further_events if further is None else bodies.known_events(further),
        )
        if body.state == "disabled" != current.state:
            raise Invalid(Complaint(f"{options.ROOT}.state", "Only the sender disables.", "immutable"))
        if body.state is not None and body.state != "disabled":
            changed = options.with_state(changed, body.state, self.now())
        return self._secured(options.applied(changed, body), body, self.now())

    def _secured(
        self, subscription: Subscription, body: bodies.Target, now: datetime
    ) -> tuple[Subscription, str | None]:
        """Authenticated and signed as it is wanted, and the signing secret where it is new."""
        shown = authenticated(subscription, body.auth, self.vault, self.targets)
        return signed(shown, bodies.signing_wanted(body), self.signer, now)

    async def delete(self, store: str, subscription_id: str, revision: int | None) -> None:
        async with self.turn:
            current = await self.one(store, subscription_id)
            _require(current, revision)
            await self.log.write(subscription_id, None)


def _place(subscription: Subscription) -> tuple[str, ...]:
    return subscription.created_at.isoformat(timespec="microseconds"), subscription.subscription_id


def _require(current: Subscription, revision: int | None) -> None:
    if revision is not None and revision != current.revision:
        raise HTTPException(412, "Precondition Failed")


def revision_asked_for(
    if_match: Annotated[str | None, Header(alias="If-Match", max_length=64, description=_IF_MATCH)] = None,
) -> int | None:
    """The revision that the client has seen. Anything that is no revision of ours matches none: -1."""
    if if_match is None or if_match.strip() == "*":
        return None
    seen = if_match.strip().removeprefix("W/").strip('"')
    return int(seen) if seen.isascii() and seen.isdigit() else -1


Seen = Annotated[int | None, Depends(revision_asked_for)]


def routes(webhooks: Webhooks) -> APIRouter:
    """The contract's paths, verbs and statuses; and, beyond it, pausing, test sends and secrets."""
    router = APIRouter(prefix="/api/{storeCode}/webhook", tags=["webhooks"])
    _reading(router, webhooks)
    _writing(router, webhooks)
    _acting(router, webhooks)
    return router


def _reading(router: APIRouter, webhooks: Webhooks) -> None:
    allowed = [requires("read")]

    @router.get(COLLECTION, summary="List subscriptions", openapi_extra=_LIST, dependencies=allowed)
    async def index(store: StoreCode, request: Request) -> JSONResponse:
        """Filters are `field=value` or `field[operator]=value`, all of which must hold. `_scroll` begins a
        walk through all, `_scroll=` with what `scroll.next` says goes on, until nothing comes."""
        return JSONResponse(await webhooks.page(store, request.query_params.multi_items()))

    @router.get(SINGLE, summary="Read a subscription", dependencies=allowed)
    async def read(store: StoreCode, subscription_id: SubscriptionId) -> JSONResponse:
        found = await webhooks.one(store, subscription_id)
        return JSONResponse(bodies.detail(found, webhooks.vault), headers={"ETag": f'"{found.revision}"'})

    @router.get("/event", summary="List the events to subscribe to", dependencies=allowed)
    async def events(store: StoreCode) -> JSONResponse:  # noqa: ARG001 - the path has it
        return JSONResponse({"items": sorted(LEGACY_TYPES)})


def _writing(router: APIRouter, webhooks: Webhooks) -> None:
    allowed = [requires("subscriptions")]

    @router.post(COLLECTION, summary="Subscribe to an event", responses=_CREATED, dependencies=allowed)
    async def create(store: StoreCode, body: CreationBody, request: Request) -> JSONResponse:
        """Effective at once. An event may have several subscriptions. A `secret` is shown this once."""
        made, secret = await webhooks.create(store, body.webhook_subscription)
        _audit(request, "created", made.subscription_id)
        return JSONResponse({"webhookSubscriptionId": made.subscription_id, **_shown_once(secret)})

    @router.put(SINGLE, summary="Replace a subscription", responses=_REPLACED, dependencies=allowed)
    async def replace(
        store: StoreCode, subscription_id: SubscriptionId, body: ReplacementBody, request: Request, seen: Seen
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
        return JSONResponse(_shown_once(secret)) if secret else Response(status_code=204)

    @router.delete(SINGLE, summary="End a subscription", dependencies=allowed, **_NOTHING)
    async def delete(store: StoreCode, subscription_id: SubscriptionId, request: Request, seen: Seen) -> None:
        await webhooks.delete(store, subscription_id, seen)
        _audit(request, "deleted", subscription_id)


def _acting(router: APIRouter, webhooks: Webhooks) -> None:
    allowed = [requires("subscriptions")]

    def state_route(name: str, state: Literal["active", "paused"], summary: str) -> None:
        @router.post(f"{SINGLE}/{name}", summary=summary, dependencies=allowed, name=name, **_NOTHING)
        async def set_state(
            store: StoreCode, subscription_id: SubscriptionId, request: Request, seen: Seen
        ) -> None:
            """While it is paused, what it wants waits, and is delivered once it is active again."""

            def change(current: Subscription) -> tuple[Subscription, None]:
                return options.with_state(current, state, webhooks.now()), None

            await webhooks.change(store, subscription_id, seen, change)
            _audit(request, f"made {state}", subscription_id)

    state_route("pause", "paused", "Hold what a subscription wants")
    state_route("resume", "active", "Deliver again")

    @router.post(f"{SINGLE}/secret", summary="Replace a secret by a new one", dependencies=allowed)
    async def rotate(
        store: StoreCode, subscription_id: SubscriptionId, request: Request, seen: Seen
    ) -> JSONResponse:
        """Shown this once. The old one signs too for a day; at most once in 5 minutes."""

        def change(current: Subscription) -> tuple[Subscription, str | None]:
            return rotated(current, webhooks.signer, webhooks.now())

        _, secret = await webhooks.change(store, subscription_id, seen, change)
        _audit(request, "given another secret", subscription_id)
        return JSONResponse(_shown_once(secret))

    @router.post(f"{SINGLE}/test", summary="Send an example to the endpoint", dependencies=allowed)
    async def test(store: StoreCode, subscription_id: SubscriptionId, request: Request) -> JSONResponse:
        """One request with an example body of its first event, now, whatever its state and filter; what came
        of it is told, and nothing else happens."""
        found = await webhooks.one(store, subscription_id)
        _audit(request, "tested", subscription_id)
        return JSONResponse(await sent_example(found, webhooks.courier, webhooks.now()))


def _shown_once(secret: str | None) -> dict[str, str]:
    return {} if secret is None else {"secret": secret}


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
    "responses": {412: {"description": "It has been changed since."}},
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
