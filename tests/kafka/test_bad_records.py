"""Records too large, and floods of bad ones, on a real broker: put aside, and nobody else waits for long."""

import asyncio
import signal
import time
from collections.abc import Iterable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.codec.avro import HEADER, decode, encode
from streams.domain.commands import AddUnits, RegisterMember
from streams.domain.events import UnitsEarned
from streams.kafka.clients import Connection, connection
from streams.kafka.partitioner import partition_of
from streams.kafka.records import record_of
from streams.kafka.topic_admin import create_topics
from streams.rejections import PoisonRecord
from streams.settings import Settings, variable_name
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.topics import COMMANDS, EVENTS, POISON, Topic
from tests.kafka.processes import finished, running
from tests.kafka.test_scenarios_on_broker import prepare
from tests.samples import ANNA, BORIS, add, register
from tests.samples import SETTINGS as STORE_SETTINGS

WITHIN = 60.0
FLOODED, HEALTHY = partition_of(b"flood", 3), partition_of(owner_of("DEFAULT", ANNA).encode(), 3)


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
        self.facts: list[Record] = []
        self.poison_at: list[int] = []
        self.facts_at: list[int] = []
        self._poison = _reader(cluster, POISON, range(settings.partitions))
        self._facts = _reader(cluster, EVENTS, [HEALTHY])

    def read(self, seconds: float) -> None:
        _take(self._facts, EVENTS, seconds, self.facts, self.facts_at)
        _take(self._poison, POISON, 0, self.poison, self.poison_at)

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


def _take(reader: Consumer, topic: Topic, seconds: float, records: list[Record], times: list[int]) -> None:
    """Appends the records that come, and the milliseconds at which each was written."""
    messages = reader.consume(5000, seconds)
    assert [m.error() for m in messages if m.error()] == []
    records += [record_of(message, topic.name) for message in messages]
    times += [message.timestamp()[1] for message in messages]


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
    assert followed.facts[-1].kind == UnitsEarned.__name__


def test_a_payload_that_only_its_compression_let_in_is_put_aside_in_part(
    settings: Settings, cluster: Connection
) -> None:
    huge = cluster.producer(**{"message.max.bytes": 100 << 20, "queue.buffering.max.kbytes": 1 << 20})
    producer, followed = Producer(huge), Followed(cluster, settings)
    producer.produce(cluster.topic(COMMANDS), b"\x00" * (40 << 20), owner_of("DEFAULT", ANNA), HEALTHY)
    send(producer, cluster, register())
    assert producer.flush(WITHIN) == 0

    with running(settings, "worker"):
        followed.until(poison=1, facts=1)
    followed.close()

    (kept,) = followed.poison
    poison = decode(PoisonRecord, kept.value, kept.schema)
    assert poison.cause == "has 41,943,040 bytes; a command has 1,048,576 at most"
    assert len(poison.value or b"") + poison.left_out == 40 << 20


def test_a_flood_of_poison_in_one_partition_holds_up_no_other(
    settings: Settings, cluster: Connection
) -> None:
    """What waits in two partitions is handled side by side, not in the order in which it was sent."""
    count, healthy = 30_000, 20
    producer, followed = Producer(cluster.producer()), Followed(cluster, settings)

    def flood(records: int) -> None:
        for number in range(records):
            value = b"%d is no command" % number
            producer.produce(
                cluster.topic(COMMANDS), value, b"flood", FLOODED, headers={HEADER: "AddUnits.v1"}
            )

    send(producer, cluster, register())
    flood(1)
    # Stopped, it keeps its partitions for as long as its session lasts.
    with running(settings, "worker", **{variable_name("session_timeout"): "60"}) as worker:
        followed.until(poison=1, facts=1)
        worker.send_signal(signal.SIGSTOP)
        flood(count)
        for _ in range(healthy):
            send(producer, cluster, add("1"))
        assert producer.flush(WITHIN) == 0
        worker.send_signal(signal.SIGCONT)
        followed.until(poison=1 + count, facts=1 + healthy)
    followed.close()

    assert [r.kind for r in followed.facts[1:]] == [UnitsEarned.__name__] * healthy
    offsets = sorted(decode(PoisonRecord, r.value, r.schema).offset for r in followed.poison)
    assert offsets == [*range(1 + count)]
    assert max(followed.facts_at[1:]) < max(followed.poison_at)


def test_a_client_of_another_partitioner_makes_no_second_member_and_a_redrive_puts_its_record_right(
    settings: Settings, cluster: Connection
) -> None:
    other = Producer(cluster.producer(partitioner="consistent"))
    followed = Followed(cluster, settings)
    value, header = encode(register(BORIS))
    key = owner_of("DEFAULT", BORIS)
    other.produce(cluster.topic(COMMANDS), value, key, headers={HEADER: header})
    assert other.flush(WITHIN) == 0

    with running(settings, "worker"):
        followed.until(poison=1)
        assert finished(settings, "poison", "redrive")[0] == 0
        followed.until(facts=1)
    followed.close()

    (kept,) = followed.poison
    poison = decode(PoisonRecord, kept.value, kept.schema)
    assert poison.cause == (
        f"stands on partition {poison.partition}: expected partition {HEALTHY} for this key "
        "(partitioner: murmur2)"
    )
    assert [fact.kind for fact in followed.facts] == ["MemberRegistered"]
