"""What became of commands that this process sent: followed from outside, without a word to the workers."""

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
from streams.kafka.clients import Connection
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
"""By the consumer group, what is handled there."""
FOLLOWED_TOPICS = (*HANDLERS.values(), EVENTS, REJECTIONS, POISON)
INTERMEDIATE_FACTS = {TransactionMatched.__name__, TransactionUnmatched.__name__}
"""Facts after which a member, or a refusal, still has to follow."""
TopicPlace = tuple[str, int]
"""A topic, as the registry names it, and a partition."""


@dataclass(slots=True)
class Outcomes:
    """To be made before the commands are sent: what comes from then on is read. Raises Retryable."""

    connection: Connection
    wanted: frozenset[str]
    """Their command ids."""
    accepted: set[str] = field(default_factory=set)
    """Ids of commands of which there are facts."""
    refused: dict[str, LateRejection] = field(default_factory=dict)
    _last: dict[TopicPlace, int] = field(default_factory=dict)
    """Where the last record stands that is about our commands and has to be handled."""
    _reached: dict[TopicPlace, int] = field(default_factory=dict)
    _consumer: Consumer = field(init=False)
    _admin: Admin = field(init=False)
    _onlookers: dict[str, GroupOffsets] = field(init=False)
    _offsets: PartitionOffsets = field(init=False)

    def __post_init__(self) -> None:
        group = f"{self.connection.prefix}outcomes"
        self._admin = self.connection.open_admin()
        self._onlookers = {group: GroupOffsets(self.connection, group) for group in HANDLERS}
        self._offsets = PartitionOffsets(self.connection, ANSWER_TIMEOUT)
        self._consumer = self.connection.open_consumer(**{"group.id": group, "enable.partition.eof": True})
        counts = partitions(self.connection, FOLLOWED_TOPICS, self._admin)
        places = [(topic.name, n) for topic in FOLLOWED_TOPICS for n in range(counts[topic.name])]
        with _told():
            self._reached = {place: end_offset(self._consumer, self._at(place)) for place in places}
        self._consumer.assign([self._at(place, offset) for place, offset in self._reached.items()])

    def close(self) -> None:
        self._consumer.close()
        for onlooker in self._onlookers.values():
            onlooker.close()

    def sent(self, topic: Topic, partition: int, offset: int) -> None:
        """One of the commands stands there."""
        self._to_handle((topic.name, partition), offset)

    @property
    def answered(self) -> int:
        return len(self.accepted | self.refused.keys())

    @property
    def unanswered(self) -> frozenset[str]:
        return self.wanted - self.accepted - self.refused.keys()

    def read(self, seconds: float) -> None:
        """Takes what comes, for about so long."""
        for message in skip_unreadable(
            self.connection, self._consumer, self._consumer.consume(READ_BATCH, seconds)
        ):
            self._take(message)

    def over(self) -> bool:
        """Whether all that was sent has been handled, and what came of it, and all of that is read.

        What is unanswered then changed nothing: it had been handled before. Not seen through: a command that
        waits until another producer's command to the same member has got its identifiers.
        """
        with _told():
            if any(offset >= committed for offset, committed in self._progress()):
                return False
            # A worker commits its offsets together with what it wrote: that stands before these ends.
            known, ends = dict(self._last), self._ends()
        until = time.monotonic() + ANSWER_TIMEOUT
        while any(self._reached[place] < end for place, end in ends.items()):
            if time.monotonic() > until:
                return False
            self.read(0.1)
        return self._last == known

    def _progress(self) -> Iterator[tuple[int, int]]:
        """Of each place where records of ours stand: the last one's offset, and where its group is."""
        prefix = self.connection.prefix
        for group, topic in HANDLERS.items():
            ours = {(prefix + name, n): last for (name, n), last in self._last.items() if name == topic.name}
            found = self._onlookers[group].committed(ours, ANSWER_TIMEOUT)
            yield from ((last, found[place]) for place, last in ours.items())

    def _ends(self) -> dict[TopicPlace, int]:
        # Beyond transactions that are open: what our commands led to may stand behind those of others.
        prefix = self.connection.prefix
        found = self._offsets.ends([(prefix + topic, number) for topic, number in self._reached])
        return {(topic.removeprefix(prefix), number): end for (topic, number), end in found.items()}

    def _at(self, place: TopicPlace, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self.connection.prefix + place[0], place[1], offset)

    def _take(self, message: Message) -> None:
        place = (message.topic() or "").removeprefix(self.connection.prefix), message.partition() or 0
        error, offset = message.error(), message.offset() or 0
        if error is None:
            self._reached[place] = offset + 1
            self._learn(place, record_of(message, place[0]))
        elif error.code() == KafkaError._PARTITION_EOF:
            # Markers of transactions stand at the end and are never delivered.
            self._reached[place] = max(self._reached[place], offset)
        elif not is_transient(error):
            raise Retryable(f"{place[0]} cannot be read: {error.str()}")

    def _learn(self, place: TopicPlace, record: Record) -> None:
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
            self._to_handle(place, record.offset)
        elif name not in INTERMEDIATE_FACTS:
            self.accepted.add(command_id)

    def _to_handle(self, place: TopicPlace, offset: int) -> None:
        self._last[place] = max(self._last.get(place, -1), offset)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except KafkaException as failure:
        raise Retryable(f"the cluster does not say how far it is: {failure.args[0].str()}") from None


def _command_id(name: str, tree: avro.Tree) -> str | None:
    """Of the command that the record is about, in whatever it is wrapped."""
    if name == PoisonRecord.__name__:
        return _inner(tree["value"], tree["headers"].get(avro.HEADER, b"").decode(errors="replace"))
    if name == "AddressedCommand":
        return _inner(tree["command"], tree["schema"])
    found: str | None = tree.get("command_id")
    return found


def _inner(value: bytes | None, schema: str) -> str | None:
    try:
        return _command_id(*avro.decode_tree(value, schema))
    except Poison:
        return None
