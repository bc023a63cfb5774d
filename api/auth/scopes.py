"""Each route declares here, once, the scope that its caller needs."""

from typing import Any

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from streams.access import Scope


def require_scope(scope: Scope) -> Any:
    """A dependency that answers 403 to callers without `scope`."""

    async def check(request: Request) -> None:
        if scope not in request.state.caller.scopes:
            raise HTTPException(403, "Forbidden.")

    return Depends(check)
