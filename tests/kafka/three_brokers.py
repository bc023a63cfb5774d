"""Three real brokers and a controller on 127.0.0.1, to be killed, frozen and cut off one by one.

Each broker is reached through a proxy of its own, and reaches the controller through another one: stopping
the first makes a broker that no client reaches and that goes on leading; stopping both makes one that the
network has lost, whose partitions others come to lead.
"""

import random
import signal
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from types import TracebackType
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.local_broker import jars, ports, storage, tools
from streams.local_broker.child import spawn, tied_to_parent
from streams.local_broker.local import LOG4J
from tests.kafka import tcp_proxy

CONTROLLER = 9
BROKERS = (1, 2, 3)
WITHIN = 120.0
# Below the system's own choice for outgoing connections: a port that is dead for seconds must stay ours.
# Drawn, so that two runs on one machine do not reach for the same ones.
PORTS = range(20_000, 31_000)
# Starts count more than speed here: four of these share a small machine with what is tested.
JAVA = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:+ExitOnOutOfMemoryError")
HEAPS = {"broker": ("-Xms64m", "-Xmx256m"), "controller": ("-Xms32m", "-Xmx128m")}


@dataclass(slots=True)
class Process:
    """A child that ends with this process; `command` starts it anew."""

    command: list[str]
    console: Path
    _running: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int | None:
        there = self._running is not None and self._running.poll() is None
        return self._running.pid if self._running and there else None

    def start(self) -> None:
        # Killed with this process, not asked to end: without a controller a broker would never be done.
        self._running = spawn(tied_to_parent(self.command, signal.SIGKILL), self.console, tied=False)

    def send(self, number: signal.Signals) -> None:
        if self._running and self._running.poll() is None:
            self._running.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        # A stopped process hears nothing but SIGKILL.
        self.send(number)
        if self._running:
            self._running.wait(WITHIN)


@dataclass(slots=True)
class Broker:
    process: Process
    entrance: Process
    """What clients connect to."""
    link: Process
    """What it reaches the controller through."""


