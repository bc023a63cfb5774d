"""One owner's events, read from their topic. The topic holds everybody's, so reading is bounded."""

import asyncio
import time
from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import READ_TO_END, Connection
from streams.kafka.cluster import Consumer
from streams.kafka.compacted_view import partition_bounds
from streams.kafka.partitioner import partition_of
from streams.kafka.records import record_of
from streams.kafka.transient_errors import is_transient
from streams.kafka.unreadable_batches import skip_unreadable
from streams.stages.context import Record
from streams.stages.member_replay import TooManyFacts
from streams.topics import EVENTS

READ_BATCH = 5000
READ_TIMEOUT = 20.0


class MemberEventReader:
    """Reads at most `most` records for an answer, one answer at a time: each scans a partition."""

    def __init__(self, connection: Connection, partitions: int, most: int) -> None:
        self._connection = connection
        self._partitions = partitions
        self._max_records = most
        self._turn = asyncio.Lock()

    async def of(self, owner: str) -> list[Record]:
        """All committed events of the owner, in order.

        Raises TooMuch if the partition holds too many records, and Retryable if it cannot be read.
        """
        async with self._turn:
            return await asyncio.to_thread(self._read, owner.encode())

    def _read(self, owner: bytes) -> list[Record]:
        place = TopicPartition(self._connection.topic(EVENTS), partition_of(owner, self._partitions))
        consumer = self._connection.open_consumer(
            **READ_TO_END, **{"group.id": f"{self._connection.prefix}history"}
        )
        try:
            start, end = partition_bounds(consumer, place)
            if end - start > self._max_records:
                raise TooManyFacts(
                    f"{end - start:,} facts would have to be read, at most {self._max_records:,} may be"
                )
            place.offset = OFFSET_BEGINNING
            consumer.assign([place])
            return [record for record in _read_to_end(self._connection, consumer) if record.key == owner]
        except KafkaException as failure:
            raise Retryable(f"{place.topic} cannot be read: {failure.args[0].str()}") from None
        finally:
            consumer.close()


def _read_to_end(connection: Connection, consumer: Consumer) -> Iterator[Record]:
    until = time.monotonic() + READ_TIMEOUT
    while time.monotonic() < until:
        for message in skip_unreadable(connection, consumer, consumer.consume(READ_BATCH, 0.5)):
            error = message.error()
            if error is None:
                yield record_of(message, EVENTS.name)
            elif error.code() == KafkaError._PARTITION_EOF:
                return
            elif not is_transient(error):
                raise KafkaException(error)
    raise Retryable(f"{EVENTS.name} could not be read to its end in {READ_TIMEOUT:g} s")
