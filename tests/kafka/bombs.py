"""A batch that is small as the broker sees it, and that no client of ours unpacks."""

from confluent_kafka import Producer

from streams.kafka.clients import Connection
from streams.topics import Topic

RECORDS, EACH = 150, 1_000_000
_ROOM = 400_000_000


def drop_bomb(connection: Connection, topic: Topic, partition: int, records: int = RECORDS) -> None:
    """One batch of zeros, 150 MB unpacked and some kB packed, in so many records."""
    producer = Producer(
        {
            "bootstrap.servers": connection.bootstrap_servers,
            "compression.type": "zstd",
            "message.max.bytes": _ROOM,
            "batch.size": _ROOM,
            "queue.buffering.max.kbytes": 2 * _ROOM // 1000,
            # All of it, before any of it is sent.
            "linger.ms": 10_000,
        }
    )
    failed: list[object] = []
    for _ in range(records):
        producer.produce(
            connection.topic(topic),
            bytes(RECORDS * EACH // records),
            # A compacted topic takes none without a key.
            b"bomb",
            partition=partition,
            on_delivery=lambda error, _: failed.append(error),
        )
    assert producer.flush(60) == 0
    assert failed == [None] * records
