"""Processes on the simulated cluster, and the blows that a plan deals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from streams.codec.avro import HEADER, encode
from streams.delivery.records import Subscription
from streams.domain.values import Value
from streams.kafka.partitioner import partition_of
from streams.topics import SETTINGS, SUBSCRIPTIONS, TOPICS, Topic
from tests.crash.commands import Sent
from tests.crash.listeners import LISTENERS
from tests.samples import STORE
from tests.scenarios import SETTINGS as STORE_SETTINGS
from tests.simulated.cluster import SimulatedCluster
from tests.simulated.hub import Hub, Tell
from tests.simulated.peer import Peer
from tests.simulated.plan import BROKERS, PARTITIONS, Blow, Plan, Step
from tests.simulated.worker import PREFIX, Worker


@dataclass(frozen=True, slots=True)
class Ending:
    """A process ended of itself."""

    at: float
    name: str
    reason: str


class World:
    """All that runs on one hub. `folder` is for crash notes, the one thing that is kept on a real disk."""

    def __init__(self, plan: Plan, folder: Path, tell: Tell | None = None) -> None:
        self.plan = plan
        self.folder = folder
        self.hub = Hub(plan.seed, tell)
        self.rng = self.hub.rng("world")
        self.cluster = SimulatedCluster(self.hub, BROKERS, plan.rates)
        self.peer = Peer(self.hub, self.cluster.faults)
        self.endings: list[Ending] = []
        self.compacted = False
        for topic in TOPICS:
            self.cluster.brokers.create(f"{PREFIX}{topic.name}", topic.partitions or PARTITIONS, topic.config)
        self._put(SETTINGS, {STORE: STORE_SETTINGS})
        self._put(SUBSCRIPTIONS, {each.subscription_id: _impatient(each) for each in LISTENERS})
        self.workers = [Worker(f"worker-{n + 1}", self) for n in range(plan.workers)]

    def ended(self, name: str, reason: BaseException | None) -> None:
        ending = Ending(self.hub.now, name, f"{type(reason).__name__}: {reason}")
        self.endings.append(ending)
        self.hub.note(f"{name} ended: {ending.reason}")

    def _put(self, topic: Topic, values: Mapping[str, Value]) -> None:
        log = self.cluster.brokers.logs[f"{PREFIX}{topic.name}", 0]
        for key, value in values.items():
            data, schema = encode(value)
            log.append([(key.encode(), data, [(HEADER, schema.encode())], 0.0)])

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


def _impatient(listener: Subscription) -> Subscription:
    return replace(listener, retry_waits=(2,) * 30)
