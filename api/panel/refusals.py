"""Refused commands and poison records: two pages of what the programme did not take."""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.auth.scopes import require_scope
from api.panel.pages import PageRenderer
from api.panel.session_guard import CurrentStore
from streams.projections.failure_log import FailureFilter, FoundFailure
from streams.rejections import CommandRejected, PoisonRecord

PAGE_SIZE = 25
MAX_PAGES = 40
MAX_SHOWN = 400
"""Characters of a value, a key or a cause in the list."""


class FailureQueries(Protocol):
    """The newest first. Both raise Retryable."""

    async def refusals(self, wanted: FailureFilter, most: int) -> list[FoundFailure[CommandRejected]]: ...

    async def poison(self, wanted: FailureFilter, most: int) -> list[FoundFailure[PoisonRecord]]: ...


class RefusalFilter(BaseModel):
    text: Annotated[str, Field(max_length=200)] = ""
    member: Annotated[str, Field(max_length=64)] = ""
    page: Annotated[int, Field(ge=1, le=MAX_PAGES)] = 1


@dataclass(frozen=True, slots=True)
class PoisonRow:
    """A poison record, as the list shows it."""

    id: str
    record: PoisonRecord
    key: str
    value: str


def routes(pages: PageRenderer, failures: FailureQueries) -> APIRouter:
    router = APIRouter(dependencies=[require_scope("read")])

    @router.get("/{store}/refusals")
    async def refusals(
        request: Request, store: CurrentStore, wanted: Annotated[RefusalFilter, Query()]
    ) -> Response:
        asked = FailureFilter(store.store, wanted.member.strip() or None, wanted.text.strip())
        found = await failures.refusals(asked, wanted.page * PAGE_SIZE + 1)
        return pages.page(request, "refusals", store, **_part(found, wanted))

    @router.get("/{store}/poison")
    async def poison(
        request: Request, store: CurrentStore, wanted: Annotated[RefusalFilter, Query()]
    ) -> Response:
        """Records whose key is of this store; to who may enter all stores, also those of no store."""
        caller = request.state.session.caller
        whole = not caller.stores
        asked = FailureFilter(None if whole else store.store, None, wanted.text.strip())
        found = await failures.poison(asked, wanted.page * PAGE_SIZE + 1)
        shown = _part(found, wanted)
        rows = [
            PoisonRow(str(each.id), each.record, _text(each.record.key), _text(each.record.value))
            for each in shown["rows"]
        ]
        return pages.page(request, "poison", store, whole=whole, **{**shown, "rows": rows})

    return router


def _part(found: list[Any], wanted: RefusalFilter) -> dict[str, Any]:
    start = (wanted.page - 1) * PAGE_SIZE
    more = len(found) > start + PAGE_SIZE and wanted.page < MAX_PAGES
    return {
        "rows": found[start : start + PAGE_SIZE],
        "wanted": wanted,
        "newer": wanted.page - 1 if wanted.page > 1 else None,
        "older": wanted.page + 1 if more else None,
        "most": MAX_SHOWN,
    }


def _text(raw: bytes | None) -> str:
    """Bytes as readable as they are; the rest is escaped."""
    if raw is None:
        return ""
    text = raw[:MAX_SHOWN].decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)[:MAX_SHOWN]
