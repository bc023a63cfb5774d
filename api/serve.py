"""The API's process: views, a replica of the members, an appender, a server; and how they end together."""

import asyncio
import signal
import socket
import sys
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
from api.listening import address_of, listener_of
from api.log import (
    AuditAppender,
    CommandAppender,
    TopicLog,
    callers_followed,
    conditions_followed,
    followed,
    replays_followed,
    stores_followed,
)
from api.logins import Logins, Tokens
from api.outcomes import Outcomes
from api.panel.forecasts import Forecasts
from api.panel.sessions import FORMS, Sessions
from api.player import Player
from api.replays import Ports
from api.signing import SealedKeys
from api.targets import PublicTargets
from connectors.http.app import courier_of, safe_of, sender_of
from streams.access import ApiKey
from streams.delivery.orders import Orders, ReplayOrder, ReplayProgress
from streams.delivery.records import EndpointStatus, Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.ids import derived_id
from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from streams.kafka.admin import partitions
from streams.kafka.appender import Appender
from streams.kafka.clients import Connection
from streams.kafka.flow import Flow
from streams.kafka.foresight import Foresight
from streams.kafka.history import History
from streams.kafka.identity import identity
from streams.kafka.journal import FollowedJournal
from streams.kafka.letterbox import Letterbox
from streams.kafka.published import PublishedEvents
from streams.kafka.recount import Recount
from streams.kafka.replica import Replicas
from streams.kafka.topics import (
    API_KEYS,
    COMMANDS,
    REPLAY_PROGRESS,
    REPLAYS,
    SETTINGS,
    SUBSCRIPTIONS,
)
from streams.kafka.view import View
from streams.settings import Settings
from streams.stages.turn import StreamClock, WallClock

GRACE = 10
"""Seconds that requests under way get when the process is told to stop."""
SWITCH = 0.001
"""Seconds that a thread may compute while another one waits to."""


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
    journal: FollowedJournal
    published: PublishedEvents
    subscriptions: TopicLog[Subscription]
    settings: TopicLog[StoreSettings]
    callers: Callers
    keys: TopicLog[ApiKey]
    conditions: dict[str, EndpointStatus]
    orders: Orders
    order_log: TopicLog[ReplayOrder]
    progress_log: TopicLog[ReplayProgress]
    flow: Flow

    def failures(self) -> Iterator[Coroutine[Any, Any, Any]]:
        """Whatever ends one of them for good."""
        yield from (view.failed() for view in self.views)
        yield self.appender.failed()
        yield self.replicas.failed()
        yield self.flow.failed()
        yield self.journal.failed()


async def _parts(
    settings: Settings, connection: Connection, directory: Path, stack: AsyncExitStack, stop: asyncio.Event
) -> _Parts | None:
    """Started, with all read that was there; None where the process is told to stop before."""
    index, stores = Subscriptions(), dict[str, StoreSettings]()
    callers, orders = Callers(), Orders()
    admins, keys = callers_followed(connection, callers)
    conditions = dict[str, EndpointStatus]()
    asked, told = replays_followed(connection, orders)
    views = (
        followed(connection, index),
        stores_followed(connection, stores),
        admins,
        keys,
        asked,
        told,
        conditions_followed(connection, conditions),
    )
    for view in views:
        stack.push_async_callback(view.stop)
    appender = Appender(connection)
    stack.push_async_callback(appender.close)
    count = (await asyncio.to_thread(partitions, connection, (COMMANDS,)))[COMMANDS.name]
    replicas = Replicas(connection, directory, count)
    stack.push_async_callback(replicas.stop)
    journal = FollowedJournal(connection, directory, count)
    stack.push_async_callback(journal.stop)
    outcomes = Outcomes(
        CommandAppender(appender), replicas, wait=settings.command_wait, most=settings.command_waiters
    )
    starts = [*(view.start() for view in views), replicas.start(outcomes.heard)]
    await _until_first(stop.wait(), replicas.failed(), _all(starts))
    if stop.is_set():
        return None
    flow = Flow(connection)
    stack.push_async_callback(flow.stop)
    flow.start()
    return _Parts(
        index=index,
        stores=stores,
        views=views,
        appender=appender,
        replicas=replicas,
        outcomes=outcomes,
        past=History(connection, count, settings.history_records),
        journal=journal,
        published=PublishedEvents(connection, count, settings.history_records),
        subscriptions=TopicLog(connection, SUBSCRIPTIONS, appender, views[0]),
        settings=TopicLog(connection, SETTINGS, appender, views[1]),
        callers=callers,
        keys=TopicLog(connection, API_KEYS, appender, keys),
        conditions=conditions,
        orders=orders,
        order_log=TopicLog(connection, REPLAYS, appender, asked),
        progress_log=TopicLog(connection, REPLAY_PROGRESS, appender, told),
        flow=flow,
    )


async def _all(waits: Iterable[Coroutine[Any, Any, Any]]) -> None:
    await asyncio.gather(*waits)


async def serve(settings: Settings, connection: Connection, started: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT; `started` gets the address once requests are answered.

    Raises Misconfigured (no API key, address taken, topics missing), Retryable, and whatever ends the view or
    the appender for good: a process that cannot see or make changes must not stay up.
    """
    # A replay's thread computes all the time: a request must not wait 5 ms for its turn at each of its steps.
    sys.setswitchinterval(SWITCH)
    safe = safe_of(settings)
    check_door(settings.api_key_hashes, safe)
    stop = _stop_signal()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(closing(listener_of(settings)))
        own = stack.enter_context(identity(settings, "api"))
        parts = await _parts(settings, connection, own.directory, stack, stop)
        if parts is None:
            return
        if not settings.api_key_hashes and not parts.callers:
            raise Misconfigured("Nobody can call the API yet: make an admin by `loyalty admin create`")
        clock = StreamClock() if settings.clock == "stream" else WallClock()
        forecasts = Forecasts(Foresight(parts.replicas, clock))
        # Before the tables that it reads are closed.
        stack.push_async_callback(forecasts.stop)
        tokens = Tokens(safe)
        sender = sender_of(settings)
        stack.push_async_callback(sender.aclose)
        # The same after a restart, and another one's on every other disk.
        process = f"{own.instance} {derived_id(socket.gethostname(), str(own.directory))[:8]}"
        player = Player(
            connection,
            parts.orders,
            parts.index,
            process=process,
            folder=settings.home / "tmp",
            current=parts.progress_log.current,
            now=_now,
        )
        stack.push_async_callback(player.stop)
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
            store_codes=lambda: tuple(parts.stores),
            conditions=parts.conditions,
            replaying=Ports(
                parts.orders,
                parts.order_log,
                parts.progress_log,
                Recount(connection, settings.home / "tmp"),
                process,
            ),
            box=Letterbox(connection, parts.appender, lambda id_: parts.index.get(id_) is not None),
            journal=parts.journal,
            published=parts.published,
            dotted_names=settings.event_names == "dotted",
            forecasts=forecasts,
            flow=parts.flow,
            logins=Logins(parts.callers, tokens) if safe.ready else None,
            sessions=Sessions(tokens, parts.callers, safe.derived(FORMS), _now) if safe.ready else None,
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
        started(address_of(listener))
        try:
            await _until_first(stop.wait(), *parts.failures(), player.follow(), asyncio.shield(serving))
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
