"""What passes through a Faust channel: slices of partitions, each with what the stage is to do with it."""

import asyncio
from dataclasses import dataclass

from confluent_kafka import Message

from streams.stages.turn import Record, Stage, Turn


@dataclass(slots=True)
class Batch:
    """What a Faust agent gets: a turn and its records for each partition that has work."""

    turns: list[tuple[Turn, list[Record]]]
    budget: int
    done: asyncio.Future[list[int]]

    def play(self, stage: Stage) -> None:
        """Let the stage handle it; `done` gets how many records of each turn it handled, or its failure."""
        share = max(1, self.budget // len(self.turns))
        try:
            self.done.set_result([stage.play(turn, records, share) for turn, records in self.turns])
        except Exception as failure:  # noqa: BLE001 - the feed raises it again, where the transaction is
            self.done.set_exception(failure)


def record_of(message: Message, topic: str) -> Record:
    """The record; `topic` is the registry's name of where it stands."""
    headers = {
        name: value.encode() if isinstance(value, str) else value or b""
        for name, value in dict(message.headers() or ()).items()
    }
    partition, offset = message.partition(), message.offset()
    return Record(topic, partition or 0, offset or 0, message.key(), message.value(), headers)
