"""The probes of the API on its own port: see docs/metrics.md."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from streams.runtime.probes import Probes, probe_body


def routes(probes: Probes) -> APIRouter:
    """They need no key."""
    router = APIRouter()

    @router.get("/health", summary="Whether requests can be answered", tags=["operation"])
    @router.get("/readyz", include_in_schema=False)
    async def health() -> JSONResponse:
        """503 until all that the API answers from has been read, when it cannot be read any more, and while
        Kafka does not answer. `waitsFor` says what is missing."""
        return _answer(probes.readiness())

    @router.get("/livez", include_in_schema=False)
    async def check_liveness() -> JSONResponse:
        return _answer(probes.liveness())

    @router.get("/startupz", include_in_schema=False)
    async def check_startup() -> JSONResponse:
        return _answer(probes.startup())

    return router


def _answer(reasons: list[str]) -> JSONResponse:
    return JSONResponse(probe_body(reasons), 503 if reasons else 200)
