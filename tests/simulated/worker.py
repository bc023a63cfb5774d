"""A worker's lives on the simulated cluster, under the same name and on the same disk.

What runs is the product's own: its views, feeds and stages. Only Faust's app is not there: the feeds are
given a channel that plays a batch at once, and crash together as the app's services do.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from connectors.http.app import read_policy
from connectors.http.attempt import SinkPorts
from connectors.http.attempt_sender import AttemptSender
from connectors.http.sink import SinkStage
from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.runtime.feed import Feed
from streams.runtime.feed_source import Instance
from streams.runtime.metrics import Metrics
from streams.runtime.restore_progress import RestoreProgress
from streams.secrets.sealing import SecretSealer
from streams.settings import Settings
from streams.stages.context import Stage, StreamClock, WallClock
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.topics import SETTINGS, SUBSCRIPTIONS, Topic
from tests.crash.listeners import BATCH_SECONDS
from tests.driver import SECRET
from tests.simulated.cluster import SimulatedCluster
from tests.simulated.disk import Disk
from tests.simulated.hosts import Host
from tests.simulated.hub import Hub
from tests.simulated.loop import SimulatedLoop
from tests.simulated.peer import Peer
from tests.simulated.plan import PARTITIONS, Plan

PREFIX = "simulated."
SESSION, TRANSACTION = 6, 10
MEMORY = timedelta(days=200)
"""Longer than a run's history: a repeat is never too late."""
BACKOFF = (0.3, 2.0)
PATIENCE = 2.0
"""Seconds for which a feed waits for records: whoever waits hears at once what comes, and a longer wait costs
fewer steps."""


class Around(Protocol):
    """What a worker needs of the world."""

    hub: Hub
    plan: Plan
    cluster: SimulatedCluster
    folder: Path
    peer: Peer

    def ended(self, name: str, reason: BaseException | None) -> None:
        """A process ended of itself."""


