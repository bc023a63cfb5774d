"""The size of a request's body, whether it is announced or comes in chunks."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 64 * 1024


class BodyLimit:
    """413 for a body of more than `limit` bytes, of which no more than that is kept in memory."""

    def __init__(self, app: ASGIApp, limit: int = BODY_LIMIT) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        too_large = not announced.isdecimal() or int(announced[:20]) > self._limit
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if too_large or read > self._limit:
                raise HTTPException(413, f"The body has more than {self._limit} bytes.")
            return message

        await self._app(scope, counted, send)
