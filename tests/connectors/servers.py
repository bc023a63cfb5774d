"""Endpoints on 127.0.0.1, for what a fake cannot show."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from tests.connectors.fakes import Endpoint, Sent

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Server:
    url: str
    connections: int = 0


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[Server]:
    """A server that speaks as `talk` does, byte by byte; what still talks at the end is cut off."""
    talks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        talks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            await talk(reader, writer)
        except (asyncio.CancelledError, ConnectionError, EOFError):
            writer.transport.abort()
        finally:
            writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    server = Server(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/hook")
    try:
        yield server
    finally:
        listener.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


@asynccontextmanager
async def served(endpoint: Endpoint) -> AsyncIterator[str]:
    """The same endpoint that a FakeSender takes, behind real HTTP. Yields its URL."""

    async def handle(request: web.BaseRequest) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = await endpoint(Sent(str(request.url), headers, await request.read()))
        assert answer.status is not None, "a server that runs cannot stay silent: close it instead"
        retry = {"Retry-After": answer.retry_after} if answer.retry_after else {}
        return web.Response(status=answer.status, text=answer.response, headers=retry)

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook?source=loyalty"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def closed() -> AsyncIterator[str]:
    """A URL where nobody listens: its port is held, so that nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/hook"
