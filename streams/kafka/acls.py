"""The rights that each process needs in the cluster, as Kafka's ACLs, and no more.

tests/kafka/test_secured.py runs every process and command with these alone, on a broker that asks for them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from streams import topics
from streams.kafka.clients import Connection
from streams.topics import CHANGELOGS, Topic

Role = Literal["worker", "sink", "api", "producer", "operator"]
ROLES: Sequence[Role] = ("worker", "sink", "api", "producer", "operator")
"""`producer`: whoever appends commands. `operator`: whoever runs the other commands of `loyalty`."""
ResourceKind = Literal["Topic", "Group", "TransactionalId", "Cluster"]


@dataclass(frozen=True, slots=True)
class Acl:
    """The right to do `operations` (as Kafka spells them: Read, DescribeConfigs) with a resource.
    `prefixed`: with all whose name begins with `name`."""

    kind: ResourceKind
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False


_LOYALTY_TABLES = (*topics.VERSIONED_TABLES, "identifiers", "batches")
_SINK_TABLES = ("pending", "endpoints")
_READERS = ("reader", "restore", "view")
"""Names that clients have without being in a group: Kafka asks who coordinates it all the same."""
_CONTROL = (
    topics.SUBSCRIPTIONS,
    topics.SETTINGS,
    topics.ADMINS,
    topics.API_KEYS,
    topics.SIGN_OUTS,
    topics.REPLAYS,
    topics.REPLAY_PROGRESS,
)


def acls(connection: Connection, role: Role) -> list[Acl]:
    """What a user needs who runs `role`, in the order in which it is printed."""
    prefix = connection.prefix
    everywhere = Acl("Topic", prefix, ("Describe",), prefixed=True)
    match role:
        case "worker":
            return [
                everywhere,
                *_read(connection, topics.COMMANDS, topics.IDENTITY_REQUESTS, topics.WEBHOOK_EVENTS),
                *_read(connection, topics.SETTINGS, topics.SUBSCRIPTIONS, topics.GENERATIONS),
                *_write(connection, topics.COMMANDS, topics.IDENTITY_REQUESTS, topics.EVENTS),
                *_write(connection, topics.ERASURES, topics.WEBHOOK_EVENTS, topics.REJECTIONS),
                *_write(connection, topics.DELIVERIES, topics.POISON),
                *_tables(connection, _LOYALTY_TABLES),
                *_groups(prefix, "loyalty", "identity", "fan-out"),
                *(Acl("Group", f"{prefix}{group}", ("Describe",)) for group in _READERS),
            ]
        case "sink":
            return [
                everywhere,
                *_read(connection, topics.DELIVERIES, topics.SUBSCRIPTIONS, topics.GENERATIONS),
                *_write(
                    connection, topics.ATTEMPTS, topics.DEAD_LETTERS, topics.ENDPOINT_STATUS, topics.POISON
                ),
                *_tables(connection, _SINK_TABLES),
                *_groups(prefix, "sink"),
                *(Acl("Group", f"{prefix}{group}", ("Describe",)) for group in _READERS),
            ]
        case "api":
            return [
                Acl("Topic", prefix, ("Describe", "DescribeConfigs", "Read"), prefixed=True),
                *_write(connection, topics.COMMANDS, topics.IDENTITY_REQUESTS, topics.AUDIT, *_CONTROL),
                *_write(connection, topics.DELIVERIES, topics.REDRIVEN),
                Acl("Group", prefix, ("Delete", "Describe", "Read"), prefixed=True),
                Acl("TransactionalId", prefix, ("Describe", "Write"), prefixed=True),
            ]
        case "producer":
            return list(_write(connection, topics.COMMANDS, describes=True))
        case "operator":
            every = ("Create", "Describe", "DescribeConfigs", "AlterConfigs", "Read", "Write")
            return [
                Acl("Topic", prefix, every, prefixed=True),
                Acl("Group", prefix, ("Delete", "Describe", "Read"), prefixed=True),
                Acl("TransactionalId", prefix, ("Describe", "Write"), prefixed=True),
                # `loyalty doctor` asks how the brokers are configured.
                Acl("Cluster", "kafka-cluster", ("DescribeConfigs",)),
            ]


def _read(connection: Connection, *which: Topic) -> Iterator[Acl]:
    return (Acl("Topic", connection.topic(topic), ("Read",)) for topic in which)


def _write(connection: Connection, *which: Topic, describes: bool = False) -> Iterator[Acl]:
    operations = ("Describe", "Write") if describes else ("Write",)
    return (Acl("Topic", connection.topic(topic), operations) for topic in which)


def _tables(connection: Connection, tables: Iterable[str]) -> Iterator[Acl]:
    """Changelogs. The name of one that a version of the state renews goes on behind the topic's."""
    for table in tables:
        topic = CHANGELOGS[table]
        name = f"{connection.prefix}{topic.name}"
        yield Acl("Topic", name, ("DescribeConfigs", "Read", "Write"), prefixed=topic.renewed)


def _groups(prefix: str, *groups: str) -> Iterator[Acl]:
    """Consumer groups, and the transactional ids of their members, which begin with the group's name."""
    for group in groups:
        yield Acl("Group", f"{prefix}{group}", ("Describe", "Read"))
        yield Acl("TransactionalId", f"{prefix}{group}-", ("Describe", "Write"), prefixed=True)
