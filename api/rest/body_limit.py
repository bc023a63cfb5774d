"""The size of a request's body, whether it is announced or comes in chunks, and the time for it."""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT = 20.0
"""Seconds from the end of a request's headers to that of its body."""


class BodyLimit:
    """413 for a body of more than `limit` bytes, of which no more than that is kept in memory; 408 for one
    that is not there `within` so many seconds."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY_BYTES, within: float = BODY_TIMEOUT) -> None:
        self._app = app
        self._limit = limit
        self._within = within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        too_large = not announced.isdecimal() or int(announced[:20]) > self._limit
        read, whole = 0, False
        deadline = asyncio.get_running_loop().time() + self._within

        async def counted() -> Message:
            nonlocal read, whole
            # Behind the body, an answer that takes long waits here for its client to go away.
            message = await (receive() if whole else _by(deadline, receive))
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if too_large or read > self._limit:
                raise HTTPException(413, f"The body has more than {self._limit} bytes.")
            return message

        await self._app(scope, counted, send)


async def _by(deadline: float, receive: Receive) -> Message:
    try:
        async with asyncio.timeout_at(deadline):
            return await receive()
    except TimeoutError:
        # What may still come of the body is no other request.
        raise HTTPException(408, "The body did not come in time.", {"Connection": "close"}) from None
