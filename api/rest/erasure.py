"""POST /api/{storeCode}/member/{member}/erase: a member is forgotten."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api.auth.audit import Audit
from api.auth.scopes import requires
from api.contract.fields import MEMBER
from api.contract.json_body import Router
from api.services.command_service import Asked, Desk
from streams.domain.commands import EraseMember


def routes(desk: Desk, audit: Audit) -> APIRouter:
    """Needs two scopes, for it cannot be undone."""
    router = Router(
        prefix="/api/{storeCode}", tags=["members"], dependencies=[requires("commands"), requires("admin")]
    )

    @router.post("/member/{member}/erase", summary="Forget who a member is, for good", status_code=204)
    async def erase(asked: Annotated[Asked, Depends(desk.asked)], member: Annotated[str, MEMBER]) -> Response:
        """What is personal goes; ids, numbers and times stay for the books. Nothing more can be asked of the
        member. An open account is closed first. Again, it changes nothing.

        Needs the scopes `commands` and `admin`.
        """
        member_id = await desk.member(asked.store, member)
        await audit.record("deleted", "member", member_id)
        return await desk.answer(asked, EraseMember(**asked.head(member_id)), {})

    return router
