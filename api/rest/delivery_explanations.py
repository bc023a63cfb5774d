"""GET /api/{storeCode}/webhook/why: "why didn't I get it?"."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from api.auth.scopes import requires
from api.contract.delivery_bodies import told
from api.contract.fields import UUID, StoreCode
from api.contract.json_body import Router
from api.contract.listing import instant_of
from api.services.delivery_explanations import Question, Whys

_EVENT = "The event's id. One that led to no delivery is found by its member and time alone."
_AT = "An instant: events published about then, and those that happened about then and were delivered."
_OF = "One subscription; absent: all of the store."


def question(
    event: Annotated[str | None, Query(alias="webhookEventId", pattern=UUID, description=_EVENT)] = None,
    member: Annotated[str | None, Query(alias="customerId", pattern=UUID)] = None,
    at: Annotated[str | None, Query(max_length=64, description=_AT)] = None,
    minutes: Annotated[int, Query(alias="withinMinutes", ge=1, le=1440)] = 60,
    subscription: Annotated[str | None, Query(alias="subscriptionId", pattern=UUID, description=_OF)] = None,
) -> Question:
    """Raises Invalid."""
    moment = None if at is None else instant_of("at", at)
    return Question(event, member, moment, timedelta(minutes=minutes), subscription)


def routes(whys: Whys) -> APIRouter:
    router = Router(prefix="/api/{storeCode}/webhook/why", tags=["webhooks"], dependencies=[requires("read")])

    @router.get("", summary="Why a webhook arrived, or did not")
    async def why(store: StoreCode, question: Annotated[Question, Depends(question)]) -> JSONResponse:
        """One verdict for each event and subscription, with one sentence. Ask by `webhookEventId`, or by
        `customerId` and `at`. It reads at most LOYALTY_HISTORY_RECORDS webhook events: else 400."""
        found = await whys.why(store, question)
        return JSONResponse({"items": [told(each) for each in found]})

    return router
