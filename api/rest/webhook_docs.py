"""What receivers and clients build against: pages and documents, from our own files. No key is asked for."""

from collections.abc import Callable
from datetime import datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from api.contract.json_body import Router
from api.rest import asyncapi
from streams.webhooks import CATALOGUE, Webhook
from streams.webhooks.contract import schema_fields
from streams.webhooks.schema import body_formats, data_schema

REFERENCE_FOLDER = Path(__file__).parent / "reference"


def mount_reference(app: FastAPI) -> None:
    """Serves the REST API's reference at /docs: Swagger UI, of files that come with this package."""

    @app.get("/docs", include_in_schema=False)
    async def reference() -> FileResponse:
        return FileResponse(REFERENCE_FOLDER / "index.html")

    app.mount("/docs/reference", StaticFiles(directory=REFERENCE_FOLDER))


def routes(now: Callable[[], datetime]) -> APIRouter:
    router = Router(tags=["documentation"])
    shown = documentation_page()

    @router.get("/asyncapi.json", summary="All webhooks and topics as an AsyncAPI document")
    async def described() -> JSONResponse:
        """Webhooks with the JSON Schemas of their bodies, new and legacy; topics with the Avro schemas."""
        return JSONResponse(asyncapi.asyncapi_document(version("loyalty-webhooks"), now()))

    @router.get("/docs/webhooks", summary="The webhooks' documentation", response_class=HTMLResponse)
    async def documentation() -> HTMLResponse:
        """What each webhook says, what sets it off, and the fields of its bodies."""
        return HTMLResponse(shown)

    return router


def documentation_page() -> str:
    """The documentation of all webhooks as one HTML page, which loads one style sheet of ours."""
    names = sorted(CATALOGUE)
    index = "".join(f'<li><a href="#{name}">{name}</a></li>' for name in names)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Webhooks</title>'
        '<link rel="stylesheet" href="/docs/reference/webhooks.css"></head><body><h1>Webhooks</h1>'
        f'<p><a href="/asyncapi.json">AsyncAPI document</a></p><ul>{index}</ul>'
        f"{''.join(_section(CATALOGUE[name]) for name in names)}</body></html>"
    )


def _section(entry: Webhook[Any]) -> str:
    actions = "".join(f"<li>{escape(action)}</li>" for action in entry.triggers)
    bodies = "".join(
        f"<h3>data, {form} format</h3><table>"
        + "".join(
            f"<tr><td><code>{escape(path)}</code></td><td>{escape(kind)}</td><td>{escape(meaning)}</td></tr>"
            for path, kind, meaning in schema_fields(data_schema(entry, form))
        )
        + "</table>"
        for form in body_formats(entry)
    )
    return (
        f'<h2 id="{entry.name}">{entry.name}</h2><p>{escape(entry.description)}</p>'
        f"<p>Other name, and legacy type: <code>{entry.legacy_type}</code></p>"
        f"<p>Sent when:</p><ul>{actions}</ul>{bodies}"
    )
