"""/api/{storeCode}/webhook/listener…: webhooks that a developer's machine fetches for itself."""

import logging
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict, Field

from api.auth.scopes import require_scope
from api.contract.fields import BodyModel, StoreCode, id_in_path
from api.contract.json_body import Router
from api.contract.subscription_bodies import require_event_name
from api.problems import Complaint, Invalid
from api.rest.examples import ExampleBody, ExampleReader
from api.services.listener_requests import FETCH_ROOT, PreparedRequest
from api.services.listeners import (
    LISTENER_ROOT,
    MAX_REQUESTS,
    MAX_WAIT,
    FetchedRequests,
    ListenerOptions,
    ListenerService,
)
from api.services.sample_delivery import make_sample
from api.services.signing_keys import verifier_body
from streams.delivery.listeners import LEASE, Listener, is_test
from streams.delivery.subscription import ANY_EVENT
from streams.delivery.subscription_options import CloudEvents
from streams.webhooks.names import LEGACY_TYPES
from streams.webhooks.parts import iso_instant

LOG = logging.getLogger(__name__)
COLLECTION, SINGLE = "/listener", "/listener/{listener}"
ListenerId = Annotated[str, id_in_path("listener")]


class ListenerFields(BodyModel):
    forward_url: Annotated[
        str,
        Field(
            description="Where the machine forwards to. Nobody here connects to it: it may be private.",
            examples=["http://localhost:3000/hooks"],
        ),
    ]
    events: Annotated[list[str], Field(min_length=1, max_length=len(LEGACY_TYPES) + 1)] = Field(
        default_factory=lambda: [ANY_EVENT], description="Names of events in either spelling; `*`: all."
    )
    signing: Literal["none", "standard", "original"] = Field(
        "standard", description="As a subscription's: standard is Standard Webhooks."
    )
    secret: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="A `whsec_` secret to sign with. Absent: a new one, shown once."
    )
    legacy: bool = Field(False, description="The old edition's body; arrays hold one item each.")
    cloud_events: CloudEvents | None = Field(None, description="Bodies as CloudEvents 1.0.")

    def options(self) -> ListenerOptions:
        return ListenerOptions(
            event_names=tuple(dict.fromkeys(_event_name(name, i) for i, name in enumerate(self.events))),
            forward_url=self.forward_url,
            signing=self.signing,
            secret=self.secret,
            legacy=self.legacy,
            cloud_events=self.cloud_events,
        )


class ListenerBody(BodyModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    LISTENER_ROOT: {
                        "forwardUrl": "http://localhost:3000/hooks",
                        "events": ["CustomerRegistered"],
                    }
                }
            ]
        }
    )
    listener: ListenerFields


class FetchFields(BodyModel):
    after: Annotated[str, Field(max_length=20_000)] | None = Field(
        None,
        description="The `cursor` of the last request that was forwarded, or `next` of the last answer.",
    )
    wait: int = Field(0, ge=0, le=MAX_WAIT, description="Seconds for which to wait for an event.")
    most: int = Field(MAX_REQUESTS, ge=1, le=MAX_REQUESTS, description="Most requests in the answer.")


class FetchBody(BodyModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{FETCH_ROOT: {"wait": 0}}]})
    fetch: FetchFields


def routes(listeners: ListenerService, examples: ExampleReader) -> APIRouter:
    """The right to subscribe is the right to listen: both give away the same data."""
    router = Router(
        prefix="/api/{storeCode}/webhook",
        tags=["listeners"],
    )
    may_read, may_listen = [require_scope("read")], [require_scope("subscriptions")]

    @router.get(COLLECTION, summary="List listeners", dependencies=may_read)
    async def index(store: StoreCode) -> JSONResponse:
        """Those whose lease is not over."""
        return JSONResponse({"items": [_row(each) for each in await listeners.of_store(store)]})

    @router.post(COLLECTION, summary="Begin to listen", dependencies=may_listen)
    async def begin(store: StoreCode, body: ListenerBody, request: Request) -> JSONResponse:
        """For `loyalty listen`: a machine that cannot be reached from here fetches the requests that an
        endpoint would get, from now on, with their headers, body and signature. Nothing is sent to it, no
        delivery is made, nothing waits for it. It ends with a DELETE, or a quarter of an hour after it last
        asked."""
        made, secret = await listeners.begin(store, body.listener.options(), request.state.caller.name)
        LOG.info("listener %s begun by %s", made.listener_id, request.state.caller.name)
        return JSONResponse(_row(made) | verifier_body(secret))

    @router.delete(SINGLE, summary="End a listener", dependencies=may_listen, **_NOTHING)
    async def end(store: StoreCode, listener_id: ListenerId, request: Request) -> None:
        await listeners.end(store, listener_id)
        LOG.info("listener %s ended by %s", listener_id, request.state.caller.name)

    @router.post(f"{SINGLE}/fetch", summary="Fetch requests", dependencies=may_listen)
    async def fetch(store: StoreCode, listener_id: ListenerId, body: FetchBody) -> JSONResponse:
        """Those behind `after`, a member's in order; without it, all since the listener began. The same
        `after` gives the same messages again, so that one that went lost on the way is not missed. Renews
        the lease. 404 once the listener is over."""
        asked = body.fetch
        found = await listeners.fetch(store, listener_id, asked.after, asked.wait, asked.most)
        return JSONResponse(_page(found))

    @router.post(
        f"{SINGLE}/test", summary="Send an example to a listener", status_code=202, dependencies=may_listen
    )
    async def test(store: StoreCode, listener_id: ListenerId, body: ExampleBody) -> JSONResponse:
        """An example of an event, of a member or of nobody, marked by the header `Webhook-Test: true`. It is
        in no book."""
        found = await listeners.one(store, listener_id)
        options = await examples.read(store, body.example)
        made = make_sample(found.as_subscription(), listeners.now(), options.event_name, options.member)
        await listeners.add_example(made)
        return JSONResponse({"messageId": made.delivery_id, "eventName": made.event_name}, 202)

    return router


_NOTHING: dict[str, Any] = {"status_code": 204, "response_class": Response}


def _event_name(name: str, index: int) -> str:
    try:
        return require_event_name(name)
    except Invalid as error:
        (first,) = error.complaints
        path = f"{LISTENER_ROOT}.events.{index}"
        raise Invalid(Complaint(path, first.message, first.code, first.value)) from None


def _row(listener: Listener) -> dict[str, Any]:
    """No key of it."""
    return {
        "listenerId": listener.listener_id,
        "events": list(listener.event_names),
        "forwardUrl": listener.forward_url,
        "who": listener.who,
        "createdAt": iso_instant(listener.created_at),
        "leasedUntil": iso_instant(listener.leased_until),
        "leaseSeconds": int(LEASE.total_seconds()),
        "signing": listener.signing,
        "legacy": listener.legacy,
        "cloudEvents": listener.cloud_events,
    }


def _page(found: FetchedRequests) -> dict[str, Any]:
    return {
        "requests": [_request(each) for each in found.requests],
        "next": found.next,
        "leasedUntil": iso_instant(found.leased_until),
    }


def _request(prepared: PreparedRequest) -> dict[str, Any]:
    """`body` is text: bodies are JSON in UTF-8."""
    return {
        "cursor": prepared.cursor,
        "messageId": prepared.delivery.delivery_id,
        "eventName": prepared.delivery.event_name,
        "customerId": prepared.delivery.member_id,
        "isTest": is_test(prepared.delivery),
        "headers": dict(prepared.headers),
        "body": prepared.body.decode(),
        "error": prepared.error,
    }
