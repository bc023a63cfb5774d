"""/api/{storeCode}/webhook/subscription/{id}/dead-letter…: what was given up, and sent again."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from api.auth.scopes import require_scope
from api.contract.fields import BodyModel, Moment, StoreCode, Text, Uuid
from api.contract.json_body import Router
from api.contract.listing import PageNumber, PageSize, read_instant_at, slice_page
from api.problems import Complaint, Invalid, shorten_json
from api.rest.deliveries import MessageId
from api.rest.replays import DryRun
from api.rest.subscriptions import SINGLE, SubscriptionId
from api.services.dead_letters import REDRIVE_ROOT, DeadLetterEntry, DeadLetterQuery, DeadLetterService
from streams.webhooks.parts import iso_instant

_WHICH = {
    "since": "Given up from then on: an ISO 8601 instant.",
    "until": "Given up before.",
    "eventName": "Of this event, in either spelling.",
    "status": "Whose last answer was this: 404, 5xx, or none for no answer.",
}


class RedriveBody(BodyModel):
    since: Annotated[Moment, Field(description=_WHICH["since"])]
    until: Annotated[Moment | None, Field(description=_WHICH["until"])] = None
    event_name: str | None = Field(None, description=_WHICH["eventName"])
    status: Text | None = Field(None, description=_WHICH["status"])
    message_id: Uuid | None = Field(None, description="This one alone.")

    def asked(self) -> DeadLetterQuery:
        return DeadLetterQuery(
            self.since,
            self.until,
            self.event_name,
            parse_statuses(self.status, f"{REDRIVE_ROOT}.status"),
            self.message_id,
        )


class RedriveRequestBody(BodyModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{REDRIVE_ROOT: {"since": "2025-10-20T13:00:00Z", "status": "5xx"}}]}
    )
    redrive: RedriveBody


def dead_letter_query(
    since: Annotated[str | None, Query(description=_WHICH["since"])] = None,
    until: Annotated[str | None, Query(description=_WHICH["until"])] = None,
    event: Annotated[str | None, Query(alias="eventName", description=_WHICH["eventName"])] = None,
    status: Annotated[str | None, Query(description=_WHICH["status"])] = None,
) -> DeadLetterQuery:
    first = None if since is None else read_instant_at("since", since)
    last = None if until is None else read_instant_at("until", until)
    return DeadLetterQuery(first, last, event, parse_statuses(status, "status"))


def routes(letters: DeadLetterService) -> APIRouter:
    router = Router(prefix="/api/{storeCode}/webhook", tags=["webhooks"])
    may_read, may_change = [require_scope("read")], [require_scope("subscriptions")]

    @router.get(f"{SINGLE}/dead-letter", summary="List dead letters", dependencies=may_read)
    async def index(
        store: StoreCode,
        subscription_id: SubscriptionId,
        asked: Annotated[DeadLetterQuery, Depends(dead_letter_query)],
        page: PageNumber = 1,
        size: PageSize = 10,
    ) -> JSONResponse:
        """Deliveries that were given up, the newest first: of many, the newest 10,000. Kept for 90 days."""
        found = await letters.page(store, subscription_id, asked)
        return JSONResponse(slice_page(found, page, size, dead_letter_row))

    @router.post(f"{SINGLE}/dead-letter/redrive", summary="Send dead letters again", dependencies=may_change)
    async def redrive(
        store: StoreCode, subscription_id: SubscriptionId, body: RedriveRequestBody, dry_run: DryRun = False
    ) -> JSONResponse:
        """Each once, with the same messageId and the whole schedule before it; 10,000 by one call, of which
        `remaining` says how many are left. Repeated, nothing is sent twice."""
        asked = body.redrive.asked()
        do = letters.count if dry_run else letters.redrive
        return JSONResponse((await do(store, subscription_id, asked))._asdict())

    @router.post(
        f"{SINGLE}/delivery/{{messageId}}/retry",
        summary="Send one delivery again",
        status_code=202,
        dependencies=may_change,
    )
    async def retry(store: StoreCode, subscription_id: SubscriptionId, message_id: MessageId) -> JSONResponse:
        """With the same messageId, whatever became of it: `redriven` where it was given up, else `replayed`.
        409 while it is under way. A delivery is kept as it was for 7 days; for 30 it is made of its event
        again, but for a legacy array."""
        how = await letters.retry(store, subscription_id, message_id)
        return JSONResponse({"messageId": message_id, "how": how}, 202)

    return router


def parse_statuses(status: str | None, path: str) -> frozenset[int | None]:
    """Which are meant. Raises Invalid."""
    if status is None:
        return frozenset()
    if status == "none":
        return frozenset((None,))
    if re.fullmatch("[1-5]xx", status):
        return frozenset(range(int(status[0]) * 100, int(status[0]) * 100 + 100))
    if re.fullmatch("[1-5][0-9][0-9]", status):
        return frozenset((int(status),))
    message = f"{shorten_json(status)} is not valid: 404, 5xx, or none for no answer."
    raise Invalid(Complaint(path, message, "invalid", status))


def dead_letter_row(letter: DeadLetterEntry) -> dict[str, Any]:
    return {
        "deadLetterId": letter.id,
        "messageId": letter.message_id,
        "eventName": letter.event_name,
        "customerId": letter.member_id,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "status": letter.status,
        "givenUpAt": iso_instant(letter.given_up_at),
        "redrivenAt": iso_instant(letter.redriven_at),
        "obstacle": letter.obstacle,
    }
