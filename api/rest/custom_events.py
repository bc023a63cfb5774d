"""/api/{storeCode}/customEvent: what happened elsewhere, for campaigns to act upon."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field

from api.auth.scopes import require_scope
from api.contract.fields import BodyModel, Code, MemberText, Moment, Text, Uuid
from api.contract.json_body import Router
from api.services.command_service import ChangeRequest, CommandService
from streams.domain.commands import RecordCustomEvent
from streams.domain.ids import derived_id
from streams.domain.values import Attribute

CUSTOM_EVENT_FIELDS = {"event_type": "customEvent.type", "member_id": "customEvent.customer"}


class CustomEventFields(BodyModel):
    type: Code
    customer: MemberText
    event_id: Uuid | None = None
    event_date: Moment | None = None
    body: Annotated[dict[Text, Text], Field(max_length=100)] = Field(default_factory=dict)


class CustomEventBody(BodyModel):
    custom_event: CustomEventFields


def routes(command_service: CommandService) -> APIRouter:
    router = Router(
        prefix="/api/{storeCode}", tags=["custom events"], dependencies=[require_scope("commands")]
    )

    @router.post("/customEvent", summary="Record something that campaigns may act upon")
    async def record(
        asked: Annotated[ChangeRequest, Depends(command_service.asked)], body: CustomEventBody
    ) -> Response:
        """`body` are attributes that a campaign's conditions may name."""
        event = body.custom_event
        event_id = event.event_id or derived_id(asked.store, "custom-event", asked.command_id)
        command = RecordCustomEvent(
            **asked.head(
                await command_service.member_in(asked.store, event.customer, "customEvent.customer")
            ),
            event_type=event.type,
            event_id=event_id,
            happened_at=event.event_date or asked.at,
            attributes=tuple(Attribute(key=key, value=value) for key, value in event.body.items()),
        )
        return await command_service.answer(
            asked, command, CUSTOM_EVENT_FIELDS, lambda _: {"customEventId": event_id}
        )

    return router
