"""GET /api/{storeCode}/webhook/delivery…: what became of each webhook, attempt by attempt.

It is read from a journal in this process. An answer shows everything that was committed before the request
came, by whichever process.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.auth.scopes import require_scope
from api.contract.delivery_bodies import delivery_body, delivery_row
from api.contract.fields import UUID_PATTERN, StoreCode, id_in_path
from api.contract.json_body import Router
from api.contract.listing import MAX_PAGE_SIZE, decode_cursor, encode_cursor, parse_integer, read_instant
from api.problems import Complaint, Invalid, shorten_json
from api.services.deliveries import DeliveryQueries
from streams.delivery.delivery_search import DeliverySearch
from streams.delivery.delivery_state import DELIVERY_STATUSES, DeliveryStatus
from streams.delivery.subscription import Subscriptions
from streams.webhooks.names import LEGACY_TYPES, resolve_event_name

MessageId = Annotated[str, id_in_path("messageId")]
ReadParameter = Callable[[DeliverySearch, str], DeliverySearch]


def routes(deliveries: DeliveryQueries, subscriptions: Subscriptions, *, dotted_names: bool) -> APIRouter:
    router = Router(
        prefix="/api/{storeCode}/webhook/delivery", tags=["webhooks"], dependencies=[require_scope("read")]
    )

    @router.get("", summary="List deliveries, the newest event first", openapi_extra=_LIST)
    async def index(store: StoreCode, request: Request) -> JSONResponse:
        """Filters are `field=value`, all of which must hold. `_scroll=` with what `scroll.next` says goes on,
        until there is none; a page may be short and have a next."""
        asked = parse_search(store, request.query_params.multi_items())
        await deliveries.current()
        page = await deliveries.search(asked)
        return JSONResponse(
            {
                "items": [delivery_row(known) for known in page.items],
                "scroll": {"next": encode_cursor(page.next)} if page.next else {},
            }
        )

    @router.get("/{messageId}", summary="Read a delivery, its request and all its attempts")
    async def read(store: StoreCode, message_id: MessageId) -> JSONResponse:
        """The request is shown with the address and headers that the subscription has now; values of headers
        that may be secrets are null. It is null once the body is not kept any more."""
        await deliveries.current()
        found = await deliveries.one(store, message_id)
        if found is None:
            raise HTTPException(404)
        subscription = subscriptions.get(found.known.subscription_id)
        return JSONResponse(delivery_body(found, subscription, dotted_names=dotted_names))

    return router


def parse_search(store: str, parameters: Sequence[tuple[str, str]]) -> DeliverySearch:
    """Raises Invalid naming every bad parameter."""
    search, complaints = DeliverySearch(store), []
    for name, value in parameters:
        read = _READ.get(name)
        if read is None:
            valid = f"no such parameter; valid: {', '.join(_READ)}"
            complaints.append(Complaint(name, valid, "unknown", value))
            continue
        try:
            search = read(search, value)
        except ValueError as error:
            complaints.append(Complaint(name, f"{shorten_json(value)} {error}", "invalid", value))
    if complaints:
        raise Invalid(*complaints)
    return search


def parse_uuid(value: str) -> str:
    """Raises ValueError."""
    # The pattern is the one of paths.
    if not re.fullmatch(UUID_PATTERN, value):
        raise ValueError("must be a UUID in lower case")
    return value


def _status(value: str) -> DeliveryStatus:
    for status in DELIVERY_STATUSES:
        if status == value:
            return status
    raise ValueError(f"must be one of {', '.join(DELIVERY_STATUSES)}")


def _event(value: str) -> str:
    found = resolve_event_name(value)
    if found is None:
        raise ValueError(f"is no event; valid: {', '.join(sorted(LEGACY_TYPES))}")
    return found


def _after(value: str) -> tuple[str, ...]:
    place = decode_cursor(value)
    if place and not (len(place) == 1 and re.fullmatch("([0-9a-f]{2})+", place[0])):
        raise ValueError("must be empty, or what scroll.next said")
    return place


_READ: dict[str, ReadParameter] = {
    "subscriptionId": lambda search, value: replace(search, subscription_id=parse_uuid(value)),
    "status": lambda search, value: replace(search, status=_status(value)),
    "eventName": lambda search, value: replace(search, event_name=_event(value)),
    "customerId": lambda search, value: replace(search, member_id=parse_uuid(value)),
    "webhookEventId": lambda search, value: replace(search, webhook_event_id=parse_uuid(value)),
    "createdAt[gte]": lambda search, value: replace(search, since=read_instant(value)),
    "createdAt[lt]": lambda search, value: replace(search, until=read_instant(value)),
    "_itemsOnPage": lambda search, value: replace(search, size=parse_integer(value, 1, MAX_PAGE_SIZE)),
    "_scroll": lambda search, value: replace(search, after=_after(value)),
}
_ID = {"type": "string", "format": "uuid"}
_INSTANT = {"type": "string", "format": "date-time"}
_LIST: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": text}
        for name, schema, text in (
            ("subscriptionId", _ID, "Of one subscription."),
            (
                "status",
                {"type": "string", "enum": list(DELIVERY_STATUSES)},
                "retrying: tried, and will be again.",
            ),
            ("eventName", {"type": "string"}, "Either spelling."),
            ("customerId", _ID, "Of one member; legacy arrays are of none."),
            ("webhookEventId", _ID, "Of a legacy array: its first event's."),
            ("createdAt[gte]", _INSTANT, "When the event happened."),
            ("createdAt[lt]", _INSTANT, "The end, exclusive."),
            ("_itemsOnPage", {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}, "Page size."),
            ("_scroll", {"type": "string"}, "Empty at first, then `scroll.next`."),
        )
    ]
}
