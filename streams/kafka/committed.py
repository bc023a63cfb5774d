"""Where a consumer group stands: asked by a consumer, of the group or by its name.

Not by an AdminClient: librdkafka 2.16 was seen to end the process (SIGSEGV in the answer of
`list_consumer_group_offsets`) when a broker went away.
"""

from collections.abc import Iterable
from typing import Self

from confluent_kafka import OFFSET_INVALID, KafkaException, TopicPartition

from streams.kafka.clients import Connection
from streams.kafka.cluster import Consumer

Place = tuple[str, int]
"""A topic's name in the cluster, and a partition."""
ANSWERS_WITHIN = 5.0
NOTHING_YET = -1


def committed(consumer: Consumer, places: Iterable[TopicPartition], within: float) -> list[TopicPartition]:
    """By partition, the offset to go on from, NOTHING_YET where there is none, and what was noted with it.

    Raises KafkaException, also where it is one partition only that has no answer: librdkafka gives it an
    offset below zero like one that is new, and an error.
    """
    found = consumer.committed(list(places), within)
    for place in found:
        if place.error:
            raise KafkaException(place.error)
        if place.offset == OFFSET_INVALID:
            place.offset = NOTHING_YET
    return found


class Onlooker:
    """Sees where a group stands, and is not in it: it bears the group's name and never subscribes.

    What a transaction has under way does not count, and is not waited for.
    """

    def __init__(self, connection: Connection, group: str) -> None:
        own = {"group.id": f"{connection.prefix}{group}", "isolation.level": "read_uncommitted"}
        self._consumer = connection.open_consumer(**own)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def committed(self, places: Iterable[Place], within: float = ANSWERS_WITHIN) -> dict[Place, int]:
        """By place; NOTHING_YET where there is none. Raises KafkaException."""
        asked = [TopicPartition(*place) for place in places]
        found = committed(self._consumer, asked, within) if asked else []
        return {(place.topic, place.partition): place.offset for place in found}

    def close(self) -> None:
        self._consumer.close()
