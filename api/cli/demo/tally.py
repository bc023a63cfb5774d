"""What the pipeline writes, followed from outside and counted."""

from collections import Counter
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.codec import avro
from streams.kafka.clients import Connection
from streams.kafka.consumer_offsets import read_watermarks
from streams.kafka.transient_errors import is_transient
from streams.rejections import CommandRejected, PoisonRecord
from streams.stages.commands import MESSAGES
from streams.topics import (
    ATTEMPTS,
    COMMANDS,
    DELIVERIES,
    IDENTITY_REQUESTS,
    POISON,
    REJECTIONS,
    WEBHOOK_EVENTS,
    Topic,
)

FOLLOWED = (COMMANDS, IDENTITY_REQUESTS, WEBHOOK_EVENTS, REJECTIONS, POISON, DELIVERIES, ATTEMPTS)
ANSWERS_WITHIN = 10.0
_BATCH = 5000
_MESSAGES = {kind.__name__ for kind in MESSAGES}
Kind = tuple[str, bool]
"""A delivery's event name, and whether its body is legacy."""


class TopicTally:
    """Counts only what is committed, from the beginning of the topics."""

    def __init__(self, connection: Connection, partitions: int) -> None:
        self.kinds: dict[str, Counter[str]] = {topic.name: Counter() for topic in FOLLOWED}
        """By topic, records by the name of their schema."""
        self.deliveries: dict[str, Kind] = {}
        self.delivered: set[str] = set()
        self.given_up: set[str] = set()
        self.attempts: Counter[str] = Counter()
        self.rejections: list[CommandRejected] = []
        self.poison: list[PoisonRecord] = []
        self._names = {connection.topic(topic): topic.name for topic in FOLLOWED}
        self._places = [
            TopicPartition(name, number, 0) for name in self._names for number in range(partitions)
        ]
        self._next: dict[tuple[str, int], int] = {(p.topic, p.partition): 0 for p in self._places}
        self._reached = dict(self._next)
        self._consumer = connection.open_consumer(
            **{"group.id": f"{connection.prefix}tally", "enable.partition.eof": True}
            | {"fetch.wait.max.ms": 50}
        )
        self._consumer.assign(self._places)

    def close(self) -> None:
        self._consumer.close()

    @property
    def under_way(self) -> int:
        """Deliveries that have not come to their end."""
        return len(self.deliveries) - len(self.delivered) - len(self.given_up)

    @property
    def played(self) -> Counter[str]:
        """Records of the commands topic that are no stage's messages to another."""
        kinds = self.kinds[COMMANDS.name]
        return Counter({name: count for name, count in kinds.items() if name not in _MESSAGES})

    def next_offsets(self, topic: str) -> list[TopicPartition]:
        """After the last record seen in each partition of the topic, named as in the cluster."""
        return [TopicPartition(t, n, offset) for (t, n), offset in self._next.items() if t == topic]

    def read(self, timeout: float) -> None:
        """Count what has come, waiting at most `timeout` seconds for it."""
        self._count(self._consumer.consume(_BATCH, timeout))

    def has_all(self, topics: Iterable[Topic]) -> bool:
        """Whether everything was counted that stands in these topics now."""
        names = {topic.name for topic in topics}
        return all(
            self._reached[p.topic, p.partition] >= read_watermarks(self._consumer, p, ANSWERS_WITHIN)[1]
            for p in self._places
            if self._names[p.topic] in names
        )

    def _count(self, messages: Iterable[Message]) -> None:
        for message in messages:
            error, offset = message.error(), message.offset() or 0
            place = message.topic() or "", message.partition() or 0
            if error is None:
                self._next[place] = self._reached[place] = offset + 1
                self._record(self._names[place[0]], message)
            elif error.code() == KafkaError._PARTITION_EOF:
                # Transactions leave markers at the end, which are never delivered.
                self._reached[place] = max(self._reached[place], offset)
            elif not is_transient(error):
                raise KafkaException(error)

    def _record(self, topic: str, message: Message) -> None:
        header = dict(message.headers() or []).get(avro.HEADER)
        schema = header.decode() if isinstance(header, bytes) else header
        self.kinds[topic][(schema or "none").rpartition(".v")[0]] += 1
        if topic == REJECTIONS.name:
            self.rejections.append(avro.decode(CommandRejected, message.value(), schema))
        elif topic == POISON.name:
            self.poison.append(avro.decode(PoisonRecord, message.value(), schema))
        elif topic in (DELIVERIES.name, ATTEMPTS.name):
            _, tree = avro.decode_tree(message.value(), schema)
            self._delivery(tree) if topic == DELIVERIES.name else self._attempt(tree)

    def _delivery(self, tree: avro.Tree) -> None:
        self.deliveries[tree["delivery_id"]] = tree["event_name"], tree["legacy"]

    def _attempt(self, tree: avro.Tree) -> None:
        self.attempts[tree["outcome"]] += 1
        ends = {"delivered": self.delivered, "dead": self.given_up}.get(tree["outcome"])
        if ends is not None:
            ends.add(tree["delivery_id"])
