"""Whether the delivery log on disk belongs to the present topics and misses none of their records."""

from collections.abc import Iterable, Mapping

from streams.kafka.clients import Connection
from streams.kafka.offsets import PartitionOffsets
from streams.kafka.topic_identity import ANSWER_TIMEOUT, ANSWERS, EVERY, topic_ids
from streams.tables.delivery_log import DeliveryLog, Position

TopicBounds = Mapping[Position, tuple[int, int]]


def check_delivery_log(
    connection: Connection, journal: DeliveryLog, places: Iterable[Position]
) -> tuple[dict[str, str], str | None]:
    """The topics' ids, and why the delivery log must be rebuilt (None: it fits). Several answers must agree,
    because one broker may be behind. Raises Retryable and KafkaException."""
    at = {(connection.prefix + topic, number): (topic, number) for topic, number in places}
    asked = PartitionOffsets(connection, ANSWER_TIMEOUT)
    for answer in range(ANSWERS):
        if answer:
            connection.cluster.sleep(EVERY)
            asked.forget()
        begins, ends = asked.begins(at), asked.ends(at)
        ids = _read_topic_ids(connection, {topic for topic, _ in at.values()})
        because = _find_misfit(journal, ids, {at[place]: (begins[place], ends[place]) for place in at})
        if because is None:
            break
    return ids, because


def _read_topic_ids(connection: Connection, topics: Iterable[str]) -> dict[str, str]:
    found = topic_ids(connection, [connection.prefix + topic for topic in topics])
    return {name.removeprefix(connection.prefix): id_ for name, id_ in found.items() if id_}


def _find_misfit(journal: DeliveryLog, ids: Mapping[str, str], bounds: TopicBounds) -> str | None:
    for topic, id_ in ids.items():
        if journal.topic_id(topic) not in (None, id_):
            return f"{topic} is another topic than it was"
    for (topic, number), (begin, end) in bounds.items():
        at = journal.position(topic, number)
        if at > end or 0 < at < begin:
            return f"it has come to offset {at} of {topic}[{number}], which has {begin} to {end}"
    return None
