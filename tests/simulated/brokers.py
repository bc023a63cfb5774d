"""Brokers, the logs they lead, and who coordinates what: they may be away, and others take over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zlib import crc32

from confluent_kafka import Uuid

from tests.simulated.hub import Hub
from tests.simulated.log import Log

DETECTED_WITHIN = (0.5, 6.0)
"""Seconds until the controller gives away what an absent broker led."""
LOADS_WITHIN = (0.05, 2.0)
"""Seconds that a new coordinator takes to read its part of the log."""


@dataclass(slots=True)
class Broker:
    """`away`: killed, frozen or behind a black hole; only one that is killed refuses connections."""

    number: int
    away: bool = False
    refuses: bool = False


Which = Callable[[Log], bool]


class Brokers:
    """The cluster's side of it. `logs` is by topic and partition."""

    def __init__(self, hub: Hub, count: int) -> None:
        self.hub = hub
        self.all = [Broker(number) for number in range(count)]
        self.logs: dict[tuple[str, int], Log] = {}
        self.topics: dict[str, dict[int, Log]] = {}
        self.ids: dict[str, Uuid] = {}
        """By topic: one that is made again is another one."""
        self.configs: dict[str, dict[str, str]] = {}
        self._coordinators: dict[str, int] = {}
        self._loaded: dict[str, float] = {}
        self._rng = hub.rng("brokers")

    def create(self, topic: str, partitions: int, config: Mapping[str, str]) -> None:
        made = self.topics[topic] = {}
        self.ids[topic] = Uuid(1, 1 + len(self.ids))
        self.configs[topic] = dict(config)
        compacted = "compact" in config.get("cleanup.policy", "")
        for number in range(partitions):
            first = crc32(f"{topic}/{number}".encode()) % len(self.all)
            replicas = tuple((first + n) % len(self.all) for n in range(min(3, len(self.all))))
            made[number] = self.logs[topic, number] = Log(
                topic, number, compacted, leader=first, replicas=replicas
            )

    def delete(self, topic: str) -> None:
        for number in self.topics.pop(topic):
            del self.logs[topic, number]

    def there(self, number: int | None) -> bool:
        return number is not None and not self.all[number].away

    def coordinator(self, of: str) -> Broker:
        """Of a group or a transactional id: the leader of its partition of Kafka's own topics."""
        if of not in self._coordinators:
            self._coordinators[of] = crc32(of.encode()) % len(self.all)
        return self.all[self._coordinators[of]]

    def loading(self, of: str) -> bool:
        """Whether the coordinator has just come and does not know yet what it coordinates."""
        return self._loaded.get(of, 0.0) > self.hub.now

    def strike(self, number: int, kind: str, seconds: float) -> None:
        """It is away for so long."""
        broker = self.all[number]
        broker.away, broker.refuses = True, kind == "kill"
        self.hub.note(f"broker {number}: {kind}")
        delay = 0.05 if kind == "restart" else self._rng.uniform(*DETECTED_WITHIN)
        self.hub.after(delay, lambda: self._elect(number), f"broker {number} is given up")
        self.hub.after(seconds, lambda: self._back(number), f"broker {number} is back")

    def _back(self, number: int) -> None:
        self.all[number].away = self.all[number].refuses = False
        for log in self.logs.values():
            if log.leader is None:
                self._lead(log)
            elif log.leader == number:
                log.tell()

    def _elect(self, number: int) -> None:
        """Another replica leads what it led, if it is away still."""
        if not self.all[number].away:
            return
        for log in self.logs.values():
            if log.leader == number:
                self._lead(log)
        for of, at in self._coordinators.items():
            if at == number:
                self._coordinate(of)

    def move(self, which: Which = lambda _: True) -> None:
        """Leaders and coordinators change as when a broker is back and takes its own again."""
        for log in self.logs.values():
            if which(log):
                self._lead(log)
        for of in self._coordinators:
            self._coordinate(of)

    def _lead(self, log: Log) -> None:
        able = [number for number in log.replicas if self.there(number)]
        log.leader = self._rng.choice(able) if able else None
        log.epoch += 1
        log.tell()

    def _coordinate(self, of: str) -> None:
        able = [broker.number for broker in self.all if not broker.away]
        if able:
            self._coordinators[of] = self._rng.choice(able)
            self._loaded[of] = self.hub.now + self._rng.uniform(*LOADS_WITHIN)
