"""Making the topics of the registry, and checking the ones that are there."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from streams.errors import Misconfigured, Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Admin
from streams.kafka.connection_problem import connection_problem
from streams.kafka.topic_retention import with_retention
from streams.settings import Settings, variable_name
from streams.topics import COMMANDS, EVENTS, SUBSCRIPTIONS, TOPICS, Topic

ANSWER_TIMEOUT = 10.0
VISIBILITY_TIMEOUT = 20.0
_NOT_ALLOWED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)


def create_topics(
    connection: Connection, settings: Settings, topics: tuple[Topic, ...] = TOPICS
) -> list[str]:
    """The names of the topics that this call created; afterwards all are there and fit each other.

    Any number of processes may do it at once. Topics added later get as many partitions as the first ones
    have, whatever the setting says by then. Raises Misconfigured where partition counts differ or topics
    cannot be kept as the settings say, Retryable where the cluster does not answer.
    """
    topics = with_retention(settings.retention, topics)
    admin = connection.open_admin()
    found = partitions(connection, topics, admin)
    count = _shared(found, topics) or settings.partitions
    missing = [topic for topic in topics if topic.name not in found]
    created = _create(admin, connection, missing, count, settings.replication)
    _check(connection, _visible(connection, topics, admin), topics)
    return created


def partitions(
    connection: Connection, topics: tuple[Topic, ...] = TOPICS, admin: Admin | None = None
) -> dict[str, int]:
    """The partition count of each topic that exists, by its name in the registry.

    Raises Retryable where no broker answers, Misconfigured where the login or the certificate is refused.
    """
    there = _list_topics(connection, admin or connection.open_admin())
    names = {topic.name: there.get(connection.topic(topic)) for topic in topics}
    return {name: len(met.partitions) for name, met in names.items() if met and met.partitions}


def find_prefixes(connection: Connection, admin: Admin | None = None) -> list[str]:
    """The prefixes of all systems of this project that have topics in the cluster, in their order. Raises
    Retryable."""
    there = set(_list_topics(connection, admin or connection.open_admin()))
    ours = (COMMANDS, EVENTS, SUBSCRIPTIONS)
    prefixes = (name.removesuffix(COMMANDS.name) for name in there if name.endswith(COMMANDS.name))
    return sorted(prefix for prefix in prefixes if all(f"{prefix}{topic.name}" in there for topic in ours))


def _list_topics(connection: Connection, admin: Admin) -> Mapping[str, Any]:
    try:
        topics: Mapping[str, Any] = admin.list_topics(timeout=ANSWER_TIMEOUT).topics
    except KafkaException as error:
        raise connection_problem(connection, error) from None
    return topics


def _create(
    admin: Admin, connection: Connection, missing: Iterable[Topic], count: int, replication: int
) -> list[str]:
    new = [
        NewTopic(connection.topic(t), t.partitions or count, replication, config=topic_config(t, replication))
        for t in missing
    ]
    if not new:
        return []
    done = admin.create_topics(new, operation_timeout=VISIBILITY_TIMEOUT)
    return [name for name, future in done.items() if _created(name, future.exception(), replication)]


def topic_config(topic: Topic, replication: int) -> dict[str, str]:
    """The configuration of a new topic with so many replicas."""
    # With three replicas one may be away; a write that only one replica has is not acknowledged.
    safe = {"min.insync.replicas": "2"} if replication >= 3 else {}
    return {**topic.config, **safe}


def _created(name: str, failure: BaseException | None, replication: int) -> bool:
    """False where somebody else was quicker."""
    if failure is None:
        return True
    if not isinstance(failure, KafkaException):
        raise failure
    error = failure.args[0]
    if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return False
    if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
        raise Misconfigured(f"{variable_name('replication')}={replication} is not valid: {error.str()}")
    if error.code() in _NOT_ALLOWED:
        raise Misconfigured(f"Topic {name} cannot be created with these credentials: {error.str()}")
    raise Retryable(f"Topic {name} could not be created: {error.str()}")


def _visible(connection: Connection, topics: tuple[Topic, ...], admin: Admin) -> dict[str, int]:
    """All topics' partition counts: brokers hear of a new topic a moment after its creation."""
    deadline = time.monotonic() + VISIBILITY_TIMEOUT
    while len(found := partitions(connection, topics, admin)) < len(topics):
        if time.monotonic() > deadline:
            lost = ", ".join(connection.topic(t) for t in topics if t.name not in found)
            raise Retryable(f"Created, but not visible after {VISIBILITY_TIMEOUT:g} s: {lost}")
        # Kafka has no call that waits for metadata.
        time.sleep(0.05)
    return found


def _shared(found: Mapping[str, int], topics: Iterable[Topic]) -> int | None:
    """How many partitions the co-partitioned topics have, as the first of them in the registry says."""
    return next((found[t.name] for t in topics if t.partitions is None and t.name in found), None)


def _check(connection: Connection, found: Mapping[str, int], topics: tuple[Topic, ...]) -> None:
    shared = _shared(found, topics)
    for topic in topics:
        expected = topic.partitions or shared
        if found[topic.name] != expected:
            raise Misconfigured(
                f"Topic {connection.topic(topic)} has {found[topic.name]} partitions, expected {expected}: "
                "records of one key must be in the same partition of every topic. Delete the topic, or set "
                f"{variable_name('topic_prefix')} to begin with new topics."
            )
