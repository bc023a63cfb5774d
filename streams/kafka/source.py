"""What a feed reads from, and where its group stands there."""

from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import TopicPartition

from streams.kafka.answers import committed, watermarks
from streams.kafka.clients import Connection
from streams.kafka.cluster import Consumer
from streams.kafka.passing import ask_again

ANSWERS_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this process is to Kafka: kept over restarts, so that a restart moves nothing and a predecessor
    that is still alive is fenced."""

    group: str
    instance: str
    directory: Path
    session_timeout: int
    transaction_timeout: int


def open_source(connection: Connection, who: Identity, limit: int) -> Consumer:
    """A consumer of the group, which fetches `limit` records ahead at most."""
    return connection.open_consumer(
        **{
            "group.id": who.group,
            "group.instance.id": who.instance,
            "session.timeout.ms": who.session_timeout * 1000,
            # Little is fetched ahead: a record of one partition waits behind what was fetched of all.
            "queued.min.messages": limit,
            "fetch.message.max.bytes": 128 << 10,
            "heartbeat.interval.ms": min(3000, who.session_timeout * 1000 // 3),
            # Not the cooperative one: a member that dies between giving a partition up and saying so,
            # and comes back under its own name, causes no rebalance, and nobody owns the partition.
            "partition.assignment.strategy": "range",
        }
    )


def numbers_of(connection: Connection, consumer: Consumer, topic: str) -> list[int]:
    """The partitions of a topic. Raises KafkaException where nobody answers in time."""
    found = ask_again(
        connection.cluster, lambda: consumer.list_topics(topic, timeout=ANSWERS_WITHIN), ANSWERS_WITHIN
    )
    return list(found.topics[topic].partitions)


def position_of(connection: Connection, consumer: Consumer, who: Identity, place: TopicPartition) -> int:
    """Where the group stands; the partition's beginning where it has committed nothing yet. Raises
    KafkaException where nobody answers in time."""
    # A predecessor's transaction that is still open is waited for.
    patience = who.transaction_timeout + ANSWERS_WITHIN

    def asked() -> int:
        found: int = committed(consumer, [place], patience)[0].offset
        return found if found >= 0 else watermarks(consumer, place, ANSWERS_WITHIN)[0]

    return ask_again(connection.cluster, asked, patience)
