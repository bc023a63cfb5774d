"""The API's process: views, a replica of the members, an appender, a server; and how they end together."""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from api.app import create_app
from api.audit import Audit
from api.auth import ApiKeys, Gate, check_door
from api.callers import Callers
from api.log import AuditAppender, CommandAppender, TopicLog, callers_followed, followed, stores_followed
from api.logins import Logins, Tokens
from api.outcomes import Outcomes
from api.signing import SealedKeys
from api.targets import PublicTargets
from connectors.http.app import courier_of, safe_of, sender_of
from streams.access import ApiKey
from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from streams.kafka.admin import partitions
from streams.kafka.appender import Appender
from streams.kafka.clients import Connection
from streams.kafka.generations import present, require_layout, watched
from streams.kafka.history import History
from streams.kafka.identity import identity
from streams.kafka.replica import Replicas
from streams.kafka.topics import API_KEYS, COMMANDS, SETTINGS, SUBSCRIPTIONS
from streams.kafka.view import View
from streams.settings import Settings, variable

GRACE = 10
"""Seconds that requests under way get when the process is told to stop."""


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn raises them again, and would end the process before it is tidied up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the application works with, all of it running."""

    index: Subscriptions
    stores: dict[str, StoreSettings]
    views: tuple[View[Any], ...]
    appender: Appender
    replicas: Replicas
    outcomes: Outcomes
    past: History
    subscriptions: TopicLog[Subscription]
    settings: TopicLog[StoreSettings]
    callers: Callers
    keys: TopicLog[ApiKey]

    def failures(self) -> Iterator[Coroutine[Any, Any, Any]]:
        """Whatever ends one of them for good."""
        yield from (view.failed() for view in self.views)
        yield self.appender.failed()
        yield self.replicas.failed()


async def _parts(
    settings: Settings, connection: Connection, directory: Path, stack: AsyncExitStack, stop: asyncio.Event
) -> _Parts | None:
    """Started, with all read that was there; None where the process is told to stop before."""
    index, stores = Subscriptions(), dict[str, StoreSettings]()
    callers = Callers()
    admins, keys = callers_followed(connection, callers)
    views = (
        followed(connection, index),
        stores_followed(connection, stores),
        admins,
        keys,
        watched(connection),
    )
    for view in views:
        stack.push_async_callback(view.stop)
    appender = Appender(connection)
    stack.push_async_callback(appender.close)
    count = (await asyncio.to_thread(partitions, connection, (COMMANDS,)))[COMMANDS.name]
    replicas = Replicas(connection, directory, count)
    stack.push_async_callback(replicas.stop)
    outcomes = Outcomes(
        CommandAppender(appender), replicas, wait=settings.command_wait, most=settings.command_waiters
    )
    starts = [*(view.start() for view in views), replicas.start(outcomes.heard)]
    await _until_first(stop.wait(), replicas.failed(), _all(starts))
    if stop.is_set():
        return None
    return _Parts(
        index=index,
        stores=stores,
        views=views,
        appender=appender,
        replicas=replicas,
        outcomes=outcomes,
        past=History(connection, count, settings.history_records),
        subscriptions=TopicLog(connection, SUBSCRIPTIONS, appender, views[0]),
        settings=TopicLog(connection, SETTINGS, appender, views[1]),
        callers=callers,
        keys=TopicLog(connection, API_KEYS, appender, keys),
    )


async def _all(waits: Iterable[Coroutine[Any, Any, Any]]) -> None:
    await asyncio.gather(*waits)


async def serve(settings: Settings, connection: Connection, started: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT; `started` gets the address once requests are answered.

    Raises Misconfigured (no API key, address taken, topics missing), Retryable, and whatever ends the view or
    the appender for good: a process that cannot see or make changes must not stay up.
    """
    safe = safe_of(settings)
    check_door(settings.api_key_hashes, safe)
    require_layout(await asyncio.to_thread(present, connection))
    stop = _stop_signal()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(closing(_listener(settings)))
        directory = stack.enter_context(identity(settings, "api", connection.generation)).directory
        parts = await _parts(settings, connection, directory, stack, stop)
        if parts is None:
            return
        if not settings.api_key_hashes and not parts.callers:
            raise Misconfigured("Nobody can call the API yet: make an admin by `loyalty admin create`")
        tokens = Tokens(safe)
        sender = sender_of(settings)
        stack.push_async_callback(sender.aclose)
        app = create_app(
            subscriptions=parts.index,
            log=parts.subscriptions,
            authenticator=Gate(ApiKeys(settings.api_key_hashes), parts.callers, tokens, _now),
            targets=PublicTargets(settings.allow_targets),
            now=_now,
            caught_up=lambda: all(view.caught_up for view in parts.views) and parts.replicas.caught_up,
            outcomes=parts.outcomes,
            book=parts.replicas,
            past=parts.past,
            stores=parts.stores.get,
            settings_log=parts.settings,
            courier=courier_of(settings, sender, safe),
            callers=parts.callers,
            key_log=parts.keys,
            audit=Audit(AuditAppender(parts.appender).append, _now),
            logins=Logins(parts.callers, tokens) if safe.ready else None,
            signer=SealedKeys(safe) if safe.ready else None,
            vault=safe if safe.ready else None,
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
            await _until_first(stop.wait(), *parts.failures(), asyncio.shield(serving))
        finally:
            server.should_exit = True
            await serving


def _now() -> datetime:
    return datetime.now(UTC)


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
