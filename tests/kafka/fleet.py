"""Workers of one group, each a process with a disk of its own; and what they make of commands."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Producer

from streams.codec.avro import HEADER, encode
from streams.domain.commands import MemberCommand
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.stages.loyalty import LoyaltyStage
from streams.topics import CHANGELOGS, COMMANDS, EVENTS, POISON, REJECTIONS, SETTINGS, Topic
from tests import samples
from tests.crash.program import Program
from tests.crash.topics import Followed
from tests.crash.world import put
from tests.samples import add, register, uid

WITHIN = 60.0
OUTCOMES = (EVENTS, REJECTIONS, POISON)
SESSION, TRANSACTION = 6, 10
TABLES = [CHANGELOGS[name] for name in sorted({kind.table for kind in LoyaltyStage.kinds})]
_RESTORED = re.compile(r"partition (\d+): restored (\d+) changelog records")
_OWNS = re.compile(r"commands: (has|gives up) partitions (.*)")


def eventually(condition: Callable[[], bool], what: Callable[[], str], within: float = WITHIN) -> None:
    """Neither a file nor a topic tells anybody that it has grown: looked at until it is as it must be."""
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, what()
        time.sleep(0.05)


@dataclass(slots=True)
class Worker:
    program: Program

    @property
    def log(self) -> str:
        """Of its latest life."""
        return self.program.console.read_text(errors="replace") if self.program.starts else ""

    def said(self, pattern: str) -> "re.Match[str]":
        eventually(
            lambda: re.search(pattern, self.log) is not None,
            lambda: f"{self.program.name} did not say {pattern!r}: {self.log}",
        )
        found = re.search(pattern, self.log)
        assert found
        return found

    @property
    def restored(self) -> Counter[int]:
        """Records by partition, in its latest life."""
        found: Counter[int] = Counter()
        for number, count in _RESTORED.findall(self.log):
            found[int(number)] += int(count)
        return found

    @property
    def moves(self) -> list[tuple[str, str]]:
        return _OWNS.findall(self.log)

    @property
    def partitions(self) -> set[int]:
        """The partitions of `commands` that it has, as it says."""
        what, numbers = self.moves[-1] if self.moves else ("", "none")
        return {int(n) for n in numbers.split(", ")} if what == "has" and numbers != "none" else set()


@dataclass(slots=True)
class Fleet:
    settings: Settings
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    connection: Connection = field(init=False)
    outcomes: Followed = field(init=False)
    sent: int = 0

    def __post_init__(self) -> None:
        self.connection = connection(self.settings, self.settings.bootstrap_servers or "")
        create_topics(self.connection, self.settings)
        put(self.connection, SETTINGS, {samples.STORE: encode(samples.SETTINGS)})
        self.outcomes = self.followed(*OUTCOMES)

    def followed(self, *topics: Topic) -> Followed:
        return Followed(self.connection, topics, self.settings.partitions)

    def worker(self, name: str, **more: str) -> Worker:
        """Started, and ready."""
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.connection.bootstrap_servers,
            "LOYALTY_TOPIC_PREFIX": self.settings.topic_prefix,
            "LOYALTY_BATCH_RECORDS": "100",
            "LOYALTY_SESSION_TIMEOUT": str(SESSION),
            "LOYALTY_TRANSACTION_TIMEOUT": str(TRANSACTION),
        } | more
        made = Worker(Program(name, "worker", self.folder / name, environment))
        self.workers.append(made)
        made.program.start()
        made.said("is ready")
        return made

    def send(self, commands: Iterable[MemberCommand]) -> None:
        producer = Producer(self.connection.producer())
        topic = self.connection.topic(COMMANDS)
        for command in commands:
            value, schema = encode(command)
            key = owner_of(command.store, command.member_id)
            producer.produce(topic, value, key, headers={HEADER: schema})
            self.sent += 1
        assert producer.flush(WITHIN) == 0

    @property
    def handled(self) -> int:
        self.outcomes.read(0.1)
        return sum(self.outcomes.count(topic) for topic in OUTCOMES)

    def await_all(self) -> None:
        """Every command sent so far has its one outcome."""
        eventually(
            lambda: self.handled >= self.sent, lambda: f"{self.handled} of {self.sent}: {self._logs()}"
        )

    def await_owners(self, *workers: Worker) -> None:
        """All partitions are theirs, each having some."""
        every = set(range(self.settings.partitions))

        def settled() -> bool:
            shares = [w.partitions for w in workers]
            return all(shares) and set().union(*shares) == every and sum(map(len, shares)) == len(every)

        eventually(settled, self._logs)

    def changelog(self, partitions: set[int] | None = None) -> int:
        """How many records the tables' changelogs hold; in some partitions, or in all."""
        numbers = range(self.settings.partitions) if partitions is None else partitions
        followed = self.followed(*TABLES)
        followed.read_to_end()
        followed.close()
        return sum(len(followed.records[topic.name][number]) for topic in TABLES for number in numbers)

    def _logs(self) -> str:
        return "\n".join(f"== {w.program.name}\n{w.log[-3000:]}" for w in self.workers)

    def close(self) -> None:
        for worker in self.workers:
            worker.program.destroy()
        self.outcomes.close()


def registrations(members: int) -> list[MemberCommand]:
    return [register(uid(n)) for n in range(1, members + 1)]


def one_unit_each(members: int) -> list[MemberCommand]:
    return [add("1", uid(n)) for n in range(1, members + 1)]
