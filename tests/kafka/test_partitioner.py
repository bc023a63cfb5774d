"""A key belongs where every producer of the project puts it."""

import pytest
from confluent_kafka import Message, Producer

from streams.kafka.clients import connection
from streams.kafka.partitioner import murmur2, partition_of
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.topics import EVENTS
from tests.samples import uid

# As Kafka's own tests have them, signed.
VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("data", VECTORS)
def test_the_hash_is_kafkas(data: bytes) -> None:
    assert murmur2(data) == VECTORS[data] & 0xFFFFFFFF


def test_a_key_is_where_the_client_writes_it(settings: Settings) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings, (EVENTS,))
    producer, found = Producer(cluster.producer()), dict[bytes, int | None]()

    def noted(_: object, message: Message) -> None:
        found[message.key() or b""] = message.partition()

    for number in range(50):
        producer.produce(cluster.topic(EVENTS), b"", f"DEFAULT/{uid(number)}", on_delivery=noted)
    assert producer.flush(20) == 0

    assert len(found) == 50
    assert {key: partition_of(key, settings.partitions) for key in found} == found
