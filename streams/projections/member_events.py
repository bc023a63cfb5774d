"""The past of one owner, read from the events topic: as far as is allowed, for it holds everything."""

import asyncio
import time
from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Consumer
from streams.kafka.compacted_view import bounds_of
from streams.kafka.partitioner import partition_of
from streams.kafka.records import record_of
from streams.kafka.transient_errors import is_passing
from streams.kafka.unreadable_batches import readable
from streams.stages.context import Record
from streams.stages.member_replay import TooManyFacts
from streams.topics import EVENTS

BATCH = 5000
READ_WITHIN = 20.0


class History:
    """Reads at most `most` records for one answer, one answer at a time: each scans a partition."""

    def __init__(self, connection: Connection, partitions: int, most: int) -> None:
        self._connection = connection
        self._partitions = partitions
        self._most = most
        self._one = asyncio.Lock()

    async def of(self, owner: str) -> list[Record]:
        """All facts of the owner that are committed now, in their order.

        Raises TooMuch where their partition holds too many of all owners, Retryable where it cannot be read.
        """
        async with self._one:
            return await asyncio.to_thread(self._read, owner.encode())

    def _read(self, owner: bytes) -> list[Record]:
        place = TopicPartition(self._connection.topic(EVENTS), partition_of(owner, self._partitions))
        consumer = self._connection.open_consumer(
            **{"group.id": f"{self._connection.prefix}history", "enable.partition.eof": True}
        )
        try:
            start, end = bounds_of(consumer, place)
            if end - start > self._most:
                raise TooManyFacts(
                    f"{end - start:,} facts would have to be read, at most {self._most:,} may be"
                )
            place.offset = OFFSET_BEGINNING
            consumer.assign([place])
            return [record for record in _to_the_end(self._connection, consumer) if record.key == owner]
        except KafkaException as failure:
            raise Retryable(f"{place.topic} cannot be read: {failure.args[0].str()}") from None
        finally:
            consumer.close()


def _to_the_end(connection: Connection, consumer: Consumer) -> Iterator[Record]:
    until = time.monotonic() + READ_WITHIN
    while time.monotonic() < until:
        for message in readable(connection, consumer, consumer.consume(BATCH, 0.5)):
            error = message.error()
            if error is None:
                yield record_of(message, EVENTS.name)
            elif error.code() == KafkaError._PARTITION_EOF:
                return
            elif not is_passing(error):
                raise KafkaException(error)
    raise Retryable(f"{EVENTS.name} could not be read to its end in {READ_WITHIN:g} s")
