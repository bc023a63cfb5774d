"""Brokers, workers, sinks and a receiver, to be struck; the commands come from outside the blast."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Producer
from msgspec.structs import replace

from streams.codec.avro import HEADER, encode
from streams.delivery.records import Subscription
from streams.kafka.clients import Connection
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.topics import COMMANDS, SETTINGS, SUBSCRIPTIONS, Topic
from tests import samples
from tests.crash.brokers import Brokers, brokers
from tests.crash.commands import Sent
from tests.crash.listeners import BATCH_SECONDS, LISTENERS
from tests.crash.plan import BROKER, GUEST, PARTITIONS, SINKS, WORKERS, Blow, Step
from tests.crash.program import Ending, Program
from tests.scenarios import SETTINGS as STORE_SETTINGS

PREFIX = "crash."
SESSION, TRANSACTION = 6, 10
PROMPT, SLOW, FAILING = "receiver", "receiver-slow", "receiver-failing"
STARTS_WITHIN = 60.0


@dataclass(slots=True)
class World:
    """Everything that runs."""

    brokers: Brokers
    connection: Connection
    programs: dict[str, Program]
    receivers: dict[str, Program]
    """One that answers at once, one that is slow, one that fails at first; they write the same log."""
    dealt: Counter[str] = field(default_factory=Counter)
    _frozen_at: dict[str, float] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def received(self) -> Path:
        return self.receivers[PROMPT].home / "received.log"

    @property
    def endings(self) -> list[Ending]:
        return [ending for program in self.programs.values() for ending in program.endings]

    def supervise(self) -> None:
        while not self._over.wait(0.05):
            for program in self.programs.values():
                program.supervise()

    def strike(self, blow: Blow) -> None:
        role = blow.victim.partition("-")[0]
        self.dealt[f"{blow.kind} {role}"] += 1
        if role == BROKER:
            self.brokers.strike(blow)
            return
        program = self.programs[blow.victim]
        match blow.kind:
            case "kill" | "wipe":
                program.kill(wipe=blow.kind == "wipe")
            case "restart":
                program.restart()
            case "join":
                program.start()
            case "leave":
                program.end()
            case "freeze":
                program.freeze()
                self._frozen_at[blow.victim] = time.monotonic()
            case "thaw":
                self._thaw(program)

    def _thaw(self, program: Program) -> None:
        """Not before the group has given its partitions to others."""
        woken_at = self._frozen_at.pop(program.name) + SESSION + 2.5
        time.sleep(max(0.0, woken_at - time.monotonic()))
        program.thaw()

    def over(self) -> None:
        """No more blows, and no more starts."""
        self._over.set()
        self.brokers.await_whole()


def play(world: World, producer: Producer, step: Step) -> None:
    """Append the step's records over its seconds, then strike."""
    pace = step.seconds / 10
    size = -(-len(step.records) // 10)
    for start in range(0, len(step.records), size):
        append(world.connection, producer, step.records[start : start + size])
        # Blows fall at moments of the plan's choosing, not of the system's: nothing is waited for.
        time.sleep(pace)
    world.strike(step.blow)


def append(connection: Connection, producer: Producer, records: Iterable[Sent]) -> None:
    for sent in records:
        _produce(producer, connection.topic(COMMANDS), sent)
    producer.poll(0)


def _produce(producer: Producer, topic: str, sent: Sent) -> None:
    partition = -1 if sent.partition is None else sent.partition
    producer.produce(topic, sent.value, sent.key, partition, headers=sent.headers)


def patient_producer(connection: Connection) -> Producer:
    """Outlives every outage of a run; each record is written once, in order."""
    return Producer(connection.producer(**{"delivery.timeout.ms": 300_000}))


@contextmanager
def world(folder: Path, libraries: Path, count: int = 1, *, batch_records: int = 40) -> Iterator[World]:
    """Two workers, two sinks and a receiver on one new broker or three; nothing of it outlives the block."""
    dealt: Counter[str] = Counter()
    with brokers(folder, libraries, count, dealt) as there:
        connection = Connection(there.bootstrap_servers, PREFIX)
        settings = Settings(
            topic_prefix=PREFIX, home=folder, partitions=PARTITIONS, replication=there.replication
        )
        create_topics(connection, settings)
        here = _programs(folder, there.bootstrap_servers, batch_records)
        made = World(there, connection, here, _receivers(folder), dealt)
        supervisor = threading.Thread(target=made.supervise, name="supervisor")
        try:
            _set_up(made)
            supervisor.start()
            yield made
        finally:
            made._over.set()
            if supervisor.is_alive():
                supervisor.join()
            for program in [*here.values(), *made.receivers.values()]:
                program.destroy()
            with suppress(RuntimeError, TimeoutError):
                made.brokers.await_whole()


def _programs(folder: Path, servers: str, batch_records: int) -> dict[str, Program]:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": servers,
        "LOYALTY_TOPIC_PREFIX": PREFIX,
        "LOYALTY_CLOCK": "stream",
        "LOYALTY_BATCH_RECORDS": str(batch_records),
        "LOYALTY_SESSION_TIMEOUT": str(SESSION),
        "LOYALTY_TRANSACTION_TIMEOUT": str(TRANSACTION),
        "LOYALTY_COMMAND_MEMORY_HOURS": "168",
        "LOYALTY_LEGACY_BATCH_SECONDS": str(BATCH_SECONDS),
        "LOYALTY_BREAKER_WAIT": "3",
        "LOYALTY_ALLOW_TARGETS": "127.0.0.0/8",
        "PYTHONFAULTHANDLER": "1",
    }
    names = (*WORKERS, GUEST, *SINKS)
    return {n: Program(n, n.partition("-")[0], folder / n, environment) for n in names}


