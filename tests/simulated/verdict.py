"""The crash harness's verdict on a simulated run, and what only a simulated run can say of its processes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import KafkaError

from connectors.http.sink import SinkStage
from streams.codec.avro import HEADER
from streams.stages.context import Record
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.topics import COMMANDS, IDENTITY_REQUESTS, POISON
from tests.crash import model, verdict
from tests.crash.model import ByPartition, Expected
from tests.simulated.errors import OF_CLIENT, RETRIABLE
from tests.simulated.plan import PARTITIONS, Plan
from tests.simulated.worker import MEMORY
from tests.simulated.world import Ending, World

KINDS = {
    "loyalty": LoyaltyStage.kinds,
    "identity": IdentityStage.kinds,
    "fan-out": FanOutStage.kinds,
    "sink": SinkStage.kinds,
}
STUCK_FOR = 15.0
"""Seconds after which the process of a commit that never returns must have ended."""
_NAMES = re.compile(r"(?:code=|\()(_?[A-Z][A-Z_]+)\b")
_PASSING = {KafkaError(code).name() for code in (*RETRIABLE, *OF_CLIENT, KafkaError._DESTROY)}


@dataclass(frozen=True, slots=True)
class Found:
    """Committed records, by topic and partition."""

    records: dict[str, ByPartition]


def judged(world: World, found: Found) -> Iterator[str]:
    expected = _expected(world.plan, found)
    yield from verdict.of_records(expected, found)
    yield from verdict.of_state(expected, found)
    yield from verdict.of_pending(found, range(PARTITIONS))
    if "sink" in world.plan.feeds:
        yield from verdict.of_attempts(expected, found)
        yield from verdict.of_http(expected, found, world.peer.received)
    yield from _of_disks(world, found)
    yield from _of_endings(world)
    yield from _of_stuck(world)


def _expected(plan: Plan, found: Found) -> Expected:
    if plan.source is COMMANDS:
        return model.expected(found.records, MEMORY)
    requests = found.records[IDENTITY_REQUESTS.name]
    runs = {number: model.identity_run(records, MEMORY) for number, records in requests.items()}
    records: dict[str, ByPartition] = {topic.name: {} for topic in model.TOPICS}
    records[POISON.name] = {number: run.log[POISON.name] for number, run in runs.items()}
    told = {t.name: [r for run in runs.values() for r in run.told(t)] for t in model.BETWEEN_STAGES}
    told[IDENTITY_REQUESTS.name] += _sent(plan)
    state = {number: model.state_of(run.identifiers) for number, run in runs.items()}
    return Expected(records, told, {LoyaltyStage: {}, IdentityStage: state})


def _sent(plan: Plan) -> list[Record]:
    sent = [each for step in plan.steps for each in step.records]
    return [
        Record(plan.source.name, 0, 0, s.key, s.value, {HEADER: s.schema.encode()} if s.schema else {})
        for s in (*sent, *plan.last)
    ]


def _of_disks(world: World, found: Found) -> Iterator[str]:
    """Each disk holds a prefix of the changelogs; once they were compacted that cannot be seen any more."""
    if world.compacted:
        return
    for worker in world.workers:
        for folder, kept in worker.disk.stores.items():
            kinds, name = KINDS[folder.parent.name], f"{worker.name}/{folder.parent.name}/{folder.name}"
            yield from verdict.of_store(name, kept.values, kinds, int(folder.name), found)[0]


def _of_endings(world: World) -> Iterator[str]:
    """Errors that pass end no process, where no broker is away for longer than one may wait."""
    if any(step.blow.kind.startswith("broker") for step in world.plan.steps):
        return
    for ending in world.endings:
        passing = sorted(_named(ending) & _PASSING)
        if passing:
            yield f"{ending.name} ended at {ending.at:.1f} of {passing[0]}, which passes: {ending.reason}"


def _named(ending: Ending) -> set[str]:
    return set(_NAMES.findall(ending.reason))


def _of_stuck(world: World) -> Iterator[str]:
    for at, host in world.cluster.faults.stuck:
        until = host.died_at if host.died_at is not None else world.hub.now
        if until - at - host.frozen_for > STUCK_FOR:
            yield f"{host.name}: a commit was stuck for {until - at - host.frozen_for:.1f} s"
