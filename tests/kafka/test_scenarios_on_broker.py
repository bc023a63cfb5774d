"""Every scenario through real processes, a real broker, real disks and real HTTP."""

import asyncio
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from streams.codec.avro import HEADER, decode, encode
from streams.delivery.records import Delivery
from streams.domain.commands import AdvanceClock, Command
from streams.domain.events import UnitsEarned
from streams.domain.store import StoreSettings
from streams.kafka.clients import Connection, connection
from streams.kafka.producer import RecordAppender
from streams.kafka.topic_admin import create_topics
from streams.rejections import CommandRejected, PoisonRecord
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.topics import (
    COMMANDS,
    DELIVERIES,
    EVENTS,
    POISON,
    REJECTIONS,
    SETTINGS,
    SUBSCRIPTIONS,
    Topic,
)
from streams.webhooks import CATALOGUE
from tests.kafka.processes import running
from tests.samples import subscription, uid
from tests.scenarios import END, SCENARIOS, Told, in_order_of_issue, matches
from tests.scenarios import SETTINGS as STORE_SETTINGS
from tests.scenarios.units import spent
from tests.test_scenarios import texts

WITHIN = 60.0
Received = dict[str, dict[str, Any]]
"""By messageId, the envelope."""


class Endpoint:
    """Keeps what it gets; `until` waits for a number of distinct messages."""

    def __init__(self) -> None:
        self.received: Received = {}
        self._more = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        envelope = msgspec.json.Decoder(float_hook=str).decode(await request.read())
        async with self._more:
            self.received.setdefault(envelope["messageId"], envelope)
            self._more.notify_all()
        return web.Response()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WITHIN), self._more:
            await self._more.wait_for(lambda: len(self.received) >= count)


async def prepare(cluster: Connection, url: str, store: StoreSettings = STORE_SETTINGS) -> None:
    appender = RecordAppender(cluster)
    try:
        await appender.append(SETTINGS, store.store, store)
        for number, name in enumerate(CATALOGUE, 500):
            one = replace(subscription(name, number=number), url=url)
            await appender.append(SUBSCRIPTIONS, one.subscription_id, one)
    finally:
        await appender.close()


def produce(cluster: Connection, commands: Sequence[Command]) -> None:
    producer = Producer(cluster.producer())
    topic = cluster.topic(COMMANDS)
    for command in commands:
        value, header = encode(command)
        producer.produce(topic, value, owner_of(command.store, command.member_id), headers={HEADER: header})
    assert producer.flush(WITHIN) == 0


def end_history(cluster: Connection, settings: Settings) -> None:
    """Tells every partition."""
    producer = Producer(cluster.producer())
    value, header = encode(AdvanceClock(command_id=uid(1), issued_at=END))
    for partition in range(settings.partitions):
        producer.produce(cluster.topic(COMMANDS), value, b"clock", partition, headers={HEADER: header})
    assert producer.flush(WITHIN) == 0


def read(cluster: Connection, topic: Topic, settings: Settings) -> list[tuple[bytes, str]]:
    """All committed records of a co-partitioned topic: value and header."""
    consumer = Consumer(cluster.consumer(**{"group.id": "test", "enable.partition.eof": True}))
    consumer.assign([TopicPartition(cluster.topic(topic), p, 0) for p in range(settings.partitions)])
    found, ended = [], 0
    while ended < settings.partitions:
        message = consumer.poll(WITHIN)
        assert message is not None, "the broker is silent"
        if message.error():
            ended += 1
            continue
        headers = dict(message.headers() or ())
        found.append((message.value() or b"", str(headers[HEADER], "ascii")))  # type: ignore[arg-type]
    consumer.close()
    return found


def by_owner_and_name(received: Received, deliveries: list[Delivery]) -> dict[tuple[str, str], list[Told]]:
    """In order of arrival: that of an owner's webhooks of one subscription is promised, no more."""
    found: dict[tuple[str, str], list[Told]] = defaultdict(list)
    owners = {d.delivery_id: d.member_id for d in deliveries}
    for message_id, envelope in received.items():
        name = envelope["eventName"]
        found[owners[message_id], name].append((name, texts(envelope["data"])))
    return found


