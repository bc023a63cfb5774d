"""The worker: the loyalty, identity and fan-out stages in one process, each with a feed of its own."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

from mode import Service

from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.exit_in_time import exit_if_silent
from streams.runtime.app import App
from streams.runtime.instance import hold_instance
from streams.runtime.metrics import Metrics
from streams.runtime.services import QuietService
from streams.runtime.state_versions import (
    read_state_version,
    require_layout,
    version_check,
    watch_state_version,
)
from streams.settings import Settings
from streams.stages.context import StreamClock, WallClock
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.topics import COMMANDS, IDENTITY_REQUESTS, SETTINGS, SUBSCRIPTIONS, WEBHOOK_EVENTS


class ViewService(QuietService):
    """Keeps a view current for as long as the process runs, and ends the process when it cannot."""

    def __init__(self, view: CompactedView[Any], metrics: Metrics, **service: Any) -> None:
        super().__init__(**service)
        self._view = view
        metrics.aside.labels(view.name).set_function(lambda: len(view.aside))

    async def on_start(self) -> None:
        await self._view.start()

    @Service.task
    async def _watch(self) -> None:
        await self._view.failed()

    async def on_stop(self) -> None:
        await self._view.stop()


@contextmanager
def open_worker(settings: Settings, connection: Connection) -> Iterator[App]:
    """The app, wired; it holds the process's name while the block runs. Raises Misconfigured where the state
    is none for this release."""
    require_layout(read_state_version(connection))
    with ExitStack() as names:
        app = App(f"{settings.topic_prefix}worker")
        app.expose(settings, connection)
        app.feeds.append(ViewService(watch_state_version(connection), app.metrics, beacon=app.beacon))
        stores: dict[str, StoreSettings] = {}
        app.feeds.append(
            ViewService(
                CompactedView(connection, SETTINGS, StoreSettings, _kept(stores)),
                app.metrics,
                beacon=app.beacon,
            )
        )
        subscriptions = follow_subscriptions(app, connection)
        clock = StreamClock() if settings.clock == "stream" else WallClock()
        app.feed(
            connection,
            names.enter_context(hold_instance(settings, "loyalty", connection.generation)),
            COMMANDS,
            LoyaltyStage(stores, clock, timedelta(hours=settings.command_memory_hours)),
            settings,
            check=version_check(connection),
        )
        app.feed(
            connection,
            names.enter_context(hold_instance(settings, "identity")),
            IDENTITY_REQUESTS,
            IdentityStage(),
            settings,
        )
        app.feed(
            connection,
            names.enter_context(hold_instance(settings, "fan-out")),
            WEBHOOK_EVENTS,
            FanOutStage(subscriptions, timedelta(seconds=settings.legacy_batch_seconds)),
            settings,
        )
        yield app


def follow_subscriptions(app: App, connection: Connection) -> Subscriptions:
    """All subscriptions, kept current by a service of the app that starts before the feeds added later."""
    subscriptions = Subscriptions()

    def apply(subscription_id: str, subscription: Subscription | None) -> None:
        if subscription is None:
            subscriptions.drop(subscription_id)
        else:
            subscriptions.put(subscription)

    app.feeds.append(
        ViewService(
            CompactedView(connection, SUBSCRIPTIONS, Subscription, apply), app.metrics, beacon=app.beacon
        )
    )
    return subscriptions


def _kept(stores: dict[str, StoreSettings]) -> Callable[[str, StoreSettings | None], None]:
    def apply(store: str, settings: StoreSettings | None) -> None:
        if settings is None:
            stores.pop(store, None)
        else:
            stores[store] = settings

    return apply


async def run(app: App, ready: Callable[[], None], connection: Connection | None = None) -> None:
    """Runs until SIGTERM or SIGINT, then commits what is under way and leaves; where the cluster behind
    `connection` does not answer, it just leaves. Raises what it died of."""
    told = asyncio.Event()

    def leave() -> None:
        if connection is not None and not told.is_set():
            exit_if_silent(connection)
        told.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    try:
        await app.start()
        if not app.crashed:
            app.probes.note_start()
            ready()
        ends = [asyncio.ensure_future(told.wait()), asyncio.ensure_future(app.wait_until_stopped())]
        _, others = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
    finally:
        await app.stop()
    if app.crash_reason is not None:
        raise app.crash_reason
