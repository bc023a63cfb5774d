"""/api/{storeCode}/command/{commandId}: what became of a command that was not answered in time."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.auth.scopes import require_scope
from api.contract.fields import StoreCode, id_in_path
from api.contract.json_body import Router
from api.services.command_service import CommandService
from streams.stages.command_dedup import CommandOutcome

CommandId = Annotated[str, id_in_path("commandId")]


def routes(command_service: CommandService) -> APIRouter:
    router = Router(prefix="/api/{storeCode}", tags=["commands"], dependencies=[require_scope("commands")])

    @router.get("/command/{commandId}", summary="What became of a command")
    async def status(store: StoreCode, command_id: CommandId) -> JSONResponse:
        """pending: not handled yet, or forgotten, which takes LOYALTY_COMMAND_MEMORY_HOURS, or never sent."""
        await command_service.book.current(None, ("commands",))
        return JSONResponse(_told(command_id, command_service.outcomes.before(command_id), store))

    return router


def _told(command_id: str, ended: CommandOutcome | None, store: str) -> dict[str, Any]:
    if ended is None or not ended.owner.startswith(f"{store}/"):
        return {"commandId": command_id, "status": "pending"}
    if ended.rejection:
        field, value, reason = ended.rejection
        return {
            "commandId": command_id,
            "status": "refused",
            "field": field,
            "value": value,
            "reason": reason,
        }
    return {"commandId": command_id, "status": "accepted", "customerId": ended.owner.partition("/")[2]}
