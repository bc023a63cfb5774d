"""A producer of the simulated cluster, as librdkafka's: records go out in the background, in order."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.kafka.cluster import OnDelivery
from streams.kafka.partitioner import partition_of
from tests.simulated.brokers import Broker
from tests.simulated.calls import LASTING, Calls
from tests.simulated.coordinators import CONCURRENT_TRANSACTIONS, Coordinators
from tests.simulated.errors import OF_COORDINATORS, failure, plain
from tests.simulated.hosts import Thread, thread_of
from tests.simulated.log import Headers

Place = tuple[str, int]
_AGAIN = (*OF_COORDINATORS, CONCURRENT_TRANSACTIONS)
LARGEST_QUEUE = 100_000


@dataclass(slots=True)
class Queued:
    """A record that is not acknowledged."""

    place: Place
    key: bytes | None
    value: bytes | None
    headers: Headers
    at: float
    asked_at: float
    report: OnDelivery | None


class SimulatedProducer:
    """Idempotent; transactional where its configuration names an id."""

    def __init__(self, calls: Calls, coordinators: Coordinators, config: dict[str, object]) -> None:
        self._calls = calls
        self._host = calls.host
        self._brokers = calls.brokers
        self._coordinators = coordinators
        self._name = str(config.get("transactional.id", ""))
        self._timeout = int(str(config.get("transaction.timeout.ms", 60_000))) / 1000
        self._delivers_within = int(str(config.get("delivery.timeout.ms", 300_000))) / 1000
        self._producer = self._epoch = -1
        self._state = "new"
        self._error: KafkaError | None = None
        self._added: set[Place] = set()
        self._queue: dict[Place, deque[Queued]] = {}
        self._outstanding = 0
        self._reports: deque[Callable[[], None]] = deque()
        self._sending = False
        self._life = 0
        self._waiting: Thread | None = None

    # Records

    def produce(  # noqa: PLR0917 - as librdkafka has it
        self,
        topic: str,
        value: str | bytes | None = None,
        key: str | bytes | None = None,
        partition: int = -1,
        callback: None = None,  # noqa: ARG002
        on_delivery: OnDelivery | None = None,
        timestamp: int = 0,
        headers: Any = None,
    ) -> None:
        self._host.check()
        self._refuse_if_fatal()
        if self._name and self._state == "ready":
            raise plain(KafkaError._STATE)
        if self._outstanding >= LARGEST_QUEUE:
            raise BufferError("Local: Queue full")
        key, value = _bytes(key), _bytes(value)
        place = (topic, self._partition(topic, key, partition))
        at = timestamp / 1000 if timestamp else self._calls.now
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        queued = Queued(
            place,
            key,
            value,
            [(name, _bytes(v) or b"") for name, v in pairs],
            at,
            self._calls.now,
            on_delivery,
        )
        self._queue.setdefault(place, deque()).append(queued)
        self._outstanding += 1
        self._send_soon(self._calls.latency())

    def _partition(self, topic: str, key: bytes | None, given: int) -> int:
        if given >= 0:
            return given
        logs = self._brokers.topics.get(topic)
        if not logs:
            raise plain(KafkaError._UNKNOWN_TOPIC)
        return self._calls.rng.randrange(len(logs)) if key is None else partition_of(key, len(logs))

    def _send_soon(self, seconds: float) -> None:
        if not self._sending:
            self._sending = True
            self._host.after(seconds, self._send)

    def _send(self) -> None:
        self._sending = False
        for place in [place for place, queue in self._queue.items() if queue]:
            self._send_to(place)
        if any(self._queue.values()):
            self._send_soon(self._calls.rng.uniform(0.02, 0.15))

    def _send_to(self, place: Place) -> None:
        queue, log = self._queue[place], self._brokers.logs.get(place)
        if self._calls.now - queue[0].asked_at > self._delivers_within:
            self._give_up(queue, KafkaError(KafkaError._MSG_TIMED_OUT))
            return
        if log is None or not self._brokers.there(log.leader) or not self._registered(place):
            return
        if self._name and not self._coordinators.may_write(self._name, self._epoch, log):
            self._give_up(queue, failure(KafkaError._FENCED, fatal=True).args[0])
            return
        if self._calls.faults.comes(self._calls.faults.rates.lasting / 4):
            self._give_up(queue, KafkaError(self._calls.faults.rng.choice(LASTING)))
            return
        batch = list(queue)
        queue.clear()
        first = log.append(
            [(each.key, each.value, each.headers, each.at) for each in batch],
            self._producer if self._name else None,
        )
        self._host.hub.note(f"{self._host.name}: {len(batch)} records to {place} from {first} on")
        life = self._life
        self._host.after(self._calls.latency(), lambda: self._acknowledge(life, batch, first))

    def _registered(self, place: Place) -> bool:
        """Whether the partition is in the transaction; it is added where it is not."""
        if not self._name or place in self._added:
            return True
        if self._brokers.coordinator(self._name).away or self._brokers.loading(self._name):
            return False
        try:
            self._coordinators.add(self._name, self._epoch, self._brokers.logs[place])
        except KafkaException as error:
            if error.args[0].fatal():
                self._give_up(self._queue[place], failure(KafkaError._FENCED, fatal=True).args[0])
            return False
        self._added.add(place)
        return True

    def _acknowledge(self, life: int, batch: list[Queued], first: int) -> None:
        if life != self._life:
            return
        for index, each in enumerate(batch):
            self._report(each, None, first + index)
        self._wake()

    def _report(self, queued: Queued, error: KafkaError | None, offset: int) -> None:
        self._outstanding -= 1
        report = queued.report
        if report is not None:
            topic, number = queued.place
            message = Message(
                topic=topic, partition=number, offset=offset, key=queued.key, value=queued.value, error=error
            )
            self._reports.append(lambda: report(error, message))

    def _give_up(self, queue: "deque[Queued]", error: KafkaError) -> None:
        if self._name and self._error is None:
            self._error = error
            self._state = "fatal" if error.fatal() else "abort"
        for each in list(queue):
            self._report(each, error, -1)
        queue.clear()
        self._wake()

    def _wake(self) -> None:
        if self._waiting:
            self._waiting.wake()

    def _serve(self) -> int:
        count = len(self._reports)
        while self._reports:
            self._reports.popleft()()
        return count

    def poll(self, timeout: float = -1) -> int:
        self._host.check()
        deadline = self._deadline(timeout)
        while not (served := self._serve()) and self._calls.now < deadline:
            self._wait(deadline)
        return served

    def flush(self, timeout: float = -1) -> int:
        self._host.check()
        deadline = self._deadline(timeout)
        self._serve()
        while self._outstanding and self._calls.now < deadline:
            self._wait(deadline)
            self._serve()
        return self._outstanding

    def _wait(self, deadline: float) -> None:
        self._waiting = thread_of(self._host)
        self._host.park(deadline)
        self._waiting = None

    def _deadline(self, timeout: float) -> float:
        return self._calls.now + (timeout if timeout >= 0 else 3600.0)

    # Transactions

    def _at(self) -> Broker:
        return self._brokers.coordinator(self._name)

    def _refuse_if_fatal(self) -> None:
        if self._state == "fatal" and self._error:
            raise KafkaException(self._error)

    def _refuse_if_failed(self) -> None:
        self._refuse_if_fatal()
        if self._state == "abort" and self._error:
            raise failure(self._error.code(), self._error.str(), abort=True)

    def _asked(self, call: str, effect: Callable[[], Any], timeout: float, at: Any = None) -> Any:
        name = self._name

        def checked() -> Any:
            if self._brokers.loading(name):
                raise plain(14)
            return effect()

        try:
            return self._calls.ask(call, at or self._at, checked, timeout, _AGAIN)
        except KafkaException as error:
            self._remember(error.args[0])
            if error.args[0].fatal():
                raise failure(KafkaError._FENCED, error.args[0].str(), fatal=True) from None
            raise

    def _remember(self, error: KafkaError) -> None:
        if error.fatal():
            self._state, self._error = "fatal", failure(KafkaError._FENCED, fatal=True).args[0]
        elif error.txn_requires_abort():
            self._state, self._error = "abort", error

    def init_transactions(self, timeout: float = -1) -> None:
        begin = lambda: self._coordinators.begin_with(self._name, self._timeout)  # noqa: E731
        self._producer, self._epoch = self._asked("init_transactions", begin, timeout)
        self._state = "ready"

    def begin_transaction(self) -> None:
        self._refuse_if_failed()
        if self._state != "ready":
            raise plain(KafkaError._STATE)
        self._state = "open"

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float = -1
    ) -> None:
        self._refuse_if_failed()
        who, group = group_metadata, group_metadata.group
        offsets = {(each.topic, each.partition): each.offset for each in positions}

        def take() -> None:
            if self._brokers.loading(group.name):
                raise plain(14)
            self._coordinators.add_group(self._name, self._epoch, group)
            group.take_offsets(self._producer, offsets, who.key, who.id, who.generation)

        self._asked("send_offsets", take, timeout, lambda: self._brokers.coordinator(group.name))

    def commit_transaction(self, timeout: float = -1) -> None:
        deadline = self._deadline(timeout)
        if self._calls.faults.comes(self._calls.faults.rates.stuck):
            self._host.hub.note(f"{self._host.name}: {self._name}: a commit never returns")
            self._calls.faults.stuck.append((self._calls.now, self._host))
            while True:
                self._host.park(None)
        if self.flush(timeout):
            raise failure(KafkaError._TIMED_OUT)
        self._refuse_if_failed()
        self._end(commit=True, timeout=max(0.0, deadline - self._calls.now))

    def abort_transaction(self, timeout: float = -1) -> None:
        self._refuse_if_fatal()
        self._life += 1
        self._outstanding = 0
        self._queue.clear()
        self._end(commit=False, timeout=timeout)

    def _end(self, *, commit: bool, timeout: float) -> None:
        end = lambda: self._coordinators.end(self._name, self._epoch, commit=commit)  # noqa: E731
        self._asked("commit" if commit else "abort", end, timeout)
        self._state, self._error = "ready", None
        self._added.clear()


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