def test_all_scenarios_on_real_parts(settings: Settings) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    leading = [s for s in SCENARIOS if s.leads]
    others = [s for s in SCENARIOS if not s.leads]

    async def play() -> Received:
        endpoint = Endpoint()
        server = web.Application()
        server.router.add_post("/hook", endpoint.take)
        runner = web.AppRunner(server, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            await prepare(cluster, f"http://127.0.0.1:{runner.addresses[0][1]}/hook")
            with (
                running(settings, "worker", LOYALTY_CLOCK="stream"),
                running(settings, "sink"),
            ):
                produce(cluster, in_order_of_issue(leading))
                await endpoint.until(sum(s.leads for s in leading))
                produce(cluster, in_order_of_issue(others))
                await endpoint.until(sum(len(s.told) for s in SCENARIOS))
                end_history(cluster, settings)
                await endpoint.until(sum(len(s.told) + len(s.later) for s in SCENARIOS))
        finally:
            await runner.cleanup()
        return endpoint.received

    received = asyncio.run(play())

    told = by_owner_and_name(received, [decode(Delivery, *r) for r in read(cluster, DELIVERIES, settings)])
    for scenario in SCENARIOS:
        for name in CATALOGUE:
            wanted = [t for t in (*scenario.told, *scenario.later) if t[0] == name]
            assert matches(told[scenario.owner, name], wanted), (scenario.name, told[scenario.owner, name])
    assert len(received) == sum(len(s.told) + len(s.later) for s in SCENARIOS)
    refused = Counter(
        (refusal.member_id, refusal.field)
        for refusal in (decode(CommandRejected, *r) for r in read(cluster, REJECTIONS, settings))
    )
    assert refused == Counter((s.owner, field) for s in SCENARIOS for field in s.refused)
    assert read(cluster, POISON, settings) == []


def test_a_foreign_producer_s_command_is_handled(settings: Settings) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    example = Path(__file__).parents[2] / "schemas" / "example_producer.py"

    asyncio.run(prepare(cluster, "http://127.0.0.1:9/never"))
    subprocess.run(
        [sys.executable, str(example), cluster.bootstrap_servers, cluster.topic(COMMANDS)],
        check=True,
        timeout=60,
    )
    with running(settings, "worker"):
        (refused,) = eventually(cluster, REJECTIONS, settings, 1)

    # The example's member is nobody here: the command was read, and refused for that alone.
    assert decode(CommandRejected, *refused).reason == "is not registered in store 'DEFAULT'"
    assert read(cluster, POISON, settings) == []


def eventually(cluster: Connection, topic: Topic, settings: Settings, count: int) -> list[tuple[bytes, str]]:
    """The first `count` records that are committed to the topic, once they are."""
    consumer = Consumer(cluster.consumer(**{"group.id": "test"}))
    consumer.assign([TopicPartition(cluster.topic(topic), p, 0) for p in range(settings.partitions)])
    found: list[tuple[bytes, str]] = []
    while len(found) < count:
        message = consumer.poll(WITHIN)
        assert message is not None, f"{len(found)} of {count} records came to {topic.name} in {WITHIN:g} s"
        assert message.error() is None
        header = dict(message.headers() or ())[HEADER]
        found.append((message.value() or b"", str(header, "ascii")))  # type: ignore[arg-type]
    consumer.close()
    return found


@pytest.mark.parametrize("junk", [b"", b"\x00\xff" * 40, None])
def test_a_record_that_no_schema_reads_is_put_aside_and_the_next_is_handled(
    settings: Settings, junk: bytes | None
) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    asyncio.run(prepare(cluster, "http://127.0.0.1:9/never"))
    producer = Producer(cluster.producer())
    story = spent
    for partition in range(settings.partitions):
        producer.produce(cluster.topic(COMMANDS), junk, b"any", partition, headers={HEADER: "AddUnits.v1"})
    for command in story.commands:
        value, header = encode(command)
        producer.produce(
            cluster.topic(COMMANDS),
            value,
            owner_of(command.store, command.member_id),
            headers={HEADER: header},
        )
    assert producer.flush(WITHIN) == 0

    with running(settings, "worker"):
        eventually(cluster, POISON, settings, settings.partitions)
        facts = [header for _, header in eventually(cluster, EVENTS, settings, 3)]

    poison = [decode(PoisonRecord, *record) for record in read(cluster, POISON, settings)]
    assert sorted(p.partition for p in poison) == list(range(settings.partitions))
    assert {p.value for p in poison} == {junk}
    assert facts[-1] == f"{UnitsEarned.__name__}.v3"
