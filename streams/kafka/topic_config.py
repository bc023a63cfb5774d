"""Compares the topics' configuration with the registry's, and changes it."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from typing import NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.topics import TOMBSTONE_RETENTION, Topic

ANSWER_TIMEOUT = 10.0
_NOT_ALLOWED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
T = TypeVar("T")


class Difference(NamedTuple):
    """A configuration entry of a topic that differs from the registry's."""

    topic: Topic
    entry: str
    found: str
    meant: str


def find_differences(connection: Connection, topics: Iterable[Topic]) -> list[Difference]:
    """The differences of these topics, all of which must exist. Raises Retryable."""
    found = dict(_found(connection, [connection.topic(topic) for topic in topics]))
    return [
        Difference(topic, entry, there[entry], meant)
        for topic in topics
        for there in (found[connection.topic(topic)],)
        for entry, meant in topic.config.items()
        if there[entry] != meant
    ]


def _found(connection: Connection, names: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    if not names:
        # librdkafka refuses to ask about nothing.
        return
    # Named, for it must live until it has been answered.
    admin = connection.open_admin()
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    for resource, future in asked.items():
        entries = _answer(future, resource.name)
        yield resource.name, {name: entry.value or "" for name, entry in entries.items()}


def topic_retention(connection: Connection, topic: Topic) -> timedelta | None:
    """The topic's retention in the cluster; None when it is unlimited. Raises Retryable."""
    ((_, entries),) = _found(connection, [connection.topic(topic)])
    kept = int(entries["retention.ms"])
    return None if kept < 0 else timedelta(milliseconds=kept)


def tombstone_retentions(connection: Connection, names: Iterable[str]) -> dict[str, timedelta]:
    """For how long each topic keeps a tombstone, by the topic's name in the cluster. As we make them, where
    these credentials may not look. Raises Retryable, KafkaException."""
    admin = connection.open_admin()
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    found = {}
    for resource, future in asked.items():
        try:
            kept = int(future.result(ANSWER_TIMEOUT)["delete.retention.ms"].value)
            found[resource.name] = timedelta(milliseconds=kept)
        except KafkaException as failure:
            if failure.args[0].code() not in _NOT_ALLOWED:
                raise
            found[resource.name] = TOMBSTONE_RETENTION
    return found


def apply_config(connection: Connection, changes: Iterable[Difference]) -> None:
    """Sets the entries to what the registry says. Raises Retryable."""
    entries: dict[str, list[ConfigEntry]] = {}
    for one in changes:
        entry = ConfigEntry(one.entry, one.meant, incremental_operation=AlterConfigOpType.SET)
        entries.setdefault(connection.topic(one.topic), []).append(entry)
    if not entries:
        return
    admin = connection.open_admin()
    asked = admin.incremental_alter_configs(
        [ConfigResource(ResourceType.TOPIC, name, incremental_configs=of) for name, of in entries.items()]
    )
    for resource, future in asked.items():
        _answer(future, resource.name)


def _answer(future: "Future[T]", name: str) -> T:
    try:
        return future.result(ANSWER_TIMEOUT)
    except KafkaException as failure:
        raise Retryable(f"{name}: its configuration: {failure.args[0].str()}") from None
