"""What became of the commands that this process sent, read from the topics; no worker is asked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from confluent_kafka import (
    OFFSET_INVALID,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from streams.codec import avro
from streams.domain.events import TransactionMatched, TransactionUnmatched
from streams.errors import Poison, Retryable
from streams.kafka.clients import READ_TO_END, Connection
from streams.kafka.cluster import Admin, Consumer
from streams.kafka.compacted_view import end_offset
from streams.kafka.group_offsets import GroupOffsets
from streams.kafka.offsets import PartitionOffsets
from streams.kafka.records import record_of
from streams.kafka.topic_admin import partitions
from streams.kafka.transient_errors import is_transient
from streams.kafka.unreadable_batches import skip_unreadable
from streams.rejections import CommandRejected, LateRejection, PoisonRecord
from streams.stages.context import Record
from streams.topics import COMMANDS, EVENTS, IDENTITY_REQUESTS, POISON, REJECTIONS, Topic

ANSWER_TIMEOUT = 10.0
READ_BATCH = 5000
HANDLERS = {"loyalty": COMMANDS, "identity": IDENTITY_REQUESTS}
"""Which topic each consumer group handles."""
FOLLOWED_TOPICS = (*HANDLERS.values(), EVENTS, REJECTIONS, POISON)
INTERMEDIATE_FACTS = {TransactionMatched.__name__, TransactionUnmatched.__name__}
"""Events that do not end a command: another event or a rejection still follows."""
TopicPlace = tuple[str, int]
"""A topic's name in the registry, and a partition."""


