"""Counts the records between two offsets, without transaction markers, which take offsets too.

At most the last MAX_TAIL_RECORDS new offsets of a partition are read. The count is exact when that is all,
and otherwise estimated from the share of records among them.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Consumer
from streams.kafka.offsets import Place
from streams.kafka.transient_errors import is_transient
from streams.kafka.unreadable_batches import skip_unreadable

MAX_TAIL_RECORDS = 100
READ_TIMEOUT = 5.0
_IDLE = 0.2


@dataclass(slots=True)
class PartitionCount:
    """Of a partition. `next`: the offset after its last record."""

    low: int
    end: int
    next: int
    kept: int = 0
    appended: int = 0
    """Since it was first looked at."""
    share: float = 1.0
    """Of its last offsets, how many are records."""

    def between(self, start: int, end: int) -> int:
        """About how many records; one at least where there is any."""
        return max(1, round((end - start) * self.share)) if start < end else 0

    def left(self, committed: int) -> int:
        """How many a reader has before it that stands there; negative: it has not begun."""
        return self.between(max(committed, self.low), self.next)

    def _removed(self, low: int) -> None:
        """What is no longer kept has gone evenly."""
        if self.end > self.low:
            self.kept -= round(self.kept * (low - self.low) / (self.end - self.low))
        self.low = low

    def moved(self, low: int, end: int, start: int, offsets: Iterable[int], *, first: bool) -> None:
        """It has come to `end`; from `start` on there are records at `offsets`."""
        found = sorted(offsets)
        before = low if first else self.end
        self.share = len(found) / (end - start) if end > start else self.share
        came = len(found) if start <= before else round((end - before) * self.share)
        if not first:
            self._removed(low)
            self.appended += came
        self.kept = max(0, self.kept + came)
        self.next = found[-1] + 1 if found else self.next
        self.end = end


@dataclass(slots=True)
class RecordCounts:
    """The counts of many partitions, updated by a consumer of their own."""

    connection: Connection
    consumer: Consumer
    of: dict[Place, PartitionCount] = field(default_factory=dict)

    def look(self, bounds: Mapping[Place, tuple[int, int]]) -> None:
        """`bounds`: where each begins and ends now. Raises Retryable, KafkaException."""
        for place in [place for place, tail in self.of.items() if tail.end > bounds[place][1]]:
            # It is another topic by the same name.
            del self.of[place]
        starts = {
            place: max(low, end - MAX_TAIL_RECORDS, self.of[place].end if place in self.of else low)
            for place, (low, end) in bounds.items()
            if place not in self.of or self.of[place].end != end
        }
        found = self._read({place: (start, bounds[place][1]) for place, start in starts.items()})
        for place, start in starts.items():
            low, end = bounds[place]
            first = place not in self.of
            tail = self.of.setdefault(place, PartitionCount(low, end, start))
            tail.moved(low, end, start, found[place], first=first)

    def _read(self, stretches: Mapping[Place, tuple[int, int]]) -> dict[Place, set[int]]:
        """The offsets of the records in each."""
        found: dict[Place, set[int]] = {place: set() for place in stretches}
        left = {place: end for place, (start, end) in stretches.items() if start < end}
        if not left:
            return found
        self.consumer.assign([TopicPartition(*place, stretches[place][0]) for place in left])
        until = time.monotonic() + READ_TIMEOUT
        while left:
            if time.monotonic() > until:
                raise Retryable(f"{len(left)} partitions gave no answer in {READ_TIMEOUT:g} s")
            for message in skip_unreadable(
                self.connection, self.consumer, self.consumer.consume(MAX_TAIL_RECORDS, _IDLE)
            ):
                _take(message, left, found)
        # Nothing is fetched ahead until the next look.
        self.consumer.unassign()
        return found


def _take(message: Message, left: dict[Place, int], found: dict[Place, set[int]]) -> None:
    place, offset, error = (
        (message.topic() or "", message.partition() or 0),
        message.offset() or 0,
        message.error(),
    )
    if error is None:
        end = left.get(place, 0)
        if offset < end:
            found[place].add(offset)
        if offset + 1 >= end:
            left.pop(place, None)
    elif error.code() == KafkaError._PARTITION_EOF:
        left.pop(place, None)
    elif not is_transient(error):
        raise KafkaException(error)
