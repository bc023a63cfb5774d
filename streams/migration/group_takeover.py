"""Takes the workers' place in their consumer group while the state changes, and handles nothing there."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicPartition

from streams.errors import Misconfigured, Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import REAL_CLUSTER, Consumer
from streams.kafka.consumer_offsets import list_partitions, position
from streams.kafka.group_members import GroupDescriber
from streams.kafka.log_reader import outage_as_retryable
from streams.kafka.transient_errors import is_transient
from streams.settings import Settings
from streams.topics import COMMANDS

ANSWER_TIMEOUT = 30.0
LOOKED_EVERY, BRIEF = 0.2, 0.05
# Seconds beyond the session's for which the group may take to notice that a worker has gone.
NOTICE_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class GroupTakeover:
    """Who holds all partitions of the group, as of one moment, and where the group stands. What `member`
    commits is refused once anybody else has come into the group."""

    member: object
    offsets: tuple[TopicPartition, ...]


def list_members(groups: GroupDescriber, group: str) -> list[str]:
    """Who is in the group, dead ones whose session goes on among them. Raises Retryable."""
    found = groups.members([group], ANSWER_TIMEOUT)[group]
    return sorted(f"{m.instance or m.client} ({m.host})" for m in found)


def evict_members(connection: Connection, settings: Settings, group: str) -> None:
    """Comes in the place of each who is in the group, by the same name, and leaves at once: no session is
    waited for, and one who lives all the same cannot commit any more, and ends."""
    with GroupDescriber(connection) as groups:
        _evict(connection, settings, groups, group)


def _evict(connection: Connection, settings: Settings, groups: GroupDescriber, group: str) -> None:
    names = [m.instance for m in groups.members([group], ANSWER_TIMEOUT)[group] if m.instance]
    came: set[str] = set()
    consumers = [_consumer(connection, settings, group, **{"group.instance.id": name}) for name in names]
    try:
        for name, consumer in zip(names, consumers, strict=True):
            consumer.subscribe([connection.topic(COMMANDS)], on_assign=_noted(came, name))
        until = time.monotonic() + settings.session_timeout
        while len(came) < len(names) and time.monotonic() < until:
            for consumer in consumers:
                consumer.poll(BRIEF)
        # Only who says so before the end leaves: one that merely closes keeps its place.
        for consumer in consumers:
            consumer.unsubscribe()
        while list_members(groups, group) and time.monotonic() < until:
            for consumer in consumers:
                consumer.poll(BRIEF)
    finally:
        for consumer in consumers:
            consumer.close()


def _noted(came: set[str], name: str) -> Callable[[Consumer, list[TopicPartition]], None]:
    def assigned(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        consumer.pause(partitions)
        came.add(name)

    return assigned


def _consumer(connection: Connection, settings: Settings, group: str, **more: str) -> Consumer:
    own = {
        "group.id": group,
        "session.timeout.ms": settings.session_timeout * 1000,
        # As the workers'.
        "partition.assignment.strategy": "range",
    }
    return connection.open_consumer(**own, **more)


def await_vacancy(
    connection: Connection, settings: Settings, group: str, waiting: Callable[[list[str]], None]
) -> None:
    """Returns when nobody is in the group. A worker that ends keeps its place for its session's time, to have
    the same partitions when it comes again. `waiting` is called meanwhile, with those who are there.

    Raises Misconfigured where somebody is still there after that.
    """
    until = time.monotonic() + settings.session_timeout + NOTICE_TIMEOUT
    with GroupDescriber(connection) as groups:
        while there := list_members(groups, group):
            if time.monotonic() > until:
                raise Misconfigured(
                    f"not switched: workers still run: {', '.join(there)}: stop them, and run it again"
                )
            waiting(there)
            time.sleep(LOOKED_EVERY)


@contextmanager
def take_over_group(connection: Connection, settings: Settings, group: str) -> Iterator[GroupTakeover]:
    """Holds all partitions while the block runs: whoever had them before cannot commit any more. Raises
    Retryable where somebody else comes into the group first."""
    consumer = _consumer(connection, settings, group)
    over = threading.Event()
    polling = threading.Thread(target=_poll, args=(consumer, over), name="seat", daemon=True)
    try:
        with outage_as_retryable(group):
            places = _seated(consumer, connection.topic(COMMANDS))
            # As it is now: what Kafka would say later may be of a group into which somebody has come.
            member = consumer.consumer_group_metadata()
            patience = settings.transaction_timeout + ANSWER_TIMEOUT
            offsets = tuple(
                TopicPartition(p.topic, p.partition, position(connection.cluster, consumer, p, patience))
                for p in places
            )
        polling.start()
        yield GroupTakeover(member, offsets)
    finally:
        over.set()
        if polling.ident:
            polling.join()
        consumer.close()


def _seated(consumer: Consumer, topic: str) -> list[TopicPartition]:
    """All partitions of the topic, once they are ours."""
    every = list_partitions(REAL_CLUSTER, consumer, topic, ANSWER_TIMEOUT)
    ours: list[TopicPartition] = []

    def assigned(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        ours[:] = partitions
        consumer.assign(partitions)
        consumer.pause(partitions)

    consumer.subscribe([topic], on_assign=assigned)
    until = time.monotonic() + ANSWER_TIMEOUT
    while not ours:
        message = consumer.poll(LOOKED_EVERY)
        if message is not None and (error := message.error()) and not is_transient(error):
            raise KafkaException(error)
        if time.monotonic() > until:
            raise Retryable(f"the group does not let us in within {ANSWER_TIMEOUT:g} s: run it again")
    if len(ours) < len(every):
        raise Retryable("not switched: a worker was started meanwhile: stop it, and run it again")
    return [TopicPartition(topic, place.partition) for place in ours]


def _poll(consumer: Consumer, over: threading.Event) -> None:
    """Nothing comes of paused partitions; but who does not ask is taken for dead."""
    while not over.is_set():
        consumer.poll(LOOKED_EVERY)
