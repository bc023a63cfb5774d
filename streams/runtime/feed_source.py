"""This module opens the consumer of a feed under the identity of this process."""

from dataclasses import dataclass
from pathlib import Path

from streams.kafka.clients import Connection
from streams.kafka.cluster import Consumer


@dataclass(frozen=True, slots=True)
class Instance:
    """Who this process is to Kafka: kept over restarts, so that a restart moves nothing and a predecessor
    that is still alive is fenced."""

    group: str
    instance: str
    directory: Path
    session_timeout: int
    transaction_timeout: int


def open_source(connection: Connection, who: Instance, limit: int) -> Consumer:
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
