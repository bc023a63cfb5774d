"""The documentation over HTTP. Nothing of a store or a member is in it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from mimetypes import types_map

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from api.panel.security import CONTENT_POLICY
from api.portal.site import EVENT_FOLDER, GUIDE_FOLDER, INDEX, SEARCH, Place, PortalSite

MOST_SEARCHED = 200
"""Characters of a search."""
HEADERS = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
CODE_TYPE = "text/plain; charset=utf-8"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": types_map.get(".svg", "image/svg+xml"),
}
PUBLIC_ROOT = "/docs/webhooks"
MEMBERS_ROOT = "/~docs/webhooks"
"""Below the panel's path: no store's code has a tilde."""


@dataclass(frozen=True, slots=True)
class PortalRoutes:
    """`guarded` are for the panel, whose guard stands before every route."""

    public: APIRouter
    guarded: APIRouter | None


def routes(site: PortalSite, now: Callable[[], datetime]) -> PortalRoutes:
    """Where the documentation is, as the deployment's access says."""
    if site.deployment.is_public:
        return PortalRoutes(public_routes(site, now), None)
    return PortalRoutes(redirecting_routes(), guarded_routes(site, now))


def public_routes(site: PortalSite, now: Callable[[], datetime]) -> APIRouter:
    """For whoever asks."""
    router = APIRouter(tags=["documentation"])

    @router.get(PUBLIC_ROOT, summary="The webhooks' documentation", response_class=HTMLResponse)
    async def documentation(request: Request) -> Response:
        """What each webhook says, what sets it off, and the fields of its bodies."""
        return _page(site, request, INDEX, now())

    @router.get(f"{PUBLIC_ROOT}/{{path:path}}", include_in_schema=False)
    async def below(request: Request, path: str, q: str = "") -> Response:
        return _answer(site, request, path, q, now())

    return router


def guarded_routes(site: PortalSite, now: Callable[[], datetime]) -> APIRouter:
    """The same below the panel."""
    router = APIRouter()

    @router.get(MEMBERS_ROOT)
    async def documentation(request: Request) -> Response:
        return _page(site, request, INDEX, now())

    @router.get(f"{MEMBERS_ROOT}/{{path:path}}")
    async def below(request: Request, path: str, q: str = "") -> Response:
        return _answer(site, request, path, q, now())

    return router


def redirecting_routes() -> APIRouter:
    """Leads from the public addresses to those that ask for a session."""
    router = APIRouter(tags=["documentation"])

    @router.get(PUBLIC_ROOT, summary="The webhooks' documentation", response_class=HTMLResponse)
    async def documentation() -> Response:
        """What each webhook says, what sets it off, and the fields of its bodies; for those who sign in."""
        return RedirectResponse(f"/panel{MEMBERS_ROOT}", 303)

    @router.get(f"{PUBLIC_ROOT}/{{path:path}}", include_in_schema=False)
    async def below(path: str) -> Response:
        return RedirectResponse(f"/panel{MEMBERS_ROOT}/{path.lstrip('/')}", 303)

    for document in ("asyncapi.json", "openapi.json"):

        @router.get(f"/{document}", include_in_schema=False)
        async def described(name: str = document) -> Response:
            return RedirectResponse(f"/panel{MEMBERS_ROOT}/{name}", 303)

    return router


def _answer(site: PortalSite, request: Request, path: str, words: str, at: datetime) -> Response:
    if path == "":
        return RedirectResponse(request.url.path.rstrip("/"), 308)
    if path == SEARCH or path.startswith((EVENT_FOLDER, GUIDE_FOLDER)):
        return _page(site, request, path, at, words)
    content = site.file(path, at)
    if content is None:
        raise HTTPException(404)
    ending = f".{path.rpartition('.')[2]}"
    kind = CODE_TYPE if path.startswith("code/") else MEDIA_TYPES[ending]
    return Response(content, media_type=kind, headers=HEADERS)


def _page(site: PortalSite, request: Request, path: str, at: datetime, words: str = "") -> Response:
    depth = path.count("/")
    # From the index, which has no slash behind it, the folder is `webhooks/`.
    root = "../" * depth if path else "webhooks/"
    up = "../" * (depth + (1 if path else 0))
    guarded = MEMBERS_ROOT in request.url.path
    place = Place(
        root,
        "",
        served=True,
        reference=f"{up}../../docs" if guarded else f"{up or './'}../docs",
        panel=f"{up}../" if guarded else f"{up or './'}../panel/",
    )
    text = (
        site.search_page(words[:MOST_SEARCHED], place, at) if path == SEARCH else site.page(path, place, at)
    )
    if text is None:
        raise HTTPException(404)
    return HTMLResponse(text, headers=HEADERS)
