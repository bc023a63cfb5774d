"""What a cluster is like: its brokers and their version, the replicas of topics, the newest record's time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec as Spec  # type: ignore[attr-defined]
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.log_reader import outage_as_retryable
from streams.topics import Topic

ANSWER_TIMEOUT = 10.0
_SINCE = {
    "group.streams.max.standby.replicas": "4.1",
    "share.coordinator.state.topic.replication.factor": "4.0",
}
"""Settings of brokers, and the version that brought them, the newest first."""


@dataclass(frozen=True, slots=True)
class PartitionReplicas:
    """How many replicas a partition has, and how many of them are in sync."""

    topic: str
    partition: int
    replicas: int
    in_sync: int


def broker_ids(connection: Connection) -> list[int]:
    """The brokers that are there. Raises Retryable if none answers."""
    try:
        return sorted(connection.open_admin().list_topics(timeout=ANSWER_TIMEOUT).brokers)
    except KafkaException as error:
        reason = error.args[0].str()
        raise Retryable(f"No Kafka answers at {connection.bootstrap_servers}: {reason}") from None


def partition_replicas(connection: Connection, topics: Iterable[Topic]) -> Iterator[PartitionReplicas]:
    """The replicas of every partition of topics that exist. Raises Retryable."""
    with outage_as_retryable("the cluster's topics"):
        found = connection.open_admin().list_topics(timeout=ANSWER_TIMEOUT).topics
    for topic in topics:
        name = connection.topic(topic)
        for number, one in found[name].partitions.items():
            yield PartitionReplicas(name, number, len(one.replicas), len(one.isrs))


def newest_timestamp(connection: Connection, topic: Topic, partitions: int) -> datetime | None:
    """The latest time that a record of the topic bears, or None without records. Raises Retryable."""
    name, admin = connection.topic(topic), connection.open_admin()
    asked = {TopicPartition(name, number): Spec.max_timestamp() for number in range(partitions)}  # type: ignore[no-untyped-call]
    with outage_as_retryable(name):
        answers = admin.list_offsets(asked, request_timeout=ANSWER_TIMEOUT).values()
        newest = max((answer.result().timestamp or -1 for answer in answers), default=-1)
    return datetime.fromtimestamp(newest / 1000, UTC) if newest >= 0 else None


def broker_version(connection: Connection, broker: int) -> str | None:
    """As `read_version` finds it in the broker's settings; None if these credentials may not read them."""
    admin, resource = connection.open_admin(), ConfigResource(ResourceType.BROKER, str(broker))
    try:
        found = admin.describe_configs([resource])[resource].result(ANSWER_TIMEOUT)
    except (KafkaException, TimeoutError):
        return None
    return read_version({name: entry.value for name, entry in found.items()})


def read_version(settings: Mapping[str, str | None]) -> str | None:
    """The version that a broker's settings show: `3.9`, or `4.1 or newer`; None if they show none."""
    # Up to 3.9 a broker says it (3.9-IV0); 4.0 has no such setting any more.
    spoken = settings.get("inter.broker.protocol.version")
    if spoken:
        return spoken.partition("-")[0]
    return next((f"{version} or newer" for name, version in _SINCE.items() if name in settings), None)