class Direct:
    """What a feed sends to a Faust channel, played at once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def send(self, *, value: Any) -> None:
        value.play(self._stage)


class Process:
    """One life: its views, its stages and their feeds, on its own loop."""

    def __init__(self, name: str, around: Around, disk: Disk, host: Host) -> None:
        self.stop = asyncio.Event()
        self._name = name
        self._around = around
        self._disk = disk
        self._host = host
        self._stores: dict[str, StoreSettings] = {}
        self._subscriptions = Subscriptions()
        self._connection = Connection("simulated", PREFIX, cluster=around.cluster.seen_by(host))
        self._rng = around.hub.rng(f"{name} from {around.hub.now} on")

    async def main(self) -> None:
        views = self._views() if len(self._around.plan.feeds) > 1 else []
        feeds = [self._feed(role, topic) for role, topic in self._around.plan.feeds.items()]
        failed = None
        try:
            for view in views:
                await view.start()
            for feed in feeds:
                await feed.start()
            failed = await self._first_failure(views, feeds)
        except Exception as error:  # noqa: BLE001 - a start that failed ends a process
            failed = error
        finally:
            # As Faust's app stops its services: what fails then ends nothing any more.
            for stop in (*(feed.stop for feed in reversed(feeds)), *(view.stop for view in reversed(views))):
                with suppress(Exception):
                    await stop()
        if failed or not self.stop.is_set():
            self._around.ended(self._name, failed)

    async def _first_failure(
        self, views: list[CompactedView[Any]], feeds: list[Feed]
    ) -> BaseException | None:
        """Waits for a failure, or until it is asked to end."""
        waits = [*(view.failed() for view in views), *(feed.wait_until_stopped() for feed in feeds)]
        ends = [asyncio.ensure_future(wait) for wait in (*waits, self.stop.wait())]
        done, others = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
        found = [each.exception() for each in ends if each in done]
        return next((e for e in (*found, *(feed.crash_reason for feed in feeds)) if e is not None), None)

    def _views(self) -> list[CompactedView[Any]]:
        def store(name: str, found: StoreSettings | None) -> None:
            if found:
                self._stores[name] = found

        def subscription(_: str, found: Subscription | None) -> None:
            if found:
                self._subscriptions.put(found)

        return [
            CompactedView(self._connection, SETTINGS, StoreSettings, store),
            CompactedView(self._connection, SUBSCRIPTIONS, Subscription, subscription),
        ]

    def _feed(self, role: str, source: Topic) -> Feed:
        around, host = self._around, self._host
        stage, metrics = self._stage(role), Metrics()
        return Feed(
            self._connection,
            Instance(f"{PREFIX}{role}", self._name, around.folder / self._name / role, SESSION, TRANSACTION),
            source,
            stage,
            channel=Direct(stage),  # type: ignore[arg-type]
            settings=settings(around.plan.batch, around.plan.standby),
            metrics=metrics,
            restores=RestoreProgress(metrics, clock=self._connection.cluster.now),
            check=lambda: None,
            opened=self._disk.opened(lambda: not host.dead),
        )

    def _stage(self, role: str) -> Stage:
        if role == "sink":
            return SinkStage(self._outside())
        stage = self._patient(role)
        stage.patience = PATIENCE
        return stage

    def _patient(self, role: str) -> LoyaltyStage | IdentityStage | FanOutStage:
        match role:
            case "loyalty":
                return LoyaltyStage(self._stores, StreamClock(), MEMORY, lambda: SECRET)
            case "identity":
                return IdentityStage()
        window, clock = timedelta(seconds=BATCH_SECONDS), WallClock(self._connection.cluster.utc)
        return FanOutStage(self._subscriptions, window, clock)

    def _outside(self) -> SinkPorts:
        return SinkPorts(
            self._subscriptions,
            AttemptSender(self._around.peer, SecretSealer()),
            read_policy(settings(self._around.plan.batch, self._around.plan.standby)),
            now=self._connection.cluster.utc,
            new_id=lambda: str(UUID(int=self._rng.getrandbits(128), version=4)),
            jitter=self._rng.random,
        )


@dataclass(slots=True, eq=False)
class Worker:
    """`wanted`: it is started again whenever it has ended."""

    name: str
    around: Around
    disk: Disk = field(default_factory=Disk)
    host: Host | None = None
    wanted: bool = False
    _process: Process | None = None
    _loop: SimulatedLoop | None = None

    def start(self) -> None:
        self.wanted = True
        hub = self.around.hub
        host = self.host = Host(hub, self.name)
        hub.note(f"{self.name} starts")
        loop = self._loop = SimulatedLoop(host)
        loop.begin(lambda: self._main(host), lambda: self._over(host))
        host.buried.append(lambda: self._gone(host))

    async def _main(self, host: Host) -> None:
        self._process = Process(self.name, self.around, self.disk, host)
        await self._process.main()

    def _over(self, host: Host) -> None:
        self.around.hub.after(0, host.kill)

    def _gone(self, host: Host) -> None:
        self.disk.release()
        hub = self.around.hub
        if self.wanted and host is self.host:
            wait = hub.rng(f"{self.name} again from {hub.now} on").uniform(*BACKOFF)
            hub.after(wait, lambda: self._again(host), f"{self.name} is started again")

    def _again(self, host: Host) -> None:
        if self.wanted and host is self.host:
            self.start()

    def kill(self) -> None:
        if self.host:
            self.host.kill()

    def stop(self) -> None:
        """Asked to end, with SIGTERM."""
        self.wanted = False
        if self.host and not self.host.dead and self._process and self._loop:
            self._loop.call_soon_threadsafe(self._process.stop.set)

    def restart(self) -> None:
        self.stop()
        self.wanted = True


@cache
def settings(batch: int, standby: bool) -> Settings:
    return Settings(topic_prefix=PREFIX, partitions=PARTITIONS, batch_records=batch, standby=standby)
