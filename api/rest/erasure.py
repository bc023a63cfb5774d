"""POST /api/{storeCode}/member/{member}/erase: a member is forgotten."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api.auth.audit import AuditTrail
from api.auth.scopes import require_scope
from api.contract.fields import MEMBER_PATH
from api.contract.json_body import Router
from api.services.command_service import ChangeRequest, CommandService
from streams.domain.commands import EraseMember


def routes(command_service: CommandService, audit: AuditTrail) -> APIRouter:
    """Needs two scopes, for it cannot be undone."""
    router = Router(
        prefix="/api/{storeCode}",
        tags=["members"],
        dependencies=[require_scope("commands"), require_scope("admin")],
    )

    @router.post("/member/{member}/erase", summary="Forget who a member is, for good", status_code=204)
    async def erase(
        asked: Annotated[ChangeRequest, Depends(command_service.asked)], member: Annotated[str, MEMBER_PATH]
    ) -> Response:
        """What is personal goes; ids, numbers and times stay for the books. Nothing more can be asked of the
        member. An open account is closed first. Again, it changes nothing.

        Needs the scopes `commands` and `admin`.
        """
        member_id = await command_service.member(asked.store, member)
        await audit.record("deleted", "member", member_id)
        return await command_service.answer(asked, EraseMember(**asked.head(member_id)), {})

    return router
