"""Records too large, and floods of bad ones, on a real broker: put aside, and nobody else waits for long."""

import asyncio
import sys
import time
from collections.abc import Iterable
from statistics import quantiles

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.codec import HEADER, decode, encode
from streams.domain.commands import AddUnits, RegisterMember
from streams.domain.events import UnitsEarned
from streams.kafka.admin import create_topics
from streams.kafka.batch import record_of
from streams.kafka.clients import Connection, connection
from streams.kafka.topics import COMMANDS, EVENTS, POISON, Topic
from streams.refusals import PoisonRecord
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.stages.turn import Record
from tests.kafka.processes import running
from tests.kafka.test_scenarios_on_broker import prepare
from tests.samples import ANNA, add, register
from tests.samples import SETTINGS as STORE_SETTINGS

WITHIN = 60.0
FLOODED, HEALTHY = 0, 1


@pytest.fixture
def cluster(settings: Settings) -> Connection:
    made = connection(settings, settings.bootstrap_servers or "")
    create_topics(made, settings)
    asyncio.run(prepare(made, "http://127.0.0.1:9/never", STORE_SETTINGS))
    return made


class Followed:
    """The committed records of poison, and the healthy partition's events, as they come: each by a consumer
    of its own, so that the ones do not hide the others."""

    def __init__(self, cluster: Connection, settings: Settings) -> None:
        self.poison: list[Record] = []
        self.facts: list[tuple[float, Record]] = []
        self._poison = _reader(cluster, POISON, range(settings.partitions))
        self._facts = _reader(cluster, EVENTS, [HEALTHY])

    def read(self, seconds: float) -> None:
        self.facts += ((time.monotonic(), record) for record in _taken(self._facts, EVENTS, seconds))
        self.poison += _taken(self._poison, POISON, 0)

    def until(self, *, poison: int = 0, facts: int = 0) -> None:
        deadline = time.monotonic() + WITHIN
        while len(self.poison) < poison or len(self.facts) < facts:
            assert time.monotonic() < deadline, (len(self.poison), poison, len(self.facts), facts)
            self.read(0.05)

    def close(self) -> None:
        self._poison.close()
        self._facts.close()


def _reader(cluster: Connection, topic: Topic, numbers: Iterable[int]) -> Consumer:
    reader = Consumer(cluster.consumer(**{"group.id": "test", "fetch.wait.max.ms": 10}))
    reader.assign([TopicPartition(cluster.topic(topic), number, 0) for number in numbers])
    return reader


def _taken(reader: Consumer, topic: Topic, seconds: float) -> list[Record]:
    messages = reader.consume(5000, seconds)
    assert [m.error() for m in messages if m.error()] == []
    return [record_of(message, topic.name) for message in messages]


def _kind(record: Record) -> str:
    return record.kind


def send(producer: Producer, cluster: Connection, command: AddUnits | RegisterMember) -> None:
    value, header = encode(command)
    key = owner_of(command.store, command.member_id)
    producer.produce(cluster.topic(COMMANDS), value, key, HEALTHY, headers={HEADER: header})
    producer.poll(0)


def test_a_payload_of_5_mb_is_put_aside_whole_with_its_place_and_the_limit(
    settings: Settings, cluster: Connection
) -> None:
    producer, followed = Producer(cluster.producer()), Followed(cluster, settings)
    # Random bytes would be refused for their form; this one is a command but for its size.
    value, header = encode(add("1"))
    payload = value.ljust(5 << 20, b"\x00")
    key = owner_of("DEFAULT", ANNA).encode()
    producer.produce(cluster.topic(COMMANDS), payload, key, HEALTHY, headers={HEADER: header})
    send(producer, cluster, register())
    send(producer, cluster, add("1"))
    assert producer.flush(WITHIN) == 0

    with running(settings, "worker"):
        followed.until(poison=1, facts=2)
    followed.close()

    (kept,) = followed.poison
    poison = decode(PoisonRecord, kept.value, kept.schema)
    assert (poison.topic, poison.partition, poison.offset) == ("commands", HEALTHY, 0)
    assert poison.cause == "has 5,242,880 bytes; a command has 1,048,576 at most"
    assert (poison.key, poison.value, poison.left_out) == (key, payload, 0)
    assert poison.headers == {HEADER: header.encode()}
    assert _kind(followed.facts[-1][1]) == UnitsEarned.__name__


def test_a_payload_that_only_its_compression_let_in_is_put_aside_in_part(
    settings: Settings, cluster: Connection
) -> None:
    huge = cluster.producer(**{"message.max.bytes": 100 << 20, "queue.buffering.max.kbytes": 1 << 20})
    producer, followed = Producer(huge), Followed(cluster, settings)
    producer.produce(cluster.topic(COMMANDS), b"\x00" * (40 << 20), b"key", HEALTHY)
    send(producer, cluster, register())
    assert producer.flush(WITHIN) == 0

    with running(settings, "worker"):
        followed.until(poison=1, facts=1)
    followed.close()

    (kept,) = followed.poison
    poison = decode(PoisonRecord, kept.value, kept.schema)
    assert poison.cause == "has 41,943,040 bytes; a command has 1,048,576 at most"
    assert len(poison.value or b"") + poison.left_out == 40 << 20


def test_a_flood_of_poison_in_one_partition_delays_the_others_by_a_bounded_time(
    settings: Settings, cluster: Connection
) -> None:
    count, pace = 30_000, 0.04
    producer, followed = Producer(cluster.producer()), Followed(cluster, settings)
    send(producer, cluster, register())

    with running(settings, "worker"):
        followed.until(facts=1)
        begun, sent = time.monotonic(), list[float]()
        for number in range(count):
            value = b"%d is no command" % number
            producer.produce(
                cluster.topic(COMMANDS), value, b"flood", FLOODED, headers={HEADER: "AddUnits.v1"}
            )
        assert producer.flush(WITHIN) == 0
        while len(followed.poison) < count:
            assert time.monotonic() < begun + 2 * WITHIN, f"{len(followed.poison)} of {count} put aside"
            sent.append(time.monotonic())
            send(producer, cluster, add("1"))
            followed.read(pace)
            if len(followed.poison) < count:
                during = len(followed.facts) - 1
        took = time.monotonic() - begun
        followed.until(facts=1 + len(sent))
    followed.close()

    waits = [came - at for at, (came, _) in zip(sent, followed.facts[1:], strict=True)]
    p50, p99 = (quantiles(waits, n=100)[n] for n in (49, 98))
    figure = f"{count} poison records in {took:.1f} s; {during} of {len(sent)} healthy commands meanwhile"
    sys.stdout.write(f"{figure}: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, most {max(waits):.2f} s\n")
    assert [_kind(r) for _, r in followed.facts[1:]] == [UnitsEarned.__name__] * len(sent)
    assert sorted(decode(PoisonRecord, r.value, r.schema).offset for r in followed.poison) == [*range(count)]
    # Not one after the other: most healthy ones are through before the flood is.
    assert during > len(sent) / 2
    assert max(waits) < 5
