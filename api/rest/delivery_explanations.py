"""GET /api/{storeCode}/webhook/why: "why didn't I get it?"."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from api.auth.scopes import require_scope
from api.contract.delivery_bodies import explanation_body
from api.contract.fields import UUID_PATTERN, StoreCode
from api.contract.json_body import Router
from api.contract.listing import read_instant_at
from api.services.delivery_explanations import DeliveryExplanations, DeliveryQuestion

_EVENT = "The event's id. One that led to no delivery is found by its member and time alone."
_AT = "An instant: events published about then, and those that happened about then and were delivered."
_OF = "One subscription; absent: all of the store."


def delivery_question(
    event: Annotated[
        str | None, Query(alias="webhookEventId", pattern=UUID_PATTERN, description=_EVENT)
    ] = None,
    member: Annotated[str | None, Query(alias="customerId", pattern=UUID_PATTERN)] = None,
    at: Annotated[str | None, Query(max_length=64, description=_AT)] = None,
    minutes: Annotated[int, Query(alias="withinMinutes", ge=1, le=1440)] = 60,
    subscription: Annotated[
        str | None, Query(alias="subscriptionId", pattern=UUID_PATTERN, description=_OF)
    ] = None,
) -> DeliveryQuestion:
    """Raises Invalid."""
    moment = None if at is None else read_instant_at("at", at)
    return DeliveryQuestion(event, member, moment, timedelta(minutes=minutes), subscription)


def routes(whys: DeliveryExplanations) -> APIRouter:
    router = Router(
        prefix="/api/{storeCode}/webhook/why", tags=["webhooks"], dependencies=[require_scope("read")]
    )

    @router.get("", summary="Why a webhook arrived, or did not")
    async def why(
        store: StoreCode, delivery_question: Annotated[DeliveryQuestion, Depends(delivery_question)]
    ) -> JSONResponse:
        """One verdict for each event and subscription, with one sentence. Ask by `webhookEventId`, or by
        `customerId` and `at`. It reads at most LOYALTY_HISTORY_RECORDS webhook events: else 400."""
        found = await whys.why(store, delivery_question)
        return JSONResponse({"items": [explanation_body(each) for each in found]})

    return router
