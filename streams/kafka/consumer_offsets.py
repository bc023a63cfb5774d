"""Asks a consumer for offsets: each answer is an offset, nothing, or a KafkaException.

librdkafka may leave an error in one partition's answer, or a number below 0 in the place of an offset, and
report success. Here that raises KafkaException, with a transient error unless librdkafka named another.
"""

from collections.abc import Iterable
from datetime import datetime

from confluent_kafka import OFFSET_END, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from streams.kafka.cluster import Cluster, Consumer
from streams.kafka.transient_errors import retry_transient


def committed(consumer: Consumer, places: Iterable[TopicPartition], within: float) -> list[TopicPartition]:
    """The group's committed offset of each partition, in the given order; OFFSET_INVALID before a first
    commit."""
    asked = list(places)
    answers = {(at.topic, at.partition): at for at in consumer.committed(asked, within)}
    found = []
    for place in asked:
        at = answers.get((place.topic, place.partition))
        if at is not None and at.error:
            raise KafkaException(at.error)
        if at is None or (at.offset < 0 and at.offset != OFFSET_INVALID):
            raise _unanswered(place, "where the group stands")
        found.append(at)
    return found


def list_partitions(cluster: Cluster, consumer: Consumer, topic: str, within: float) -> list[int]:
    """All of the topic's, by its name in the cluster. A broker that has just come back may know of none."""

    def asked() -> list[int]:
        found = consumer.list_topics(topic, timeout=within).topics.get(topic)
        if found is None or found.error is not None or not found.partitions:
            said = found.error if found is not None and found.error is not None else None
            raise KafkaException(
                said or KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"{topic} is not there")
            )
        return sorted(found.partitions)

    return retry_transient(cluster, asked, within)


def position(cluster: Cluster, consumer: Consumer, place: TopicPartition, within: float) -> int:
    """Where the consumer's group is to read on: at the partition's beginning where it has committed nothing.
    What a predecessor has under way is waited for."""

    def asked() -> int:
        (found,) = committed(consumer, [place], within)
        return found.offset if found.offset >= 0 else read_watermarks(consumer, place, within)[0]

    return retry_transient(cluster, asked, within)


def read_watermarks(consumer: Consumer, place: TopicPartition, within: float) -> tuple[int, int]:
    """Where it begins, and ends for such a consumer."""
    low, end = consumer.get_watermark_offsets(place, within)
    if not 0 <= low <= end:
        raise _unanswered(place, "where it begins and ends")
    return low, end


def first_offset_since(
    consumer: Consumer, place: TopicPartition, moment: datetime, within: float
) -> int | None:
    """The offset of the first record appended at `moment` or later; None when there is none."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    asked = TopicPartition(place.topic, place.partition, milliseconds)
    (at,) = consumer.offsets_for_times([asked], within)
    if at.error:
        raise KafkaException(at.error)
    if at.offset == OFFSET_END:
        return None
    if at.offset < 0:
        raise _unanswered(place, f"where it was at {moment}")
    return int(at.offset)


def _unanswered(place: TopicPartition, what: str) -> KafkaException:
    said = f"{place.topic}[{place.partition}]: {what} was not answered"
    return KafkaException(KafkaError(KafkaError.OFFSET_NOT_AVAILABLE, said))
