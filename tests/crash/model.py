"""What must have come of the commands: each stage's pure run over what stands on its topic, in memory.

The stages write for one another: the topic of commands holds what the harness sent and what they told each
other. Each partition is played as it is; then every message must have been written by one of the runs, once.
"""

from dataclasses import dataclass
from datetime import timedelta

from streams.codec.avro import decode, encode
from streams.domain.store import StoreSettings
from streams.stages.commands import MESSAGES
from streams.stages.context import Record, Stage, StreamClock
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.tables.owner_entries import OWNER_END
from streams.tables.tables import Tables
from streams.topics import (
    COMMANDS,
    DELIVERIES,
    ERASURES,
    EVENTS,
    IDENTITY_REQUESTS,
    POISON,
    REJECTIONS,
    WEBHOOK_EVENTS,
    Topic,
)
from tests.crash.listeners import LISTENERS
from tests.driver import WINDOW, Pipeline
from tests.samples import NOON
from tests.scenarios import SETTINGS

State = dict[tuple[str, bytes], bytes]
"""Entries by table and key."""
ByPartition = dict[int, list[Record]]
TOPICS = (EVENTS, ERASURES, WEBHOOK_EVENTS, REJECTIONS, DELIVERIES, POISON)
BETWEEN_STAGES = (COMMANDS, IDENTITY_REQUESTS)
_MESSAGES = {kind.__name__ for kind in MESSAGES}


@dataclass(frozen=True, slots=True)
class Expected:
    """Records by topic and by the partition of what they come of, what the stages told one another, and state
    by stage and partition."""

    records: dict[str, ByPartition]
    messages: dict[str, list[Record]]
    state: dict[type[LoyaltyStage | IdentityStage], dict[int, State]]

    def count(self, topic: str) -> int:
        return sum(map(len, self.records[topic].values()))


def expected(found: dict[str, ByPartition], memory: timedelta) -> Expected:
    """`found` holds the two topics that the stages read, as they are."""
    loyalty = {n: _loyalty(records, memory) for n, records in found[COMMANDS.name].items()}
    identity = {n: identity_run(records, memory) for n, records in found[IDENTITY_REQUESTS.name].items()}
    runs = (*loyalty.values(), *identity.values())
    return Expected(
        {topic.name: {number: run.log[topic.name] for number, run in loyalty.items()} for topic in TOPICS},
        {topic.name: [r for run in runs for r in run.told(topic)] for topic in BETWEEN_STAGES},
        {
            LoyaltyStage: {number: state_of(run.tables) for number, run in loyalty.items()},
            IdentityStage: {number: state_of(run.identifiers) for number, run in identity.items()},
        },
    )


def is_message(record: Record) -> bool:
    """Whether a stage wrote the record, and not the harness."""
    return record.kind in _MESSAGES


class Alone(Pipeline):
    """One partition of one stage, and the fan-out behind it: what it tells others goes nowhere."""

    def readers(self) -> list[tuple[Topic, Stage]]:
        return [(WEBHOOK_EVENTS, self.fan_out)]

    def told(self, topic: Topic) -> list[Record]:
        return self.log[topic.name]


def _alone(memory: timedelta) -> Alone:
    # As workers read them: a decimal comes out of Avro with another exponent, and stands so in the state.
    settings = decode(StoreSettings, *encode(SETTINGS))
    run = Alone(settings, now=NOON, clock=StreamClock(), memory=memory)
    run.subscribe(*LISTENERS)
    return run


def _loyalty(commands: list[Record], memory: timedelta) -> Alone:
    run = _alone(memory)
    for command in commands:
        assert command.topic == COMMANDS.name
        run.play(command)
    run.close_batches(NOON + WINDOW)
    return run


def identity_run(requests: list[Record], memory: timedelta) -> Alone:
    """One partition of the identity stage."""
    run = _alone(memory)
    for request in requests:
        run.ask(request)
    return run


def state_of(tables: Tables) -> State:
    return {
        (table, owner.encode() + OWNER_END + rest): value for table, owner, rest, value in tables.entries()
    }
