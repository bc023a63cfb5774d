"""What the doctor looks at in the Kafka cluster."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.cli.doctor.findings import Finding
from streams.kafka.clients import Connection
from streams.kafka.cluster_inspection import (
    PartitionReplicas,
    broker_ids,
    broker_version,
    newest_timestamp,
    partition_replicas,
)
from streams.kafka.topic_admin import partitions
from streams.kafka.topic_config import find_differences
from streams.kafka.topic_retention import with_retention
from streams.local_broker import detached
from streams.local_broker.jars import KAFKA_VERSION
from streams.settings import Settings, variable_name
from streams.topics import COMMANDS, TOPICS

OLDEST_KAFKA = (2, 5)
"""The first whose transactions carry the consumer's generation (KIP-447)."""
SAFE_REPLICAS = 3
MAX_AHEAD = timedelta(seconds=5)
"""A record this far in the future was written by a machine whose clock differs from this one's."""
MAX_SHOWN_PARTITIONS = 5


def check_brokers(connection: Connection, home: Path) -> Finding:
    """How many brokers there are, and of which version. Raises Retryable if none answers."""
    brokers, local = broker_ids(connection), detached.running(home)
    is_local = local is not None and local.bootstrap == connection.bootstrap_servers
    version = KAFKA_VERSION if is_local else broker_version(connection, brokers[0])
    return describe_brokers(connection.bootstrap_servers, len(brokers), version)


def describe_brokers(bootstrap_servers: str, count: int, version: str | None) -> Finding:
    """`version` as a broker shows it, or None."""
    shown = version or "of a version that it does not show"
    text = f"{count} broker{'s' if count > 1 else ''} at {bootstrap_servers}, Kafka {shown}"
    if version and tuple(map(int, version.split()[0].split(".")[:2])) < OLDEST_KAFKA:
        oldest = ".".join(map(str, OLDEST_KAFKA))
        return Finding("kafka", "wrong", text, f"have {oldest} or newer: transactions are not safe before it")
    return Finding("kafka", "ok", text)


def check_topics(connection: Connection, settings: Settings) -> list[Finding]:
    """Whether all topics are there, with as many partitions as each other and kept as they should be."""
    found = partitions(connection)
    where = f"the prefix {connection.prefix!r}"
    if len(found) < len(TOPICS):
        text = f"{len(found) or 'none'} of {len(TOPICS)} are there with {where}"
        prefix = variable_name("topic_prefix")
        remedy = (
            f"`loyalty topics create`, or set {prefix}: `loyalty topics list` names others that are there"
        )
        return [Finding("topics", "wrong", text, remedy)]
    misfits = [
        f"{connection.topic(topic)} has {found[topic.name]} partitions, expected {expected}"
        for topic in TOPICS
        if found[topic.name] != (expected := topic.partitions or found[COMMANDS.name])
    ]
    if misfits:
        remedy = f"delete the topic, or set {variable_name('topic_prefix')} to begin with new topics"
        return [Finding("topics", "wrong", "\n".join(misfits), remedy)]
    text = f"all {len(TOPICS)} are there with {where}, {found[COMMANDS.name]} partitions"
    return [Finding("topics", "ok", text), _check_topic_settings(connection, settings)]


def _check_topic_settings(connection: Connection, settings: Settings) -> Finding:
    different = find_differences(connection, with_retention(settings.retention))
    if not different:
        return Finding("topics' settings", "ok", "the cluster keeps topics as the registry says")
    changes = (f"{connection.topic(d.topic)}: {d.entry} is {d.found}, expected {d.meant}" for d in different)
    return Finding("topics' settings", "wrong", "\n".join(changes), "`loyalty topics apply` sets them")


def check_replicas(connection: Connection) -> Finding:
    """Whether each partition has its replicas in sync, and enough of them for the loss of one broker."""
    return describe_replicas(list(partition_replicas(connection, TOPICS)), len(broker_ids(connection)))


def describe_replicas(found: list[PartitionReplicas], brokers: int) -> Finding:
    """`found` has at least one partition."""
    behind = [
        f"{one.topic}[{one.partition}] has {one.in_sync} of {one.replicas} replicas in sync"
        for one in found
        if one.in_sync < one.replicas
    ]
    if behind:
        rest = len(behind) - MAX_SHOWN_PARTITIONS
        lines = behind[:MAX_SHOWN_PARTITIONS] + ([f"and {rest} more"] if rest > 0 else [])
        remedy = "look at the brokers: one is away, or too slow"
        return Finding("replicas", "wrong", "\n".join(lines), remedy)
    fewest = min(one.replicas for one in found)
    text = f"each partition has {fewest} or more, all in sync"
    if fewest >= SAFE_REPLICAS:
        return Finding("replicas", "ok", text)
    if brokers < SAFE_REPLICAS:
        remedy = "this is enough to try things out; to survive the loss of a machine, have three brokers"
        return Finding("replicas", "advice", text, remedy)
    remedy = f"set {variable_name('replication')}=3 for new topics, and reassign those that are there"
    return Finding("replicas", "advice", text, remedy)


def check_clock(connection: Connection) -> Finding:
    """Whether records bear times of the future, which shows that the machines' clocks differ."""
    count = partitions(connection, (COMMANDS,))[COMMANDS.name]
    newest = newest_timestamp(connection, COMMANDS, count)
    return describe_clock(connection.topic(COMMANDS), newest, datetime.now(UTC))


def describe_clock(topic: str, newest: datetime | None, now: datetime) -> Finding:
    """`newest`: the latest time that a record of the topic bears."""
    here = f"this machine's is {now:%Y-%m-%d %H:%M:%S} UTC"
    if newest and newest - now > MAX_AHEAD:
        ahead = (newest - now).total_seconds()
        text = f"{here}, and the newest record of {topic} is {ahead:,.0f} s ahead of it"
        return Finding("clock", "wrong", text, "have all machines keep their time by NTP")
    return Finding("clock", "ok", f"{here}, and no record of {topic} is ahead of it")
