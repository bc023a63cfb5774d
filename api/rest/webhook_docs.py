"""What clients build against: the REST API's reference and the AsyncAPI document. No key is asked for."""

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from api.contract.json_body import Router
from api.rest import asyncapi

REFERENCE_FOLDER = Path(__file__).parent / "reference"


def mount_reference(app: FastAPI) -> None:
    """Serves the REST API's reference at /docs: Swagger UI, of files that come with this package."""

    @app.get("/docs", include_in_schema=False)
    async def reference() -> FileResponse:
        return FileResponse(REFERENCE_FOLDER / "index.html")

    app.mount("/docs/reference", StaticFiles(directory=REFERENCE_FOLDER))


def routes(now: Callable[[], datetime]) -> APIRouter:
    router = Router(tags=["documentation"])

    @router.get("/asyncapi.json", summary="All webhooks and topics as an AsyncAPI document")
    async def described() -> JSONResponse:
        """Webhooks with the JSON Schemas of their bodies, new and legacy; topics with the Avro schemas."""
        return JSONResponse(asyncapi.asyncapi_document(version("loyalty-webhooks"), now()))

    return router
