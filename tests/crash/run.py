"""A run from its plan to its report."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path

from streams.local_broker.jars import KAFKA_VERSION
from streams.migration.rebuild_from_facts import compare_with_facts
from streams.projections.state_snapshot import read_stores
from streams.reconcile.from_topics import Period, reconcile_topics
from streams.settings import load_settings
from streams.topics import (
    ATTEMPTS,
    CHANGELOGS,
    COMMANDS,
    DELIVERIES,
    EVENTS,
    REJECTIONS,
    WEBHOOK_EVENTS,
    Topic,
)
from tests.crash import model, verdict
from tests.crash.listeners import single
from tests.crash.model import ByPartition, Expected
from tests.crash.plan import PARTITIONS, Plan
from tests.crash.program import Ending
from tests.crash.restored import of_restored, restored
from tests.crash.topics import Followed
from tests.crash.world import World, append, patient_producer, play, subscribe, world

MEMORY = timedelta(hours=168)
NOTHING_NEW_WITHIN = 75.0
_RESTORED = re.compile(r"restored (\d+) changelog records")
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run was, and what the model has to complain of."""

    seed: int
    dealt: Counter[str]
    records: dict[str, int]
    restores: int
    restored: int
    duplicates: int
    endings: list[Ending]
    complaints: list[str]
    seconds: float

    @property
    def kills(self) -> int:
        return sum(n for kind, n in self.dealt.items() if kind.startswith(("kill", "wipe")))

    def __str__(self) -> str:
        reasons = Counter(f"{e.name.partition('-')[0]} {e.code}: {e.reason}" for e in self.endings)
        return "\n".join(
            [
                f"seed {self.seed}, {self.kills} kills in {self.seconds:.0f} s",
                "blows: " + ", ".join(f"{kind} {n}" for kind, n in sorted(self.dealt.items())),
                "records: " + ", ".join(f"{name} {n}" for name, n in self.records.items()),
                f"restores: {self.restores} of {self.restored} changelog records in all",
                f"duplicates at HTTP: {self.duplicates}",
                *(f"ended of itself, {n} times: {reason}" for reason, n in reasons.most_common()),
                f"complaints: {len(self.complaints)}",
                *self.complaints[:40],
            ]
        )


def libraries() -> Path:
    """Kafka's jars, where the user's own broker keeps them: fetched once a machine, not once a run."""
    return load_settings().home / "broker" / f"libs-{KAFKA_VERSION}"


def run(plan: Plan, folder: Path, tell: Tell) -> Report:
    begun = time.monotonic()
    with world(folder, libraries(), plan.brokers) as here:
        producer = patient_producer(here.connection)
        for number, step in enumerate(plan.steps, 1):
            tell(f"{number}/{len(plan.steps)} {step.blow.kind} {step.blow.victim}")
            play(here, producer, step)
        append(here.connection, producer, plan.last)
        here.brokers.await_whole()
        subscribe(here, paused=False)
        tell("the rest is handled")
        assert producer.flush(60) == 0, "the harness lost a command itself"
        return _judged(plan, here, begun, tell)


def _judged(plan: Plan, here: World, begun: float, tell: Tell) -> Report:
    topics = (*model.BETWEEN_STAGES, *model.TOPICS, ATTEMPTS, *CHANGELOGS.values())
    found = Followed(here.connection, topics, PARTITIONS)
    try:
        found.read_to_end()
        overdue = list(_await(len(plan.records), found, tell))
        here.over()
        for program in here.programs.values():
            program.thaw()
            program.end(wait=False)
        for program in here.programs.values():
            program.end()
        for receiver in here.receivers.values():
            receiver.end()
        found.read_to_end()
        tell("compared with the model")
        expected = model.expected(found.records, MEMORY)
        complaints = [*overdue, *_complaints(plan, here, expected, found)]
    finally:
        found.close()
    return _report(plan, here, found, complaints, time.monotonic() - begun)


