"""What must have come of the commands: the pure stages' run over each partition, with nothing but memory."""

from dataclasses import dataclass
from datetime import timedelta

from streams.codec import decode, encode
from streams.domain.store import StoreSettings
from streams.kafka.topics import COMMANDS, DELIVERIES, EVENTS, POISON, REJECTIONS, WEBHOOK_EVENTS
from streams.stages.turn import Record, StreamClock
from streams.tables.tables import END_OF_OWNER
from streams.webhooks import CATALOGUE
from tests.driver import Pipeline
from tests.samples import NOON, SETTINGS, subscription

State = dict[tuple[str, bytes], bytes]
"""Entries by table and key."""
TOPICS = (EVENTS, WEBHOOK_EVENTS, REJECTIONS, DELIVERIES, POISON)


@dataclass(frozen=True, slots=True)
class Expected:
    """Records by topic and by the partition of the commands that they come of; state by partition."""

    records: dict[str, dict[int, list[Record]]]
    state: dict[int, State]

    def count(self, topic: str) -> int:
        return sum(map(len, self.records[topic].values()))


def expected(commands: dict[int, list[Record]], memory: timedelta) -> Expected:
    runs = {number: _run(records, memory) for number, records in commands.items()}
    return Expected(
        {topic.name: {number: run.log[topic.name] for number, run in runs.items()} for topic in TOPICS},
        {number: _state(run) for number, run in runs.items()},
    )


def _run(commands: list[Record], memory: timedelta) -> Pipeline:
    # As workers read them: a decimal comes out of Avro with another exponent, and stands so in the state.
    settings = decode(StoreSettings, *encode(SETTINGS))
    run = Pipeline(settings, now=NOON, clock=StreamClock(), memory=memory)
    names = [*CATALOGUE, "AvailablePointsAmountChanged"]
    run.subscribe(*(subscription(name, number=500 + number) for number, name in enumerate(names)))
    for command in commands:
        assert command.topic == COMMANDS.name
        run.arrive(command)
    return run


def _state(run: Pipeline) -> State:
    return {
        (table, owner.encode() + END_OF_OWNER + rest): value
        for table, owner, rest, value in run.tables.entries()
    }
