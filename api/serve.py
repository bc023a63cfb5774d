"""The API's process: a view of the subscriptions, an appender, a server; and how they end together."""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import uvicorn

from api.app import create_app
from api.auth import ApiKeys
from api.log import TopicLog, followed
from api.targets import PublicTargets
from streams.delivery.subscription import Subscriptions
from streams.errors import Misconfigured
from streams.kafka.appender import Appender
from streams.kafka.clients import Connection
from streams.settings import Settings, variable

GRACE = 10
"""Seconds that requests under way get when the process is told to stop."""


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn raises them again, and would end the process before it is tidied up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, connection: Connection, started: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT; `started` gets the address once requests are answered.

    Raises Misconfigured (no API key, address taken, topics missing), Retryable, and whatever ends the view or
    the appender for good: a process that cannot see or make changes must not stay up.
    """
    keys = ApiKeys(settings.api_key_hashes)
    stop = _stop_signal()
    index = Subscriptions()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(closing(_listener(settings)))
        view = followed(connection, index)
        stack.push_async_callback(view.stop)
        appender = Appender(connection)
        stack.push_async_callback(appender.close)
        await _until_first(stop.wait(), view.start())
        if stop.is_set():
            return
        app = create_app(
            subscriptions=index,
            log=TopicLog(appender, view),
            authenticator=keys,
            targets=PublicTargets(settings.allow_targets),
            now=lambda: datetime.now(UTC),
            caught_up=lambda: view.caught_up,
        )
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                log_level="warning",
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=GRACE,
            )
        )
        serving = asyncio.create_task(server.serve([listener]))
        started(_address(listener))
        try:
            await _until_first(stop.wait(), view.failed(), appender.failed(), asyncio.shield(serving))
        finally:
            server.should_exit = True
            await serving


def _stop_signal() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _until_first(*waits: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> None:
    """Returns or raises as the first of them does; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in done:
        task.result()


def _listener(settings: Settings) -> socket.socket:
    host, port = settings.api_host, settings.api_port
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        where = f"{variable('api_host')}={host!r}, {variable('api_port')}={port}"
        raise Misconfigured(f"{where}: cannot listen there: {error.strerror}") from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
