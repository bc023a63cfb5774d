"""Turns messages of the Kafka client into records, which the stages and the readers work with."""

from confluent_kafka import Message

from streams.stages.context import Record


def record_of(message: Message, topic: str) -> Record:
    """The record; `topic` is the registry's name of where it stands."""
    headers = {
        name: value.encode() if isinstance(value, str) else value or b""
        for name, value in dict(message.headers() or ()).items()
    }
    partition, offset = message.partition(), message.offset()
    return Record(
        topic,
        partition or 0,
        offset or 0,
        message.key(),
        message.value(),
        headers,
        max(0, message.timestamp()[1]),
    )
