"""Revisions as clients see them: the ETag of what was read, and If-Match where it is changed."""

from typing import Annotated, Any

from fastapi import Depends, Header

from api.problems import Changed

_IF_MATCH = "The ETag that was read: 412 where it has been changed since."
CHANGED_ANSWER: dict[int | str, dict[str, Any]] = {412: {"description": "It has been changed since."}}


def read_if_match(
    if_match: Annotated[str | None, Header(alias="If-Match", max_length=64, description=_IF_MATCH)] = None,
) -> int | None:
    """The revision that the client has seen. Anything that is no revision of ours matches none: -1."""
    if if_match is None or if_match.strip() == "*":
        return None
    seen = if_match.strip().removeprefix("W/").strip('"')
    return int(seen) if seen.isascii() and seen.isdigit() else -1


SeenRevision = Annotated[int | None, Depends(read_if_match)]


def etag(revision: int) -> dict[str, str]:
    return {"ETag": f'"{revision}"'}


def require_revision(present: int, seen: int | None) -> None:
    """Raises Changed where `seen` is another one; None: whichever it is."""
    if seen is not None and seen != present:
        raise Changed