def _receivers(folder: Path) -> dict[str, Program]:
    usual = ("--print", "none", "--log", str(folder / PROMPT / "received.log"))
    behaviours = {PROMPT: (), SLOW: ("--delay", "0.2"), FAILING: ("--fail-first", "12")}
    return {
        name: Program(name, "receiver", folder / name, {}, (*usual, *behaviour))
        for name, behaviour in behaviours.items()
    }


def _set_up(made: World) -> None:
    for receiver in made.receivers.values():
        receiver.start()
    put(made.connection, SETTINGS, {samples.STORE: encode(STORE_SETTINGS)})
    subscribe(made, paused=True)
    for name in (*WORKERS, *SINKS):
        made.programs[name].start()
    for name in (*WORKERS, *SINKS):
        said(made.programs[name], "is ready")


def subscribe(made: World, *, paused: bool) -> None:
    """To everything, here and there; with `paused` one of the subscriptions is."""
    urls = {name: said(program, "listening on ") for name, program in made.receivers.items()}
    listeners = (_at(listener, urls, paused=paused) for listener in LISTENERS)
    put(made.connection, SUBSCRIPTIONS, {s.subscription_id: encode(s) for s in listeners})


def _at(subscription: Subscription, urls: Mapping[str, str], *, paused: bool) -> Subscription:
    receiver = {"TransactionRegistered": SLOW, "CustomerUpdated": FAILING}.get(
        subscription.event_name, PROMPT
    )
    still = paused and subscription.event_name == "CustomerBoughtReward"
    return replace(
        subscription,
        url=f"{urls[receiver]}/hook",
        retry_waits=(2,) * 30,
        state="paused" if still else "active",
        state_since=datetime.now(UTC),
    )


def put(connection: Connection, topic: Topic, values: Mapping[str, tuple[bytes | None, str]]) -> None:
    producer = Producer(connection.producer())
    for key, (value, schema) in values.items():
        producer.produce(connection.topic(topic), value, key, headers=[(HEADER, schema)])
    assert producer.flush(30) == 0


def said(program: Program, words: str) -> str:
    """What stands behind `words` in its output, waited for."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        for line in program.console.read_text(errors="replace").splitlines() if program.starts else ():
            if words in line:
                return line.partition(words)[2].strip()
        # A file tells nobody that it has grown.
        time.sleep(0.05)
    raise TimeoutError(f"{program.name} did not say {words!r}: {program.last_words()}")
