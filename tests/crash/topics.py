"""What the topics hold, read as a consumer of ours would: committed records only."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from streams.codec.avro import HEADER
from streams.kafka.clients import Connection
from streams.kafka.transient_errors import is_transient
from streams.stages.context import Record
from streams.topics import Topic


class Followed:
    """Some topics from their beginning, kept as they come. `records` is by topic and partition."""

    def __init__(self, connection: Connection, topics: Iterable[Topic], partitions: int) -> None:
        self.records: dict[str, dict[int, list[Record]]] = {}
        self._names = {connection.topic(topic): topic.name for topic in topics}
        self._ends: dict[tuple[str, int], int] = {}
        self._consumer = Consumer(
            connection.consumer(**{"group.id": "crash-verdict", "enable.partition.eof": True})
        )
        places = [(name, number) for name in self._names for number in range(partitions)]
        self._consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for name, number in places])
        for name in self._names.values():
            self.records[name] = {number: [] for number in range(partitions)}

    def count(self, topic: Topic) -> int:
        return sum(map(len, self.records[topic.name].values()))

    def read(self, seconds: float) -> int:
        """Take what comes within `seconds`; returns how many records that was."""
        taken, until = 0, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            taken += sum(self._take(message) for message in self._consumer.consume(1000, min(left, 0.2)))
        return taken

    def read_to_end(self, within: float = 30.0) -> None:
        """All that is there now. Raises TimeoutError."""
        ends = {place: self._end(*place) for place in self._places()}
        until = time.monotonic() + within
        while any(self._position(place) < end for place, end in ends.items()):
            if time.monotonic() > until:
                raise TimeoutError(f"not read to the end within {within:g} s: {ends}")
            self.read(0.2)

    def _places(self) -> list[tuple[str, int]]:
        return [(name, number) for name, short in self._names.items() for number in self.records[short]]

    def _end(self, name: str, number: int) -> int:
        return self._consumer.get_watermark_offsets(TopicPartition(name, number), 10)[1]

    def _position(self, place: tuple[str, int]) -> int:
        name, number = place
        last = self.records[self._names[name]][number][-1:]
        return max(self._ends.get(place, 0), last[0].offset + 1 if last else 0)

    def _take(self, message: Message) -> bool:
        error, place = message.error(), (message.topic() or "", message.partition() or 0)
        if error is None:
            self.records[self._names[place[0]]][place[1]].append(_record(message, self._names[place[0]]))
        elif error.code() == KafkaError._PARTITION_EOF:
            # Markers of transactions stand at the end and are never delivered.
            self._ends[place] = message.offset() or 0
        elif not is_transient(error):
            raise RuntimeError(f"{place}: {error.str()}")
        return error is None

    def close(self) -> None:
        self._consumer.close()


def _record(message: Message, topic: str) -> Record:
    headers = {
        name: value.encode() if isinstance(value, str) else value or b""
        for name, value in dict(message.headers() or ()).items()
    }
    return Record(
        topic, message.partition() or 0, message.offset() or 0, message.key(), message.value(), headers
    )


Grouped = dict[str, list[Record]]


def grouped(records: Iterable[Record], key: Callable[[Record], str]) -> Grouped:
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[key(record)].append(record)
    return dict(found)


def schema(record: Record) -> str | None:
    return record.headers[HEADER].decode() if HEADER in record.headers else None
