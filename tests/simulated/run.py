"""A run from its seed to its report."""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from streams.kafka.topics import CHANGELOGS, COMMANDS
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.stages.turn import Record
from tests.crash import model, verdict
from tests.simulated.hub import Overrun, Tell
from tests.simulated.plan import PARTITIONS, PASSES_AFTER, Plan, plan
from tests.simulated.world import FEEDS, MEMORY, PREFIX, Ending, World

DONE_WITHIN = 240.0
"""Seconds of simulated time from the last fault until all must be handled."""
LOOKED_EVERY = 0.5
KINDS = {"loyalty": LoyaltyStage.kinds, "identity": IdentityStage.kinds, "fan-out": FanOutStage.kinds}


@dataclass(frozen=True, slots=True)
class Found:
    """Committed records, by topic and partition."""

    records: dict[str, dict[int, list[Record]]]


@dataclass(frozen=True, slots=True)
class Report:
    seed: int
    fingerprint: str
    steps: int
    seconds: float
    """Of simulated time."""
    endings: list[Ending]
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.steps} steps in {self.seconds:.1f} simulated seconds, {self.fingerprint}"]
        lines += [f"  {e.at:.3f} {e.name} ended: {type(e.reason).__name__}: {e.reason}" for e in self.endings]
        return "\n".join([*lines, *(f"  complaint: {each}" for each in self.complaints)])


def run(seed: int, tell: Tell | None = None) -> Report:
    """The same seed gives the same report."""
    return run_plan(plan(seed), tell)


def run_plan(made: Plan, tell: Tell | None = None) -> Report:
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="simulated-") as folder:
            world = World(made, Path(folder), tell)
            complaints = list(_played(world))
            for worker in world.workers:
                worker.wanted = False
                worker.kill()
            return Report(
                made.seed, world.hub.fingerprint, world.hub.steps, world.hub.now, world.endings, complaints
            )
    finally:
        logging.disable(logging.NOTSET)


def _played(world: World) -> Iterator[str]:
    try:
        for worker in world.workers:
            worker.start()
        for step in world.plan.steps:
            world.play(step)
        world.append(world.plan.last)
        world.hub.run(lambda: False, PASSES_AFTER)
        world.cluster.faults.on = False
        yield from _finished(world)
        for worker in world.workers:
            worker.stop()
        world.hub.run(lambda: all(w.host is None or w.host.dead for w in world.workers), 60.0)
    except Overrun as failure:
        yield str(failure)
    yield from _judged(world)


def _finished(world: World) -> Iterator[str]:
    until = world.hub.now + DONE_WITHIN
    while left := _left(world):
        if world.hub.now > until:
            yield f"not done {DONE_WITHIN:g} s after the last fault: {left}"
            return
        world.hub.run(lambda: False, LOOKED_EVERY)


def _left(world: World) -> list[str]:
    """Partitions whose records are not all handled, and legacy batches that are still collected."""
    brokers, left = world.cluster.brokers, []
    for role, topic in FEEDS:
        group = world.cluster.group(f"{PREFIX}{role}")
        for number, log in brokers.topics[f"{PREFIX}{topic.name}"].items():
            last = next((e.offset for e in reversed(log.entries) if not (e.marks or e.aborted)), -1)
            if log.stable < log.end or group.offsets.get((log.topic, number), 0) <= last:
                left.append(f"{topic.name}[{number}]")
    return left or [f"batches: {one}" for one in verdict.of_pending(_found(world, ("pending", "batches")), range(PARTITIONS))]


def _found(world: World, tables: tuple[str, ...] | None = None) -> Found:
    topics = (
        [CHANGELOGS[table] for table in tables]
        if tables
        else [*model.BETWEEN_STAGES, *model.TOPICS, *CHANGELOGS.values()]
    )
    logs = world.cluster.brokers.topics
    return Found(
        {
            topic.name: {
                number: [
                    Record(topic.name, number, e.offset, e.key, e.value, dict(e.headers)) for e in log.committed()
                ]
                for number, log in logs[f"{PREFIX}{topic.name}"].items()
            }
            for topic in topics
        }
    )


def _judged(world: World) -> Iterator[str]:
    found = _found(world)
    expected = model.expected(found.records, MEMORY)
    sent = sum(not model.is_message(r) for rs in found.records[COMMANDS.name].values() for r in rs)
    if sent != sum(len(s.records) for s in world.plan.steps) + len(world.plan.last):
        yield "commands: the topic holds others than the plan's: the simulator is at fault"
    yield from verdict.of_records(expected, found)
    yield from verdict.of_state(expected, found)
    yield from verdict.of_pending(found, range(PARTITIONS))
    yield from _disks(world, found)


def _disks(world: World, found: Found) -> Iterator[str]:
    """Where nothing was compacted, each disk holds a prefix of the changelogs."""
    for worker in world.workers:
        for folder, kept in worker.disk.stores.items():
            if not world.compacted:
                kinds, name = KINDS[folder.parent.name], f"{worker.name}/{folder.parent.name}/{folder.name}"
                yield from verdict.of_store(name, kept.values, kinds, int(folder.name), found)[0]
