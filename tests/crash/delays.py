"""`python -m tests.crash.delays`: how long a webhook takes at most, on three brokers of which one is lost.

A member is registered ten times a second; the delay is from the producer's hand to the receiver's log.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import cycle
from pathlib import Path

from confluent_kafka import Producer
from msgspec.structs import replace

from streams.codec.avro import HEADER, encode
from streams.kafka.clients import Connection
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.topics import COMMANDS, SETTINGS, SUBSCRIPTIONS
from tests import samples
from tests.crash.program import Program
from tests.crash.run import libraries
from tests.crash.verdict import lines
from tests.crash.world import put, said
from tests.kafka.three_brokers import BROKERS, ThreeBrokers

PREFIX = "delays."
EVERY = 0.1
AWAY, AFTERWARDS = 20.0, 20.0
# `ON_AND_ON_SECONDS=1500` for 25 minutes.
ON_AND_ON = float(os.environ.get("ON_AND_ON_SECONDS", "300"))
REPLICATION = "3"
ARRIVES_WITHIN = 120.0


@dataclass(slots=True)
class Scene:
    """Everything that runs. `sent`: by member, when they were handed to the producer."""

    three: ThreeBrokers
    connection: Connection
    programs: dict[str, Program]
    receiver: Program
    sent: dict[str, datetime] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def feed(self) -> None:
        producer = Producer(self.connection.producer(**{"delivery.timeout.ms": 300_000}))
        topic = self.connection.topic(COMMANDS)
        number = 0
        while not self._over.wait(EVERY):
            number += 1
            command = samples.register(samples.uid(number))
            value, schema = encode(command)
            self.sent[command.member_id] = datetime.now(UTC)
            producer.produce(
                topic, value, owner_of(command.store, command.member_id), headers={HEADER: schema}
            )
            producer.poll(0)
        producer.flush(60)

    def supervise(self) -> None:
        while not self._over.wait(0.05):
            for program in self.programs.values():
                program.supervise()

    def arrivals(self) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for line in lines(self.receiver.home / "received.log"):
            found.setdefault(line.customer_id or "", line.received_at)
        return found

    def await_first(self) -> None:
        """The first ones wait for more than what is measured."""
        while not self.sent:
            time.sleep(EVERY)
        self.await_arrival(list(self.sent))

    def await_arrival(self, members: list[str]) -> None:
        until = time.monotonic() + ARRIVES_WITHIN
        while not set(members) <= self.arrivals().keys() and time.monotonic() < until:
            # A file tells nobody that it has grown.
            time.sleep(0.5)


Scenario = Callable[[Scene, int], None]


def nothing(_scene: Scene, _number: int) -> None:
    time.sleep(AWAY)


def kill(scene: Scene, number: int) -> None:
    scene.three.kill(number)
    time.sleep(AWAY)
    scene.three.start(number)


def freeze(scene: Scene, number: int) -> None:
    scene.three.freeze(number)
    time.sleep(AWAY)
    scene.three.thaw(number)


def black_hole(scene: Scene, number: int) -> None:
    scene.three.cut_off(number)
    time.sleep(AWAY)
    scene.three.reconnect(number)


def black_hole_for_clients(scene: Scene, number: int) -> None:
    scene.three.cut_off(number, whole=False)
    time.sleep(AWAY)
    scene.three.reconnect(number)


def rolling_restart(scene: Scene, _number: int) -> None:
    for number in BROKERS:
        scene.three.stop(number)
        scene.three.start(number)
        scene.three.await_all()


def two_down(scene: Scene, number: int) -> None:
    two = [each for each in BROKERS if each != number]
    for each in two:
        scene.three.kill(each)
    time.sleep(15)
    for each in two:
        scene.three.start(each)


def kill_worker(scene: Scene, number: int) -> None:
    scene.programs[f"worker-{1 + number % 2}"].kill()
    time.sleep(AWAY)


def leave_worker_dead(scene: Scene, number: int) -> None:
    """Another takes its partitions over, under another name."""
    program = scene.programs[f"worker-{1 + number % 2}"]
    program.destroy()
    time.sleep(2 * AWAY)
    program.start()


def kill_sink(scene: Scene, number: int) -> None:
    scene.programs[f"sink-{1 + number % 2}"].kill()
    time.sleep(AWAY)


def kill_on_and_on(scene: Scene, _number: int) -> None:
    until = time.monotonic() + ON_AND_ON
    for number in cycle(BROKERS):
        scene.three.kill(number)
        time.sleep(AWAY / 2)
        scene.three.start(number)
        scene.three.await_all()
        if time.monotonic() > until:
            return


SCENARIOS: dict[str, Scenario] = {
    "nothing": nothing,
    "broker killed": kill,
    "broker frozen": freeze,
    "black hole": black_hole,
    "black hole for clients only": black_hole_for_clients,
    "rolling restart": rolling_restart,
    "two of three down 15 s": two_down,
    "worker killed, back at once": kill_worker,
    "worker dead for good": leave_worker_dead,
    "sink killed": kill_sink,
    "brokers killed on and on": kill_on_and_on,
}


@contextmanager
def scene(folder: Path, **more: str) -> Iterator[Scene]:
    """Two workers, two sinks, an API and a receiver on three brokers; nothing of it outlives the block."""
    with ThreeBrokers(folder / "brokers", libraries()) as three:
        connection = Connection(three.bootstrap_servers, PREFIX)
        create_topics(connection, Settings(topic_prefix=PREFIX, partitions=4, replication=3, home=folder))
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": three.bootstrap_servers,
            "LOYALTY_TOPIC_PREFIX": PREFIX,
            "LOYALTY_ALLOW_TARGETS": "127.0.0.0/8",
            "LOYALTY_REPLICATION": REPLICATION,
            "LOYALTY_API_PORT": "0",
            "LOYALTY_API_KEY_HASHES": sha256(b"nobody's").hexdigest(),
            "PYTHONFAULTHANDLER": "1",
            **more,
        }
        names = ("worker-1", "worker-2", "sink-1", "sink-2", "api-1")
        programs = {n: Program(n, n.partition("-")[0], folder / n, environment) for n in names}
        log = folder / "receiver" / "received.log"
        receiver = Program(
            "receiver", "receiver", folder / "receiver", {}, ("--print", "none", "--log", str(log))
        )
        made = Scene(three, connection, programs, receiver)
        threads = [threading.Thread(target=work) for work in (made.feed, made.supervise)]
        try:
            _set_up(made)
            for thread in threads:
                thread.start()
            made.await_first()
            yield made
        finally:
            made._over.set()
            for program in [*programs.values(), receiver]:
                program.destroy()
            for thread in threads:
                with suppress(RuntimeError):
                    thread.join()


def _set_up(made: Scene) -> None:
    made.receiver.start()
    url = said(made.receiver, "listening on ")
    put(made.connection, SETTINGS, {samples.STORE: encode(samples.SETTINGS)})
    wanted = replace(samples.subscription("CustomerRegistered"), url=f"{url}/hook")
    put(made.connection, SUBSCRIPTIONS, {wanted.subscription_id: encode(wanted)})
    for program in made.programs.values():
        program.start()
    for program in made.programs.values():
        said(program, "is ready")


def measured(made: Scene, scenario: Scenario, number: int) -> tuple[float, int]:
    """The longest delay in seconds of what was sent from its start on, and how many of that never came."""
    before = len(made.sent)
    scenario(made, number)
    made.three.await_all()
    time.sleep(AFTERWARDS)
    members = list(made.sent)[before:]
    made.await_arrival(members)
    came = made.arrivals()
    delays = [(came[m] - made.sent[m]).total_seconds() for m in members if m in came]
    return max(delays), len(members) - len(delays)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.delays", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each, on another broker each time")
    parser.add_argument("scenarios", nargs="*", help=f"some of: {', '.join(SCENARIOS)}")
    arguments = parser.parse_args()
    folder, lost = Path(tempfile.mkdtemp(prefix="loyalty-delays-")), 0
    sys.stdout.write(f"disks and logs are in {folder}\n")
    with scene(folder) as made:
        for name in arguments.scenarios or SCENARIOS:
            for number in range(1, arguments.rounds + 1):
                known = {n: len(p.endings) for n, p in made.programs.items()}
                delay, missing = measured(made, SCENARIOS[name], 1 + (number - 1) % len(BROKERS))
                lost += missing
                ended = [e for n, p in made.programs.items() for e in p.endings[known[n] :]]
                reasons = Counter(f"{e.name} {e.code}: {e.reason}" for e in ended)
                line = f"{name}, {number}: {delay:.1f} s, {missing} missing; ended: {dict(reasons) or 'none'}"
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