def _await(sent: int, found: Followed, tell: Tell) -> Iterator[str]:
    """Until as much has come as must come; too little is a complaint, once nothing more comes. What must come
    is asked again as long as the stages go on telling one another things."""
    came = time.monotonic()
    while True:
        between = [found.count(topic) for topic in model.BETWEEN_STAGES]
        wanted = _wanted(sent, model.expected(found.records, MEMORY))
        while any(_come(found, topic) < count for topic, count in _with_attempts(wanted, found).items()):
            if found.read(1.0):
                came = time.monotonic()
            if time.monotonic() - came > NOTHING_NEW_WITHIN:
                yield f"nothing new for {NOTHING_NEW_WITHIN:g} s: {_left(wanted, found)}"
                return
            tell(f"the rest is handled: {_left(wanted, found)}")
            if [found.count(topic) for topic in model.BETWEEN_STAGES] != between:
                break
        else:
            return


def _wanted(sent: int, expected: Expected) -> dict[Topic, int]:
    told = {topic: len(expected.messages[topic.name]) for topic in model.BETWEEN_STAGES}
    come = {topic: expected.count(topic.name) for topic in (EVENTS, WEBHOOK_EVENTS, REJECTIONS)}
    items = _items(expected.records[DELIVERIES.name])
    return told | come | {COMMANDS: told[COMMANDS] + sent, DELIVERIES: items}


def _with_attempts(wanted: dict[Topic, int], found: Followed) -> dict[Topic, int]:
    """How many deliveries there are depends on what fell into a batch."""
    return wanted | {ATTEMPTS: found.count(DELIVERIES)}


def _items(deliveries: ByPartition) -> int:
    return sum(1 for _ in single(chain(*deliveries.values())))


def _come(found: Followed, topic: Topic) -> int:
    """Of deliveries each item of a batch, of attempts those that count: each delivery has one success."""
    if topic is DELIVERIES:
        return _items(found.records[topic.name])
    return verdict.delivered(found) if topic is ATTEMPTS else found.count(topic)


def _left(wanted: dict[Topic, int], found: Followed) -> str:
    counts = _with_attempts(wanted, found)
    return ", ".join(f"{topic.name} {_come(found, topic)}/{count}" for topic, count in counts.items())


def _complaints(plan: Plan, here: World, expected: Expected, found: Followed) -> Iterator[str]:
    sent, folder = Counter((s.key, s.value) for s in plan.records), here.brokers.folder
    there = (r for r in chain(*found.records[COMMANDS.name].values()) if not model.is_message(r))
    if sent != Counter((r.key, r.value) for r in there):
        yield "commands: the topic holds others than the plan's: the harness is at fault"
    yield from verdict.of_records(expected, found)
    yield from verdict.of_state(expected, found)
    yield from of_restored(expected, restored(here.connection, range(PARTITIONS)))
    yield from verdict.of_pending(found, range(PARTITIONS))
    yield from verdict.of_attempts(expected, found)
    yield from verdict.of_http(expected, found, verdict.lines(here.received))
    yield from verdict.of_facts(
        compare_with_facts(here.connection, read_stores(here.connection).get, folder, lambda *_: None)
    )
    yield from verdict.of_books(reconcile_topics(here.connection, Period(), folder, lambda *_: None))
    for feed in ("loyalty", "identity", "fan-out"):
        disks = folder.parent.glob(f"worker-*/disk/state/*{feed}/*/[0-9]*")
        yield from verdict.of_disks(disks, found)
    yield from verdict.of_disks(folder.parent.glob("sink-*/disk/state/*sink/*/[0-9]*"), found)


def _report(plan: Plan, here: World, found: Followed, complaints: list[str], seconds: float) -> Report:
    # What was refused is sent again on purpose.
    received = [line for line in verdict.lines(here.received) if line.status < 300]
    logs = [log for program in here.programs.values() for log in program.home.glob("*.log")]
    restored = [int(n) for log in logs for n in _RESTORED.findall(log.read_text(errors="replace"))]
    return Report(
        seed=plan.seed,
        dealt=here.dealt,
        records={name: sum(map(len, by.values())) for name, by in found.records.items()},
        restores=len(restored),
        restored=sum(restored),
        duplicates=len(received) - len({line.message_id for line in received}),
        endings=here.endings,
        complaints=complaints,
        seconds=seconds,
    )
