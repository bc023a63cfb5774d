"""The simulated cluster behind the port that the product uses: a view of it for each process."""

from concurrent.futures import Executor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from streams.kafka.cluster import Admin, Config, Consumer, Producer
from tests.simulated.admin import SimulatedAdmin
from tests.simulated.brokers import Brokers
from tests.simulated.calls import NO_FAULTS, Calls, Faults, Rates
from tests.simulated.consumer import SimulatedConsumer
from tests.simulated.coordinators import Coordinators
from tests.simulated.groups import Group
from tests.simulated.hosts import Host
from tests.simulated.hub import Hub
from tests.simulated.locks import Lock, OneThread
from tests.simulated.producer import SimulatedProducer

BEGAN_AT = datetime(2026, 9, 1, tzinfo=UTC)


class SimulatedCluster:
    """Brokers in memory, driven by the hub's seed. `rates` are those of faults at the clients' calls."""

    def __init__(self, hub: Hub, brokers: int = 3, rates: Rates = NO_FAULTS) -> None:
        self.hub = hub
        self.brokers = Brokers(hub, brokers)
        self.coordinators = Coordinators(self.brokers)
        self.groups: dict[str, Group] = {}
        self.faults = Faults(hub.rng("faults"), rates)

    def group(self, name: str) -> Group:
        if name not in self.groups:
            self.groups[name] = Group(self.hub, name, lambda topic: len(self.brokers.topics.get(topic, ())))
            self.brokers.coordinator(name)
        return self.groups[name]

    def seen_by(self, host: Host) -> "SeenBy":
        return SeenBy(self, host)


class SeenBy:
    """The port `streams.kafka.cluster.Cluster`, for one process."""

    def __init__(self, cluster: SimulatedCluster, host: Host) -> None:
        self._cluster = cluster
        self._host = host

    def _calls(self) -> Calls:
        self._host.check()
        return Calls(self._host, self._cluster.brokers, self._cluster.faults)

    def consumer(self, config: Config) -> Consumer:
        return SimulatedConsumer(self._calls(), self._cluster.group(str(config["group.id"])), config)

    def producer(self, config: Config) -> Producer:
        return SimulatedProducer(self._calls(), self._cluster.coordinators, config)

    def admin(self, config: Config) -> Admin:  # noqa: ARG002 - as the port has it
        return SimulatedAdmin(self._calls(), self._cluster.group)

    def now(self) -> float:
        return self._host.hub.now

    def sleep(self, seconds: float) -> None:
        self._host.sleep(seconds)

    def utc(self) -> datetime:
        return BEGAN_AT + timedelta(seconds=self._host.hub.now)

    def executor(self, name: str) -> Executor:
        return OneThread(self._host, name)

    def lock(self) -> AbstractContextManager[object]:
        return Lock(self._host)

    def end_process(self) -> NoReturn:
        self._host.hub.note(f"{self._host.name} ends itself")
        self._host.hub.after(0, self._host.kill)
        while True:
            self._host.park(None)
