"""The committed offsets of a consumer group, read by a consumer that does not join it.

Not by an AdminClient: librdkafka 2.16 was seen to end the process (SIGABRT and SIGSEGV in
`list_consumer_group_offsets`) when a broker went away.
"""

from collections.abc import Iterable
from typing import Self

from confluent_kafka import TopicPartition

from streams.kafka.clients import Connection
from streams.kafka.consumer_offsets import committed
from streams.kafka.offsets import Place

ANSWER_TIMEOUT = 5.0
NO_OFFSET = -1


class GroupOffsets:
    """Reads a group's committed offsets. It uses the group's id and never subscribes, so it never joins.

    Offsets in an open transaction are neither counted nor waited for.
    """

    def __init__(self, connection: Connection, group: str) -> None:
        own = {"group.id": f"{connection.prefix}{group}", "isolation.level": "read_uncommitted"}
        self._consumer = connection.open_consumer(**own)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def committed(self, places: Iterable[Place], within: float = ANSWER_TIMEOUT) -> dict[Place, int]:
        """By place; NOTHING_YET where there is none. Raises KafkaException."""
        asked = [TopicPartition(*place) for place in places]
        found = committed(self._consumer, asked, within) if asked else []
        return {(at.topic, at.partition): max(at.offset, NO_OFFSET) for at in found}

    def close(self) -> None:
        self._consumer.close()
