"""Every scenario through real processes, a real broker, real disks and real HTTP."""

import asyncio
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from streams.codec import HEADER, decode, encode
from streams.domain.commands import AdvanceClock
from streams.domain.events import UnitsEarned
from streams.kafka.admin import create_topics
from streams.kafka.appender import Appender
from streams.kafka.clients import Connection, connection
from streams.kafka.topics import COMMANDS, EVENTS, POISON, REJECTIONS, SETTINGS, SUBSCRIPTIONS, Topic
from streams.refusals import CommandRejected, PoisonRecord
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.webhooks import CATALOGUE
from tests.kafka.processes import running
from tests.samples import SETTINGS as STORE_SETTINGS
from tests.samples import subscription, uid
from tests.scenarios import END, SCENARIOS, Told, in_order_of_issue, matches

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


async def prepare(cluster: Connection, url: str) -> None:
    appender = Appender(cluster)
    try:
        await appender.append(SETTINGS, STORE_SETTINGS.store, STORE_SETTINGS)
        for number, name in enumerate(CATALOGUE, 500):
            one = replace(subscription(name, number=number), url=url)
            await appender.append(SUBSCRIPTIONS, one.subscription_id, one)
    finally:
        await appender.close()


def produce(cluster: Connection, settings: Settings) -> None:
    """The whole history, then the end of it to every partition."""
    producer = Producer(cluster.producer())
    topic = cluster.topic(COMMANDS)
    for command in in_order_of_issue():
        value, header = encode(command)
        producer.produce(topic, value, owner_of(command.store, command.member_id), headers={HEADER: header})
    value, header = encode(AdvanceClock(command_id=uid(1), issued_at=END))
    for partition in range(settings.partitions):
        producer.produce(topic, value, b"clock", partition, headers={HEADER: header})
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


def by_member_and_name(received: Received) -> dict[str, dict[str, list[Told]]]:
    """In order of arrival: that of a member's webhooks of one subscription is promised, no more."""
    found: dict[str, dict[str, list[Told]]] = defaultdict(lambda: defaultdict(list))
    members = {s.member for s in SCENARIOS}
    for envelope in received.values():
        data = envelope["data"]
        fields = {k: str(v) if isinstance(v, int) else v for k, v in data.items()}
        text = msgspec.json.encode(data).decode()
        (member,) = {m for m in members if m in text} or {"unnamed"}
        found[member][envelope["eventName"]].append((envelope["eventName"], fields))
    return found


def test_all_scenarios_on_real_parts(settings: Settings) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    expected = sum(len(s.told) for s in SCENARIOS)

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
                produce(cluster, settings)
                await endpoint.until(expected)
        finally:
            await runner.cleanup()
        return endpoint.received

    received = asyncio.run(play())

    assert len(received) == expected
    told = by_member_and_name(received)
    for scenario in SCENARIOS:
        for name in {name for name, _ in scenario.told} - {
            # Bodies without the member's id: counted above, compared in memory.
            "TransactionRegistered",
            "PointsWillExpire",
        }:
            wanted = [t for t in scenario.told if t[0] == name]
            assert matches(told[scenario.member][name], wanted), (scenario.name, told[scenario.member][name])
    (refused,) = read(cluster, REJECTIONS, settings)
    assert decode(CommandRejected, *refused).value == "41"


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
    story = SCENARIOS[0]
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
        # Registered; recorded, assigned, earned.
        facts = [header for _, header in eventually(cluster, EVENTS, settings, 4)]

    poison = [decode(PoisonRecord, *record) for record in read(cluster, POISON, settings)]
    assert sorted(p.partition for p in poison) == list(range(settings.partitions))
    assert {p.value for p in poison} == {junk}
    assert facts[-1] == f"{UnitsEarned.__name__}.v1"
