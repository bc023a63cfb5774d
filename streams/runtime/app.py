"""The Faust app: agents on channels of batches, and the feeds beside them.

Faust's own consumer, producer and tables stay off: they lose and double events when a worker is killed (see
the README's guarantees). What is used is the app, its agents and channels, and its supervised services.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import faust
from faust.app.base import BootStrategy
from mode import Service
from mode.utils.types.trees import NodeT

from streams.kafka.clients import Connection
from streams.runtime.feed import Feed
from streams.runtime.feed_source import Instance
from streams.runtime.metrics import Metrics
from streams.runtime.monitoring import Monitoring
from streams.runtime.probes import Probes
from streams.runtime.restore_progress import show_on_stderr
from streams.runtime.services import QUIET_LOG, QuietService
from streams.settings import Settings
from streams.stages.context import Stage
from streams.topics import Topic


class _FeedsOnly(BootStrategy):
    """Sensors, agents, then the feeds: no consumer or producer of Faust's own."""

    def server(self) -> Iterable[Any]:
        return self._chain(self.sensors(), self.agents(), cast(App, self.app).feeds)


class _Opening(QuietService):
    def __init__(self, check: Callable[[], None], beacon: NodeT[Any]) -> None:
        super().__init__(beacon=beacon)
        self._check = check

    async def on_start(self) -> None:
        self._check()


class _Closing(QuietService):
    def __init__(self, close: Callable[[], Awaitable[None]], beacon: NodeT[Any]) -> None:
        super().__init__(beacon=beacon)
        self._close = close

    async def on_stop(self) -> None:
        await self._close()


class App(faust.App):
    """A Faust app that opens no connection; its work comes from `feeds`."""

    BootStrategy = _FeedsOnly
    mundane_level = "debug"
    logger = QUIET_LOG

    def __init__(self, name: str) -> None:
        self.feeds: list[Service] = []
        self.metrics = Metrics(name)
        self.probes = Probes()
        self.restores = show_on_stderr(self.metrics)
        super().__init__(
            name,
            broker="kafka://never-dialled",
            store="memory://",
            autodiscover=False,
            web_enabled=False,
            topic_disable_leader=True,
        )
        # Channels deliver only after the flow was resumed; Faust's consumer, which is off, would do it.
        self.flow_control.resume()

    def _create_directories(self) -> None:
        # Faust's are made in the working directory, which need not be writable, and stay empty.
        pass

    def add_start_check(self, check: Callable[[], None]) -> None:
        """Call `check` when the app starts, after the feeds that were added before; it may raise."""
        self.feeds.append(_Opening(check, self.beacon))

    def add_closing(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call `close` when the app ends, after the feeds that are added later."""
        self.feeds.append(_Closing(close, self.beacon))

    def expose(self, settings: Settings, connection: Connection) -> None:
        """Serve metrics and probes, if the settings say where. Before the feeds are added."""
        if settings.metrics_ports:
            self.feeds.append(Monitoring(connection, self.metrics, self.probes, settings, beacon=self.beacon))

    def feed(
        self,
        connection: Connection,
        identity: Instance,
        source: Topic,
        stage: Stage,
        settings: Settings,
        *,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Let `stage` work on `source`, through an agent of its own. `check` may raise, before a partition
        that came is worked on."""
        channel = self.channel(maxsize=1)
        meter = self.metrics.meter(source.name)

        async def play(batches: Any) -> None:
            async for batch in batches:
                with meter.step("decide"):
                    batch.play(stage)

        # One at a time: the next batch is another transaction.
        self.agent(channel, name=f"{source.name} agent", concurrency=1)(play)
        feed = Feed(
            connection,
            identity,
            source,
            stage,
            channel=channel,
            settings=settings,
            metrics=self.metrics,
            restores=self.restores,
            check=check,
            beacon=self.beacon,
        )
        self.probes.add_check(feed.pending_work)
        self.feeds.append(feed)