@dataclass(slots=True)
class ThreeBrokers:
    """`session`: seconds after which the controller gives a silent broker's partitions to others; Kafka's own
    default is 9. To be entered: it answers then, with all three brokers."""

    folder: Path
    libraries: Path
    session: float = 9.0
    brokers: dict[int, Broker] = field(default_factory=dict)
    _controller: Process | None = None
    _ports: dict[str, int] = field(default_factory=dict)

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"{ports.HOST}:{self._ports[f'entrance-{n}']}" for n in BROKERS)

    def __enter__(self) -> "ThreeBrokers":
        self.folder.mkdir(parents=True, exist_ok=True)
        jars.fetch_jars(self.libraries, lambda _: None)
        self._choose_ports()
        self._make()
        try:
            self._start()
        except BaseException:
            self._destroy()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._destroy()

    def kill(self, number: int) -> None:
        """As a power cut would end it."""
        self.brokers[number].process.end()

    def stop(self, number: int) -> None:
        """Asked to end: it gives its partitions to others first."""
        self.brokers[number].process.end(signal.SIGTERM)

    def start(self, number: int) -> None:
        """Returns at once; `await_all` waits."""
        if self.brokers[number].process.pid is None:
            self.brokers[number].process.start()

    def freeze(self, number: int) -> None:
        self.brokers[number].process.send(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        self.brokers[number].process.send(signal.SIGCONT)

    def cut_off(self, number: int, *, whole: bool = True) -> None:
        """No packet comes through to it; `whole`: nor to the controller, so that others come to lead."""
        self.brokers[number].entrance.send(signal.SIGSTOP)
        if whole:
            self.brokers[number].link.send(signal.SIGSTOP)

    def reconnect(self, number: int) -> None:
        self.brokers[number].entrance.send(signal.SIGCONT)
        self.brokers[number].link.send(signal.SIGCONT)

    def leader_of(self, topic: str, partition: int) -> int:
        """The number of the broker that leads, as one that answers says."""
        leader: int = _metadata(self.bootstrap_servers, topic).topics[topic].partitions[partition].leader
        return leader

    def leaders_of(self, topic: str) -> dict[int, int]:
        """By partition: of `__transaction_state`, say, whose leaders are the coordinators."""
        return {
            n: p.leader for n, p in _metadata(self.bootstrap_servers, topic).topics[topic].partitions.items()
        }

    def await_all(self, within: float = WITHIN) -> None:
        """Every broker is there, and every partition has all of its replicas."""
        wait_until(self._whole, within, lambda: f"the three brokers are not whole: see {self.folder}")

    def _whole(self) -> bool:
        try:
            # Each for itself: for a while the others go on naming one that is dead.
            found = [_metadata(f"{ports.HOST}:{self._ports[f'entrance-{n}']}") for n in BROKERS]
        except KafkaException:
            return False
        return all(len(each.brokers) == len(BROKERS) and _replicated(each) for each in found)

    def _choose_ports(self) -> None:
        names = [
            "controller",
            *(f"{kind}-{n}" for kind in ("entrance", "link", "inner", "own") for n in BROKERS),
        ]
        port = random.choice(PORTS)  # noqa: S311
        for name in names:
            self._ports[name] = port = ports.first_free(port + 1)

    def _make(self) -> None:
        java = tools.find_java()
        self._format(java)
        self._controller = self._process(java, "controller", CONTROLLER)
        for n in BROKERS:
            self.brokers[n] = Broker(
                self._process(java, "broker", n),
                self._proxy(f"entrance-{n}", self._ports[f"inner-{n}"]),
                self._proxy(f"link-{n}", self._ports["controller"]),
            )

    def _format(self, java: str) -> None:
        """Once, by Kafka's tool; the others' folders are copies under a number of their own."""
        cluster, first = drawn_id(), self._folder(CONTROLLER)
        properties = self._write("controller", CONTROLLER)
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        command = [java, *JAVA, "-cp", f"{self.libraries}/*", "-Dlog4j2.level=ERROR", *tool]
        subprocess.run(command, check=True, capture_output=True)
        for n in BROKERS:
            copytree(first, self._folder(n))
            self._write("broker", n)
            meta = self._folder(n) / storage.META_FILE
            lines = [
                line for line in meta.read_text().splitlines() if not line.startswith(("node", "directory"))
            ]
            meta.write_text("\n".join([*lines, f"node.id={n}", f"directory.id={drawn_id()}", ""]))

    def _folder(self, number: int) -> Path:
        return self.folder / f"data-{number}"

    def _write(self, role: str, number: int) -> Path:
        file = self.folder / f"{role}-{number}.properties"
        settings = {
            "process.roles": role,
            "node.id": number,
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,INNER:PLAINTEXT,OUTER:PLAINTEXT",
            "log.dirs": self._folder(number),
            **(self._broker(number) if role == "broker" else self._controlling()),
        }
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="ascii")
        return file

    def _controlling(self) -> dict[str, object]:
        port = self._ports["controller"]
        return {
            "controller.quorum.voters": f"{CONTROLLER}@{ports.HOST}:{port}",
            "listeners": f"CONTROLLER://{ports.HOST}:{port}",
            "broker.session.timeout.ms": int(self.session * 1000),
        }

    def _broker(self, n: int) -> dict[str, object]:
        inner, own = self._ports[f"inner-{n}"], self._ports[f"own-{n}"]
        return {
            "controller.quorum.voters": f"{CONTROLLER}@{ports.HOST}:{self._ports[f'link-{n}']}",
            "listeners": f"OUTER://{ports.HOST}:{inner},INNER://{ports.HOST}:{own}",
            "advertised.listeners": (
                f"OUTER://{ports.HOST}:{self._ports[f'entrance-{n}']},INNER://{ports.HOST}:{own}"
            ),
            "inter.broker.listener.name": "INNER",
            "broker.session.timeout.ms": int(self.session * 1000),
            "broker.heartbeat.interval.ms": int(self.session * 1000 / 5),
            "auto.create.topics.enable": "false",
            "default.replication.factor": 3,
            "min.insync.replicas": 2,
            "offsets.topic.replication.factor": 3,
            "transaction.state.log.replication.factor": 3,
            "transaction.state.log.min.isr": 2,
            # Few partitions: each costs files and time at every start.
            "offsets.topic.num.partitions": 6,
            "transaction.state.log.num.partitions": 6,
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
        }

    def _process(self, java: str, role: str, number: int) -> Process:
        written = [
            f"-Dbroker.log={self.folder / f'{role}-{number}.log'}",
            f"-Dlog4j2.configurationFile={LOG4J.as_uri()}",
        ]
        program = ["kafka.Kafka", str(self.folder / f"{role}-{number}.properties")]
        command = [java, *JAVA, *HEAPS[role], "-cp", f"{self.libraries}/*", *written, *program]
        return Process(command, self.folder / f"{role}-{number}.console")

    def _proxy(self, name: str, target: int) -> Process:
        command = [sys.executable, "-I", tcp_proxy.__file__, str(self._ports[name]), str(target)]
        return Process(command, self.folder / f"{name}.console")

    @property
    def _processes(self) -> list[Process]:
        each = [p for broker in self.brokers.values() for p in (broker.entrance, broker.link, broker.process)]
        return [self._controller, *each] if self._controller else each

    def _start(self) -> None:
        for process in self._processes:
            process.start()
        self.await_all()

    def _destroy(self) -> None:
        for process in self._processes:
            process.send(signal.SIGKILL)
        for process in self._processes:
            process.end()


def _metadata(servers: str, topic: str | None = None) -> Any:
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    return admin.list_topics(topic, timeout=3) if topic else admin.list_topics(timeout=3)


def _replicated(metadata: Any) -> bool:
    places = [place for topic in metadata.topics.values() for place in topic.partitions.values()]
    return all(place.leader in BROKERS and len(place.isrs) == len(place.replicas) for place in places)


def drawn_id() -> str:
    # Kafka's tools take an id that begins with a dash for an option.
    return "K" + urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def wait_until(condition: Callable[[], bool], within: float, what: Callable[[], str]) -> None:
    until = time.monotonic() + within
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(what())
        # Kafka has no call that waits for a broker.
        time.sleep(0.2)
