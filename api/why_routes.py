"""GET /api/{storeCode}/webhook/why: "why didn't I get it?"."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from api.access import requires
from api.delivery_views import told
from api.errors import Complaint, Invalid, shown
from api.fields import UUID, StoreCode
from api.listing import instant
from api.why import Whys

_EVENT = "The event's id. One that led to no delivery is found by its member and time alone."
_AT = "An instant: events published about then, and those that happened about then and were delivered."
_OF = "One subscription; absent: all of the store."


@dataclass(frozen=True, slots=True)
class Question:
    event: str | None
    member: str | None
    at: datetime | None
    within: timedelta
    subscription: str | None


def question(
    event: Annotated[str | None, Query(alias="webhookEventId", pattern=UUID, description=_EVENT)] = None,
    member: Annotated[str | None, Query(alias="customerId", pattern=UUID)] = None,
    at: Annotated[str | None, Query(max_length=64, description=_AT)] = None,
    minutes: Annotated[int, Query(alias="withinMinutes", ge=1, le=1440)] = 60,
    subscription: Annotated[str | None, Query(alias="subscriptionId", pattern=UUID, description=_OF)] = None,
) -> Question:
    """Raises Invalid."""
    moment = None if at is None else _instant(at)
    return Question(event, member, moment, timedelta(minutes=minutes), subscription)


def routes(whys: Whys) -> APIRouter:
    router = APIRouter(
        prefix="/api/{storeCode}/webhook/why", tags=["webhooks"], dependencies=[requires("read")]
    )

    @router.get("", summary="Why a webhook arrived, or did not")
    async def why(store: StoreCode, question: Annotated[Question, Depends(question)]) -> JSONResponse:
        """One verdict for each event and subscription, with one sentence. Ask by `webhookEventId`, or by
        `customerId` and `at`. It reads at most LOYALTY_HISTORY_RECORDS webhook events: else 400."""
        found = await whys.why(
            store,
            webhook_event_id=question.event,
            member_id=question.member,
            at=question.at,
            within=question.within,
            subscription_id=question.subscription,
        )
        return JSONResponse({"items": [told(each) for each in found]})

    return router


def _instant(text: str) -> datetime:
    try:
        return instant(text)
    except ValueError as error:
        raise Invalid(Complaint("at", f"{shown(text)} {error}.", "invalid", text)) from None
