"""/api/{storeCode}/webhook/subscription/{id}/replay…: the past, delivered again, watched and cancelled."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from api.auth.scopes import require_scope
from api.contract.fields import BodyModel, Moment, StoreCode, Uuid, id_in_path
from api.contract.json_body import Router
from api.contract.listing import PageNumber, PageSize, slice_page
from api.rest.subscriptions import SINGLE, SubscriptionId
from api.services.replay_requests import DEFAULT_RATE, REPLAY_ROOT, ReplayPreview, ReplayRequest
from api.services.replays import ReplayService
from streams.delivery.replay_jobs import MAX_REPLAY_RATE, ReplayJob
from streams.webhooks.parts import iso_instant

ReplayId = Annotated[str, id_in_path("replay")]
DryRun = Annotated[bool, Query(alias="dryRun", description="Count, and send nothing.")]
ReplayKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key again is the same replay: none is begun anew.",
    ),
]


class ReplayBody(BodyModel):
    since: Annotated[Moment, Field(alias="from", description="Webhook events appended from then on.")]
    until: Annotated[Moment | None, Field(alias="to", description="And before. Absent: now.")] = None
    event_name: str | None = Field(None, description="Only of this event, in either spelling.")
    customer_id: Uuid | None = Field(None, description="Only of this member.")
    only: Literal["all", "missing", "failed"] = Field(
        "all", description="missing: no delivery was made; failed: given up, and not delivered since."
    )
    rate: int = Field(DEFAULT_RATE, ge=1, le=MAX_REPLAY_RATE, description="Most deliveries a second.")

    def wish(self) -> ReplayRequest:
        return ReplayRequest(self.since, self.until, self.event_name, self.customer_id, self.only, self.rate)


class ReplayRequestBody(BodyModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {REPLAY_ROOT: {"from": "2025-10-20T13:00:00Z", "to": "2025-10-20T14:00:00Z", "rate": 50}}
            ]
        }
    )
    replay: ReplayBody


def routes(replays: ReplayService) -> APIRouter:
    router = Router(prefix="/api/{storeCode}/webhook", tags=["webhooks"])
    every, single = f"{SINGLE}/replay", f"{SINGLE}/replay/{{replay}}"
    may_read, may_change = [require_scope("read")], [require_scope("subscriptions")]

    @router.post(
        every, summary="Deliver the past again", responses=_STARTED, status_code=202, dependencies=may_change
    )
    async def start(
        store: StoreCode,
        subscription_id: SubscriptionId,
        body: ReplayRequestBody,
        dry_run: DryRun = False,
        key: ReplayKey = None,
    ) -> JSONResponse:
        """Webhook events of the past, as the subscription is now: with the same messageIds, in order, behind
        what a member is being sent, and never more than a second's worth ahead. It goes on whatever becomes
        of the process that was asked. 409 while another one of the subscription runs. Items of legacy arrays
        are sent as arrays of one, with `only: all` alone: `arrays` says of which events."""
        wish = body.replay.wish()
        if dry_run:
            return JSONResponse(preview_body(await replays.count(store, subscription_id, wish)))
        made = await replays.start(store, subscription_id, wish, key)
        where = f"/api/{store}/webhook/subscription/{subscription_id}/replay/{made.order.replay_id}"
        return JSONResponse({**replay_row(made), "statusUrl": where}, 202, {"Location": where})

    @router.get(every, summary="List replays", dependencies=may_read)
    async def index(
        store: StoreCode, subscription_id: SubscriptionId, page: PageNumber = 1, size: PageSize = 10
    ) -> JSONResponse:
        """The newest first; kept for 90 days."""
        found = await replays.page(store, subscription_id)
        return JSONResponse(slice_page(found, page, size, replay_row))

    @router.get(single, summary="How far a replay has come", dependencies=may_read)
    async def read(store: StoreCode, subscription_id: SubscriptionId, replay_id: ReplayId) -> JSONResponse:
        """Told at each step, and every two seconds."""
        return JSONResponse(replay_row(await replays.one(store, subscription_id, replay_id)))

    @router.delete(single, summary="Cancel a replay", responses=_CANCELLED, dependencies=may_change)
    async def cancel(store: StoreCode, subscription_id: SubscriptionId, replay_id: ReplayId) -> JSONResponse:
        """It ends in order: `sent` says how many went. What was sent stays sent."""
        found = await replays.cancel(store, subscription_id, replay_id)
        return JSONResponse(replay_row(found), 200 if found.ended else 202)

    return router


def preview_body(found: ReplayPreview) -> dict[str, Any]:
    return {
        "deliveries": found.deliveries,
        "exact": found.exact,
        "webhookEvents": found.webhook_events,
        "seconds": found.seconds,
        "arrays": list(found.arrays),
    }


def replay_row(standing: ReplayJob) -> dict[str, Any]:
    """A replay as clients see it."""
    order, progress = standing.order, standing.progress
    return {
        "replayId": order.replay_id,
        "webhookSubscriptionId": order.subscription_id,
        "from": iso_instant(order.since),
        "to": iso_instant(order.until),
        "eventName": order.event_name,
        "customerId": order.member_id,
        "only": order.only,
        "rate": order.rate,
        "askedBy": order.asked_by,
        "askedAt": iso_instant(order.asked_at),
        "state": standing.state,
        "counted": progress and progress.counted,
        "exact": progress.exact if progress else True,
        "sent": progress.sent if progress else 0,
        "remaining": standing.remaining,
        "secondsLeft": standing.seconds_left,
        "webhookEvents": {
            "all": progress.offsets if progress else None,
            "read": progress.read if progress else 0,
        },
        "startedAt": iso_instant(progress.begun_at if progress else None),
        "endedAt": iso_instant(progress.ended_at if progress else None),
        "error": (progress.error or None) if progress else None,
    }


_STARTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Of a dry run: how many deliveries it would be, and how long it would take."},
    202: {"description": "It is played from now on: ask at `statusUrl`."},
}
_CANCELLED: dict[int | str, dict[str, Any]] = {
    200: {"description": "It has ended."},
    202: {"description": "It will end within moments."},
}
