"""A run from its seed to its report."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from streams.stages.context import Record
from streams.topics import ATTEMPTS, CHANGELOGS, Topic
from tests.crash import model, verdict
from tests.simulated.hub import Overrun, Tell
from tests.simulated.plan import PARTITIONS, PASSES_AFTER, Plan, plan
from tests.simulated.verdict import Found, judged
from tests.simulated.worker import PREFIX
from tests.simulated.world import Ending, World

DONE_WITHIN = 240.0
"""Seconds of simulated time from the last fault until all must be handled."""
LOOKED_EVERY = 0.5
_COLLECTED = (CHANGELOGS["pending"], CHANGELOGS["batches"])
_JUDGED = (*model.BETWEEN_STAGES, *model.TOPICS, ATTEMPTS, *CHANGELOGS.values())


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
        lines = [
            f"seed {self.seed}: {self.steps} steps in {self.seconds:.1f} s of its own, {self.fingerprint}"
        ]
        lines += [f"  {e.at:.3f} {e.name} ended: {e.reason}" for e in self.endings]
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
    yield from judged(world, _found(world, _JUDGED))


def _finished(world: World) -> Iterator[str]:
    until = world.hub.now + DONE_WITHIN
    while left := _left(world):
        if world.hub.now > until:
            yield f"not done {DONE_WITHIN:g} s after the last fault: {left}"
            return
        world.hub.run(lambda: False, LOOKED_EVERY)


def _left(world: World) -> list[str]:
    """Transactions that are open, records that are not handled, legacy batches that are still collected."""
    brokers = world.cluster.brokers
    left = [f"{log.topic}[{log.number}] is open" for log in brokers.logs.values() if log.stable < log.end]
    for role, topic in world.plan.feeds.items():
        group = world.cluster.group(f"{PREFIX}{role}")
        for number, log in brokers.topics[f"{PREFIX}{topic.name}"].items():
            last = next((e.offset for e in reversed(log.entries) if not (e.marks or e.aborted)), -1)
            if group.offsets.get((log.topic, number), 0) <= last:
                left.append(f"{topic.name}[{number}]")
    return left or list(verdict.of_pending(_found(world, _COLLECTED), range(PARTITIONS)))


def _found(world: World, topics: Iterable[Topic]) -> Found:
    logs = world.cluster.brokers.topics
    return Found(
        {
            topic.name: {
                number: [
                    Record(topic.name, number, e.offset, e.key, e.value, dict(e.headers))
                    for e in log.committed()
                ]
                for number, log in logs[f"{PREFIX}{topic.name}"].items()
            }
            for topic in topics
        }
    )
