"""Processes on the simulated cluster, and the blows that a plan deals."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from streams.codec import HEADER
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.kafka.clients import Connection
from streams.kafka.feed import Feed, Identity
from streams.kafka.metrics import Metrics
from streams.kafka.partitioner import partition_of
from streams.kafka.progress import Restores
from streams.kafka.topics import TOPICS, Topic
from streams.settings import Settings
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.stages.turn import Stage, StreamClock, WallClock
from tests.crash.commands import Sent
from tests.crash.listeners import BATCH_SECONDS, LISTENERS
from tests.driver import SECRET
from tests.samples import STORE
from tests.simulated.cluster import SimulatedCluster
from tests.simulated.disk import Disk
from tests.simulated.hosts import Host
from tests.simulated.hub import Hub, Tell
from tests.simulated.loop import SimulatedLoop
from tests.simulated.plan import BROKERS, PARTITIONS, Blow, Plan, Step

PREFIX = "simulated."
SESSION, TRANSACTION = 6, 10
MEMORY = timedelta(days=200)
"""Longer than a run's history: a repeat is never too late."""
BACKOFF = (0.3, 2.0)


@dataclass(frozen=True, slots=True)
class Ending:
    """A process ended of itself."""

    at: float
    name: str
    reason: str


class Direct:
    """What a feed sends to a Faust channel, played at once: the app's own machinery has no part in this."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def send(self, *, value: Any) -> None:
        value.play(self._stage)


@dataclass(slots=True, eq=False)
class Worker:
    """One worker's lives, one after the other, under the same name and on the same disk."""

    name: str
    world: "World"
    disk: Disk = field(default_factory=Disk)
    host: Host | None = None
    wanted: bool = False
    _stop: "asyncio.Event | None" = None
    _loop: SimulatedLoop | None = None

    def start(self) -> None:
        self.wanted = True
        hub = self.world.hub
        host = self.host = Host(hub, self.name)
        hub.note(f"{self.name} starts")
        loop = self._loop = SimulatedLoop(host)
        loop.begin(lambda: self._main(host), lambda: self._over(host))
        host.buried.append(lambda: self._gone(host))

    def _over(self, host: Host) -> None:
        self.world.hub.after(0, host.kill)

    def _gone(self, host: Host) -> None:
        self.disk.release()
        if self.wanted and host is self.host:
            wait = self.world.rng.uniform(*BACKOFF)
            self.world.hub.after(wait, lambda: self._again(host), f"{self.name} is started again")

    def _again(self, host: Host) -> None:
        if self.wanted and host is self.host:
            self.start()

    async def _main(self, host: Host) -> None:
        stop = self._stop = asyncio.Event()
        connection = Connection("simulated", PREFIX, cluster=self.world.cluster.seen_by(host))
        feeds = [self._feed(connection, host, role, topic) for role, topic in self.world.plan.feeds.items()]
        try:
            for feed in feeds:
                await feed.start()
            ends = [asyncio.ensure_future(feed.wait_until_stopped()) for feed in feeds]
            await asyncio.wait(
                [*ends, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED
            )
            failed = next((feed.crash_reason for feed in feeds if feed.crash_reason), None)
        except Exception as error:  # noqa: BLE001 - a start that failed ends a process
            failed = error
        finally:
            for feed in reversed(feeds):
                # As Faust's app stops its services: what fails then ends nothing any more.
                with suppress(Exception):
                    await feed.stop()
        if failed or not stop.is_set():
            self.world.ended(self.name, failed)

    def _feed(self, connection: Connection, host: Host, role: str, source: Topic) -> Feed:
        stage = self.world.stage(role, connection)
        return Feed(
            connection,
            Identity(
                f"{PREFIX}{role}", self.name, self.world.folder / self.name / role, SESSION, TRANSACTION
            ),
            source,
            stage,
            channel=Direct(stage),  # type: ignore[arg-type]
            settings=settings(self.world.plan.batch, self.world.plan.standby),
            metrics=(metrics := Metrics()),
            restores=Restores(metrics, clock=connection.cluster.now),
            check=lambda: None,
            opened=self.disk.opened(lambda: not host.dead),
        )

    def kill(self) -> None:
        if self.host:
            self.host.kill()

    def stop(self) -> None:
        """Asked to end, with SIGTERM."""
        self.wanted = False
        if self.host and not self.host.dead and self._stop and self._loop:
            self._loop.call_soon_threadsafe(self._stop.set)

    def restart(self) -> None:
        self.stop()
        self.wanted = True


@cache
def settings(batch: int, standby: bool) -> Settings:
    return Settings(topic_prefix=PREFIX, partitions=PARTITIONS, batch_records=batch, standby=standby)


class World:
    """All that runs on one hub. `folder` is for crash notes, the one thing that is kept on a real disk."""

    def __init__(self, plan: Plan, folder: Path, tell: Tell | None = None) -> None:
        self.plan = plan
        self.folder = folder
        self.hub = Hub(plan.seed, tell)
        self.rng = self.hub.rng("world")
        self.cluster = SimulatedCluster(self.hub, BROKERS, plan.rates)
        self.endings: list[Ending] = []
        self.compacted = False
        for topic in TOPICS:
            self.cluster.brokers.create(f"{PREFIX}{topic.name}", topic.partitions or PARTITIONS, topic.config)
        self.workers = [Worker(f"worker-{n + 1}", self) for n in range(plan.workers)]

    def stage(self, role: str, connection: Connection) -> LoyaltyStage | IdentityStage | FanOutStage:
        stage = self._stage(role, connection)
        # Whoever waits hears at once what comes: a longer wait only costs fewer steps.
        stage.patience = 2.0
        return stage

    def _stage(self, role: str, connection: Connection) -> LoyaltyStage | IdentityStage | FanOutStage:
        match role:
            case "loyalty":
                return LoyaltyStage(stores(), StreamClock(), MEMORY, lambda: SECRET)
            case "identity":
                return IdentityStage()
        window, clock = timedelta(seconds=BATCH_SECONDS), WallClock(connection.cluster.utc)
        return FanOutStage(subscriptions(), window, clock)

    def ended(self, name: str, reason: BaseException | None) -> None:
        ending = Ending(self.hub.now, name, f"{type(reason).__name__}: {reason}")
        self.endings.append(ending)
        self.hub.note(f"{name} ended: {ending.reason}")

    def append(self, records: Sequence[Sent]) -> None:
        """As the outside world's producers do, which have troubles of their own."""
        for sent in records:
            number = partition_of(sent.key or b"", PARTITIONS) if sent.partition is None else sent.partition
            headers = [(HEADER, sent.schema.encode())] if sent.schema is not None else []
            log = self.cluster.brokers.logs[f"{PREFIX}{self.plan.source.name}", number]
            log.append([(sent.key, sent.value, headers, self.hub.now)])

    def play(self, step: Step) -> None:
        pace = step.seconds / max(1, len(step.records))
        for sent in step.records:
            self.append([sent])
            self.hub.run(_never, pace)
        self._strike(step.blow)

    def _strike(self, blow: Blow) -> None:
        self.hub.note(f"blow: {blow.kind} {blow.victim}")
        brokers = self.cluster.brokers
        match blow.kind:
            case "broker-kill" | "broker-freeze" | "broker-hole":
                brokers.strike(blow.victim, blow.kind.removeprefix("broker-"), blow.seconds)
            case "move":
                brokers.move()
            case "compact":
                self._compact()
            case _:
                self._strike_worker(self.workers[blow.victim], blow)

    def _strike_worker(self, worker: Worker, blow: Blow) -> None:
        host = worker.host
        if host is None or host.frozen:
            return
        match blow.kind:
            case "freeze":
                host.freeze()
                self.hub.after(blow.seconds, host.thaw)
            case "restart":
                worker.restart()
            case "wipe":
                host.kill()
                worker.disk.wipe()
            case "power":
                host.kill()
                worker.disk.cut_power(self.rng)
            case _:
                host.kill()

    def _compact(self) -> None:
        self.compacted = True
        for log in self.cluster.brokers.logs.values():
            if log.compacted:
                log.compact()


def _never() -> bool:
    return False


def stores() -> dict[str, StoreSettings]:
    return {STORE: _store()}


@cache
def _store() -> StoreSettings:
    from streams.codec import decode, encode  # noqa: PLC0415
    from tests.scenarios import SETTINGS  # noqa: PLC0415

    return decode(StoreSettings, *encode(SETTINGS))


def subscriptions() -> Subscriptions:
    made = Subscriptions()
    for listener in LISTENERS:
        made.put(listener)
    return made