@dataclass(slots=True)
class CommandOutcomes:
    """Create it before the commands are sent: it reads from each topic's present end. Raises Retryable."""

    connection: Connection
    wanted: frozenset[str]
    """The ids of the commands that are sent."""
    accepted: set[str] = field(default_factory=set)
    """Ids of the commands that led to events."""
    refused: dict[str, LateRejection] = field(default_factory=dict)
    _last_unhandled: dict[TopicPlace, int] = field(default_factory=dict)
    """By partition, the offset of the last of our records that a group has to handle."""
    _positions: dict[TopicPlace, int] = field(default_factory=dict)
    _consumer: Consumer = field(init=False)
    _admin: Admin = field(init=False)
    _onlookers: dict[str, GroupOffsets] = field(init=False)
    _offsets: PartitionOffsets = field(init=False)

    def __post_init__(self) -> None:
        group = f"{self.connection.prefix}outcomes"
        self._admin = self.connection.open_admin()
        self._onlookers = {group: GroupOffsets(self.connection, group) for group in HANDLERS}
        self._offsets = PartitionOffsets(self.connection, ANSWER_TIMEOUT)
        self._consumer = self.connection.open_consumer(**READ_TO_END, **{"group.id": group})
        counts = partitions(self.connection, FOLLOWED_TOPICS, self._admin)
        places = [(topic.name, n) for topic in FOLLOWED_TOPICS for n in range(counts[topic.name])]
        with _raise_retryable():
            self._positions = {
                place: end_offset(self._consumer, self._partition_at(place)) for place in places
            }
        self._consumer.assign(
            [self._partition_at(place, offset) for place, offset in self._positions.items()]
        )

    def close(self) -> None:
        self._consumer.close()
        for onlooker in self._onlookers.values():
            onlooker.close()

    def sent(self, topic: Topic, partition: int, offset: int) -> None:
        """Notes where one of the commands was appended."""
        self._note_unhandled((topic.name, partition), offset)

    @property
    def answered(self) -> int:
        return len(self.accepted | self.refused.keys())

    @property
    def unanswered(self) -> frozenset[str]:
        return self.wanted - self.accepted - self.refused.keys()

    def read(self, seconds: float) -> None:
        """Reads whatever arrives within about `seconds`."""
        for message in skip_unreadable(
            self.connection, self._consumer, self._consumer.consume(READ_BATCH, seconds)
        ):
            self._take_message(message)

    def over(self) -> bool:
        """Whether all sent commands are handled and everything that they led to is read.

        A command that is unanswered then was handled before and changed nothing. The exception: a command
        that waits until another producer's command to the same member has got its identifiers.
        """
        with _raise_retryable():
            if any(offset >= committed for offset, committed in self._handling_progress()):
                return False
            # A worker commits offsets and results in one transaction: the results lie before these ends.
            known, ends = dict(self._last_unhandled), self._end_offsets()
        until = time.monotonic() + ANSWER_TIMEOUT
        while any(self._positions[place] < end for place, end in ends.items()):
            if time.monotonic() > until:
                return False
            self.read(0.1)
        return self._last_unhandled == known

    def _handling_progress(self) -> Iterator[tuple[int, int]]:
        """For each partition with records of ours: the last one's offset and the group's committed offset."""
        prefix = self.connection.prefix
        for group, topic in HANDLERS.items():
            ours = {
                (prefix + name, n): last
                for (name, n), last in self._last_unhandled.items()
                if name == topic.name
            }
            found = self._onlookers[group].committed(ours, ANSWER_TIMEOUT)
            yield from ((last, found[place]) for place, last in ours.items())

    def _end_offsets(self) -> dict[TopicPlace, int]:
        # The ends include open transactions: our results may lie behind those of others.
        prefix = self.connection.prefix
        found = self._offsets.ends([(prefix + topic, number) for topic, number in self._positions])
        return {(topic.removeprefix(prefix), number): end for (topic, number), end in found.items()}

    def _partition_at(self, place: TopicPlace, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self.connection.prefix + place[0], place[1], offset)

    def _take_message(self, message: Message) -> None:
        place = (message.topic() or "").removeprefix(self.connection.prefix), message.partition() or 0
        error, offset = message.error(), message.offset() or 0
        if error is None:
            self._positions[place] = offset + 1
            self._take_record(place, record_of(message, place[0]))
        elif error.code() == KafkaError._PARTITION_EOF:
            # Transaction markers at the end of a partition are never delivered.
            self._positions[place] = max(self._positions[place], offset)
        elif not is_transient(error):
            raise Retryable(f"{place[0]} cannot be read: {error.str()}")

    def _take_record(self, place: TopicPlace, record: Record) -> None:
        try:
            name, tree = avro.decode_tree(record.value, record.schema)
        except Poison:
            return
        command_id = _command_id(name, tree)
        if command_id not in self.wanted:
            return
        if name == CommandRejected.__name__:
            self.refused[command_id] = LateRejection(
                tree["command"], tree["field"], tree["value"], tree["reason"]
            )
        elif name == PoisonRecord.__name__:
            self.refused[command_id] = LateRejection(
                "", "line", "", f"was put aside as poison: {tree['cause']}"
            )
        elif place[0] != EVENTS.name:
            self._note_unhandled(place, record.offset)
        elif name not in INTERMEDIATE_FACTS:
            self.accepted.add(command_id)

    def _note_unhandled(self, place: TopicPlace, offset: int) -> None:
        self._last_unhandled[place] = max(self._last_unhandled.get(place, -1), offset)


@contextmanager
def _raise_retryable() -> Iterator[None]:
    try:
        yield
    except KafkaException as failure:
        raise Retryable(f"the cluster does not say how far it is: {failure.args[0].str()}") from None


def _command_id(name: str, tree: avro.Tree) -> str | None:
    """The id of the command that the record is about, also inside a poison record or an addressed command."""
    if name == PoisonRecord.__name__:
        return _inner_command_id(
            tree["value"], tree["headers"].get(avro.HEADER, b"").decode(errors="replace")
        )
    if name == "AddressedCommand":
        return _inner_command_id(tree["command"], tree["schema"])
    found: str | None = tree.get("command_id")
    return found


def _inner_command_id(value: bytes | None, schema: str) -> str | None:
    try:
        return _command_id(*avro.decode_tree(value, schema))
    except Poison:
        return None
