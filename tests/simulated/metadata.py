"""What the cluster says of itself."""

from typing import Any

from confluent_kafka import KafkaError
from confluent_kafka.admin import ClusterMetadata, PartitionMetadata, TopicMetadata  # type: ignore[attr-defined]

from tests.simulated.brokers import Broker
from tests.simulated.calls import Calls

UNKNOWN_TOPIC_OR_PART = 3


def described(calls: Calls, topic: str | None, timeout: float) -> Any:
    """Any broker that is there can say it."""

    def at() -> Broker | None:
        return next((broker for broker in calls.brokers.all if not broker.away), None)

    return calls.ask("list_topics", at, lambda: _metadata(calls, topic), timeout)


def _metadata(calls: Calls, topic: str | None) -> Any:
    found = ClusterMetadata()
    names = list(calls.brokers.topics) if topic is None else [topic]
    found.topics = {name: _topic(calls, name) for name in names}
    return found


def _topic(calls: Calls, name: str) -> Any:
    made = TopicMetadata()
    made.topic = name
    logs = calls.brokers.topics.get(name)
    if logs is None:
        made.error = KafkaError(UNKNOWN_TOPIC_OR_PART)
        return made
    for number, log in logs.items():
        partition = PartitionMetadata()
        partition.id, partition.replicas, partition.isrs = number, list(log.replicas), list(log.replicas)
        partition.leader = -1 if log.leader is None else log.leader
        made.partitions[number] = partition
    return made
