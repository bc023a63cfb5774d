"""What librdkafka does in the background for a member of a group: joining, heartbeats, leaving."""

from collections import deque
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException

from tests.simulated.calls import Calls
from tests.simulated.groups import FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS, Assignment, Group

News = tuple[str, Assignment]
"""assign, revoke or lost."""


class Membership:
    """`news` wait for the next poll; `wake` is called when there are some."""

    def __init__(
        self, calls: Calls, group: Group, config: dict[str, object], wake: Callable[[], None]
    ) -> None:
        self.group = group
        self.key = str(config.get("group.instance.id", ""))
        self.static = bool(self.key)
        self.id = ""
        self.generation = -1
        self.news: deque[News] = deque()
        self.failure: KafkaError | None = None
        self.over = False
        self._calls = calls
        self._host = calls.host
        self._session = _milliseconds(config, "session.timeout.ms", 45_000)
        self._every = _milliseconds(config, "heartbeat.interval.ms", 3_000)
        self._wake = wake
        self._has: Assignment = []
        self._topics: tuple[str, ...] = ()
        self._in = False
        self._life = 0
        self._heard_at = 0.0

    def begin(self, topics: tuple[str, ...]) -> None:
        self._topics = topics
        self._host.after(self._calls.latency(), self._join)

    def _there(self) -> bool:
        brokers = self._calls.brokers
        return not (brokers.coordinator(self.group.name).away or brokers.loading(self.group.name))

    def _join(self) -> None:
        if self.over or self.failure:
            return
        if not self._there():
            self._host.after(self._calls.rng.uniform(0.05, 0.2), self._join)
            return
        self._life += 1
        life = self._life
        self.id = self.group.join(
            self.key, self.id, self._topics, self._session, lambda *came: self._joined(life, *came)
        )
        self.key = self.key or self.id

    def _joined(self, life: int, generation: int, assignment: Assignment) -> None:
        self._host.after(self._calls.latency(), lambda: self._take(life, generation, assignment))

    def _take(self, life: int, generation: int, assignment: Assignment) -> None:
        if self.over or life != self._life:
            return
        self.generation, self._in, self._heard_at = generation, True, self._calls.now
        self._has = assignment
        self._tell("assign", assignment)
        self._host.after(self._every, lambda: self._beat(life))

    def _tell(self, what: str, assignment: Assignment) -> None:
        self.news.append((what, assignment))
        self._wake()

    def _beat(self, life: int) -> None:
        if self.over or self.failure or not self._in or life != self._life:
            return
        if not self._there():
            if self._calls.now - self._heard_at > self._session:
                self._out("lost")
                return
            self._host.after(0.1, lambda: self._beat(life))
            return
        try:
            self.group.heartbeat(self.key, self.id, self.generation)
        except KafkaException as error:
            self._refused(error.args[0])
            return
        self._heard_at = self._calls.now
        self._host.after(self._every, lambda: self._beat(life))

    def _refused(self, error: KafkaError) -> None:
        if error.code() == FENCED_INSTANCE_ID:
            self.failure = KafkaError(KafkaError._FATAL, "fenced: its name has a new owner")
            self._wake()
        elif error.code() == REBALANCE_IN_PROGRESS:
            self._out("revoke")
        else:
            self.id = ""
            self._out("lost")

    def _out(self, what: str) -> None:
        """What it had is given up at the next poll; then it joins again."""
        self._in = False
        has, self._has = self._has, []
        self._tell(what, has)

    def given_up(self) -> None:
        self._join()

    def leave(self) -> None:
        """A static member only stops: its name keeps what it has until its session is over."""
        self.over = True
        if not self.static and self.id and self._there():
            self.group.leave(self.key)


def _milliseconds(config: dict[str, object], name: str, default: int) -> float:
    return int(str(config.get(name, default))) / 1000
