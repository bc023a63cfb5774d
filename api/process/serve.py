"""The API's process: a server over what is running, and how they end together."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import uvicorn

from api.auth.audit import AuditTrail
from api.auth.authentication import ConfiguredKeys, PrincipalAuthenticator, require_credentials
from api.auth.logins import LoginService, TokenSigner
from api.auth.sign_outs import Revocations
from api.contract.url_policy import PublicTargets
from api.panel.forecasts import ForecastService
from api.panel.sessions import FORM_KEY_PURPOSE, SessionService
from api.portal.deployment import describe_deployment
from api.process.app import create_app
from api.process.connection_limits import KEEP_ALIVE_SECONDS, MAX_HEADER_BYTES, BoundedProtocol
from api.process.control_topics import (
    AuditAppender,
    ExampleLog,
)
from api.process.http_metrics import HttpMetrics
from api.process.listener import listener_address, open_listener
from api.process.services import start_parts, wait_for_first
from api.services.listener_leases import remove_ended_listeners
from api.services.listeners import ListenerPorts
from api.services.replay_runner import ReplayRunner
from api.services.replays import ReplayPorts
from api.services.signing_keys import SealedKeys
from connectors.http.app import make_attempt_sender, make_safe, make_sender
from streams.domain.ids import derived_id
from streams.errors import Misconfigured
from streams.jobs.dead_letters import DeadLetterStore
from streams.jobs.replay_estimate import ReplayEstimator
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.exit_in_time import exit_if_silent
from streams.projections.failure_log import FailureLog
from streams.projections.timer_forecast import TimerForecast
from streams.runtime.instance import hold_instance
from streams.runtime.metrics import Metrics
from streams.runtime.monitoring import BEAT_INTERVAL, MonitoringServer
from streams.runtime.probes import BrokerPulse, Probes
from streams.runtime.state_versions import read_state_version, require_layout
from streams.settings import Settings
from streams.stages.context import StreamClock, WallClock

SHUTDOWN_SECONDS = 5
"""Seconds that requests under way get when the process is told to stop."""
SWITCH_INTERVAL = 0.001
"""Seconds that a thread may compute while another one waits to."""


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
    # A replay's thread computes all the time: a request must not wait 5 ms for its turn at each of its steps.
    sys.setswitchinterval(SWITCH_INTERVAL)
    safe = make_safe(settings)
    require_credentials(settings.api_key_hashes, safe)
    require_layout(await asyncio.to_thread(read_state_version, connection))
    stop = _stop_signal(connection)
    metrics, probes = Metrics(f"{settings.topic_prefix}api"), Probes()
    measures = HttpMetrics(metrics)
    async with AsyncExitStack() as stack:
        await start_monitoring(connection, metrics, probes, settings, stack)
        listener = stack.enter_context(closing(open_listener(settings)))
        own = stack.enter_context(hold_instance(settings, "api", connection.generation))
        parts = await start_parts(settings, connection, own.directory, stack, stop)
        if parts is None:
            return
        if not settings.api_key_hashes and not parts.principals:
            raise Misconfigured("Nobody can call the API yet: make an admin by `loyalty admin create`")
        probes.add_check(parts.unread)
        probes.note_start()
        metrics.refreshers.append(lambda: measures.refresh_replays(parts.orders))
        for view in parts.views:
            metrics.aside.labels(view.name).set_function(partial(count_unfit, view))
        clock = StreamClock() if settings.clock == "stream" else WallClock()
        forecasts = ForecastService(TimerForecast(parts.replicas, clock))
        # Before the tables that it reads are closed.
        stack.push_async_callback(forecasts.stop)
        tokens = TokenSigner(safe)
        sender = make_sender(settings)
        stack.push_async_callback(sender.aclose)
        # The same after a restart, and another one's on every other disk.
        process = f"{own.instance} {derived_id(socket.gethostname(), str(own.directory))[:8]}"
        player = ReplayRunner(
            connection,
            parts.orders,
            parts.index,
            process=process,
            folder=settings.home / "tmp",
            current=parts.progress_log.current,
            now=_now,
        )
        stack.push_async_callback(player.stop)
        listening = ListenerPorts(
            parts.listeners,
            parts.listener_log,
            parts.listener_feed,
            ExampleLog(parts.appender).append,
            lambda transport: make_attempt_sender(settings, transport, safe),
            stop.is_set,
        )
        audit = AuditTrail(AuditAppender(parts.appender).append, _now)
        app = create_app(
            subscriptions=parts.index,
            log=parts.subscriptions,
            authenticator=PrincipalAuthenticator(
                ConfiguredKeys(settings.api_key_hashes), parts.principals, tokens, _now
            ),
            targets=PublicTargets(settings.allow_targets),
            now=_now,
            probes=probes,
            metrics=measures,
            outcomes=parts.outcomes,
            book=parts.replicas,
            past=parts.past,
            stores=parts.stores.get,
            settings_log=parts.settings,
            attempt_sender=make_attempt_sender(settings, sender, safe),
            principals=parts.principals,
            key_log=parts.keys,
            audit=audit,
            store_codes=lambda: tuple(parts.stores),
            conditions=parts.conditions,
            replaying=ReplayPorts(
                parts.orders,
                parts.order_log,
                parts.progress_log,
                ReplayEstimator(connection, settings.home / "tmp"),
                process,
            ),
            listening=listening,
            box=DeadLetterStore(connection, parts.appender, lambda id_: parts.index.get(id_) is not None),
            journal=parts.journal,
            published=parts.published,
            failures=FailureLog(connection),
            dotted_names=settings.event_names == "dotted",
            forecasts=forecasts,
            flow=parts.flow,
            aside=lambda: [one for view in parts.views for one in view.aside],
            logins=LoginService(parts.principals, tokens) if safe.ready else None,
            sessions=SessionService(
                tokens,
                parts.principals,
                safe.derived(FORM_KEY_PURPOSE),
                _now,
                Revocations(parts.sign_outs, parts.sign_out_log, _now),
            )
            if safe.ready
            else None,
            trusted_proxies=settings.trusted_proxies,
            deployment=describe_deployment(settings),
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
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                # Its own would believe whoever is on this machine: see `ForwardedRequest`.
                proxy_headers=False,
                http=BoundedProtocol,
                ws="none",
                h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            )
        )
        serving = asyncio.create_task(server.serve([listener]))
        started(listener_address(listener))
        tidying = remove_ended_listeners(listening, audit, _now)
        try:
            await wait_for_first(
                stop.wait(), *parts.failures(), player.follow(), tidying, asyncio.shield(serving)
            )
        finally:
            server.should_exit = True
            await serving


def _now() -> datetime:
    return datetime.now(UTC)


def count_unfit(view: CompactedView[Any]) -> float:
    """How many records of the view's topic are set aside."""
    return len(view.aside)


async def start_monitoring(
    connection: Connection, metrics: Metrics, probes: Probes, settings: Settings, stack: AsyncExitStack
) -> None:
    """Watches Kafka and the event loop, and serves metrics and probes if the settings say where."""
    pulse = BrokerPulse(connection)
    pulse.start()
    stack.callback(pulse.stop)
    probes.add_check(pulse.check)
    beat = asyncio.create_task(_beat(probes))
    stack.callback(beat.cancel)
    if settings.metrics_ports:
        server = MonitoringServer(metrics, probes, settings)
        stack.push_async_callback(asyncio.to_thread, server.close)


async def _beat(probes: Probes) -> None:
    while True:
        probes.beat()
        await asyncio.sleep(BEAT_INTERVAL)


def _stop_signal(connection: Connection) -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def leave() -> None:
        if not stop.is_set():
            exit_if_silent(connection)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    return stop
