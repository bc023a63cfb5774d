"""Topics are made once, alike for all processes, and never with partition counts that do not fit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from streams.errors import Misconfigured, Retryable
from streams.kafka import clients, topic_admin, topic_config
from streams.kafka.clients import Connection
from streams.kafka.topic_retention import with_retention
from streams.settings import Settings
from streams.topics import CHANGELOGS, COMMANDS, DELIVERIES, EVENTS, SUBSCRIPTIONS, TOPICS, Topic
from tests.kafka.processes import finished


@pytest.fixture
def connection(settings: Settings, bootstrap_servers: str) -> Connection:
    return clients.connection(settings, bootstrap_servers)


def config_of(connection: Connection, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    client = AdminClient(connection.admin())
    found = client.describe_configs([resource])[resource].result(10)
    return {name: entry.value for name, entry in found.items()}


def test_every_topic_of_the_registry_is_created_as_it_says(
    connection: Connection, settings: Settings
) -> None:
    created = topic_admin.create_topics(connection, settings)

    assert sorted(created) == sorted(connection.topic(topic) for topic in TOPICS)
    counts = topic_admin.partitions(connection)
    assert counts["commands"] == counts["members-changelog"] == 3
    assert counts["subscriptions"] == counts["settings"] == 1
    assert config_of(connection, connection.topic(SUBSCRIPTIONS))["cleanup.policy"] == "compact"
    assert config_of(connection, connection.topic(COMMANDS))["retention.ms"] == "604800000"
    assert config_of(connection, connection.topic(EVENTS))["retention.ms"] == "-1"


def test_what_was_replaced_or_is_too_old_does_not_lie_in_a_segment_that_is_never_closed(
    connection: Connection, settings: Settings
) -> None:
    topic_admin.create_topics(connection, settings)

    assert config_of(connection, connection.topic(DELIVERIES))["segment.ms"] == "86400000"
    changelog = config_of(connection, connection.topic(CHANGELOGS["members"]))
    assert changelog["max.compaction.lag.ms"] == "604800000"
    assert config_of(connection, connection.topic(SUBSCRIPTIONS))["max.compaction.lag.ms"] == "1814400000"


def test_a_topic_is_made_to_be_kept_as_the_setting_says(connection: Connection, settings: Settings) -> None:
    topic_admin.create_topics(connection, settings.model_copy(update={"retention": ("deliveries=3d",)}))

    assert config_of(connection, connection.topic(DELIVERIES))["retention.ms"] == "259200000"


def test_topics_that_are_there_are_kept_otherwise_once_it_is_asked_for(
    connection: Connection, settings: Settings
) -> None:
    topic_admin.create_topics(connection, settings)
    shorter = settings.model_copy(update={"retention": ("deliveries=3d", "attempts=14d")})
    name = connection.topic(DELIVERIES)

    changed = f"{name}: retention.ms 7 days → 3 days"
    assert finished(shorter, "topics", "list")[1].count("in the cluster:") == 3
    code, said = finished(shorter, "topics", "apply", "--dry-run")
    assert (code, changed in said, said.splitlines()[-1]) == (0, True, "2 topics would be changed")
    assert config_of(connection, name)["retention.ms"] == "604800000"

    assert finished(shorter, "topics", "apply")[1].splitlines()[-1] == "2 topics were changed"

    assert config_of(connection, name)["retention.ms"] == "259200000"
    assert topic_config.find_differences(connection, with_retention(shorter.retention)) == []
    assert topic_config.topic_retention(connection, DELIVERIES) == timedelta(days=3)


def test_a_cluster_without_topics_is_listed_with_what_to_do(
    connection: Connection, settings: Settings
) -> None:
    other = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}other."})
    code, said = finished(settings, "topics", "list")
    topic_admin.create_topics(clients.connection(other, connection.bootstrap_servers), other)
    with_another, names = finished(settings, "topics", "list")

    assert (code, said.count("missing")) == (0, len(TOPICS) + 1)
    assert f"none of the {len(TOPICS)} topics with the prefix {settings.topic_prefix!r}" in said
    assert (with_another, "Topics of other systems are there, with the prefix" in names) == (0, True)
    assert topic_admin.partitions(connection) == {}


def test_creating_them_again_changes_nothing(connection: Connection, settings: Settings) -> None:
    topic_admin.create_topics(connection, settings)

    assert topic_admin.create_topics(connection, settings) == []


def test_processes_that_create_them_at_once_do_not_hinder_each_other(
    connection: Connection, settings: Settings
) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(topic_admin.create_topics, connection, settings) for _ in range(4)]
        created = [name for run in runs for name in run.result(60)]

    assert sorted(created) == sorted(connection.topic(topic) for topic in TOPICS)


def test_a_topic_added_later_fits_those_that_exist(connection: Connection, settings: Settings) -> None:
    topic_admin.create_topics(connection, settings, (COMMANDS,))

    topic_admin.create_topics(connection, settings.model_copy(update={"partitions": 7}), (COMMANDS, EVENTS))

    assert topic_admin.partitions(connection, (COMMANDS, EVENTS)) == {"commands": 3, "events": 3}


@pytest.mark.parametrize(
    ("topic", "made", "expected"), [(EVENTS, 2, "expected 3"), (SUBSCRIPTIONS, 2, "expected 1")]
)
def test_partition_counts_that_do_not_fit_are_refused(
    connection: Connection, settings: Settings, topic: Topic, made: int, expected: str
) -> None:
    name = connection.topic(topic)
    client = AdminClient(connection.admin())
    client.create_topics([NewTopic(name, made)])[name].result(10)
    topic_admin.create_topics(connection, settings, (COMMANDS,))

    with pytest.raises(Misconfigured) as refused:
        topic_admin.create_topics(connection, settings, (COMMANDS, topic))

    assert f"Topic {name} has 2 partitions, {expected}" in str(refused.value)


def test_more_replicas_than_brokers_names_the_setting(connection: Connection, settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="LOYALTY_REPLICATION=9"):
        topic_admin.create_topics(connection, settings.model_copy(update={"replication": 9}), (COMMANDS,))


def test_a_cluster_that_is_away_may_come_back(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_admin, "ANSWER_TIMEOUT", 0.5)

    with pytest.raises(Retryable, match=r"No Kafka answers at 127.0.0.1:1"):
        topic_admin.partitions(replace(connection, bootstrap_servers="127.0.0.1:1"))


def test_a_file_of_properties_reaches_every_client(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text("# tuning\nlinger.ms = 40\n\nisolation.level=read_uncommitted\n")

    made = clients.connection(settings.model_copy(update={"kafka_config": file}), "broker:9092")

    assert made.producer()["linger.ms"] == "40"
    # librdkafka's own 1,000 ms let a reader with a short queue sleep most of its time.
    assert made.consumer(**{"queued.min.messages": 10})["fetch.queue.backoff.ms"] == 5
    # What the guarantees hang on is not for tuning.
    assert made.consumer()["isolation.level"] == "read_committed"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("security.protocol=ssl\nsasl.password hunter2\n", "line 2: must be key=value"),
        ("\nlinger.mss=1\n", 'line 2: No such configuration property: "linger.mss"'),
        ("security.protocol=tls\n", 'line 1: Invalid value "tls" for configuration property'),
    ],
)
def test_a_faulty_line_is_named_and_never_shown(
    settings: Settings, tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text(text)

    with pytest.raises(Misconfigured) as refused:
        clients.connection(settings.model_copy(update={"kafka_config": file}), "broker:9092")

    assert str(refused.value).startswith(str(file))
    assert complaint in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_missing_file_of_properties_names_the_setting(settings: Settings, tmp_path: Path) -> None:
    gone = tmp_path / "gone.properties"

    with pytest.raises(Misconfigured, match=r"LOYALTY_KAFKA_CONFIG=.*gone.properties.*No such file"):
        clients.connection(settings.model_copy(update={"kafka_config": gone}), "broker:9092")


def test_secrets_do_not_show_when_a_connection_is_printed() -> None:
    assert "hunter2" not in repr(Connection("broker:9092", "", {"sasl.password": "hunter2"}))
