"""POST /api/{storeCode}/command: any command as JSON, in its schema's own words."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from api.auth.scopes import require_scope
from api.contract.fields import BodyModel, StoreCode
from api.contract.json_body import Router
from api.services.command_service import ChangeRequest, CommandService
from api.services.idempotency import fingerprint
from api.services.json_commands import COMMAND_ROOT, KINDS, read_draft

EXAMPLE: dict[str, Any] = {
    "type": "AddUnits",
    "member": "email=anna@example.com",
    "units": 100,
    "comment": "welcome",
}


class CommandBody(BodyModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{COMMAND_ROOT: EXAMPLE}]})
    command: Annotated[
        dict[str, Any],
        Field(
            max_length=50,
            description="`type`: the name of a schema of schemas/, without its version; and that schema's "
            "fields. Absent, `command_id` is drawn, `issued_at` is now, `store` is that of the path, and a "
            "new member's `member_id` is drawn; another's may be named by `member`: `email=…`, `phone=…` or "
            f"`loyaltyCardNumber=…`. Types: {', '.join(sorted(KINDS))}.",
        ),
    ]


def routes(command_service: CommandService) -> APIRouter:
    router = Router(prefix="/api/{storeCode}", tags=["commands"], dependencies=[require_scope("commands")])

    @router.post("/command", summary="Send a command, and hear what came of it")
    async def send(store: StoreCode, body: CommandBody, request: Request) -> Response:
        """As a producer would write it on the topic of commands. A `command_id` of one's own again within
        24 h changes nothing, and is answered as before; with another body: 422."""
        command_service.settings(store)
        draft = read_draft(store, body.command)
        member_id = None
        if draft.member is not None:
            member_id = await command_service.member_in(store, draft.member, f"{COMMAND_ROOT}.member")
        seen = fingerprint(await request.body()) if draft.command_id else ""
        asked = ChangeRequest(store, draft.command_id or str(uuid.uuid4()), command_service.now(), seen)
        command = draft.build(asked.command_id, member_id, asked.at)
        return await command_service.answer(
            asked,
            command,
            _Paths(),
            lambda act: {"commandId": asked.command_id, "memberId": act.member_id, "status": "accepted"},
        )

    return router


class _Paths(dict[str, str]):
    """A refusal names the field as the body does."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 - as a dict's
        return f"{COMMAND_ROOT}.{key}"
