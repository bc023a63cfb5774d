"""The API's ports on a real broker: the same promises as in memory, between processes and over restarts."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from api.auth.authentication import new_key
from api.process.control_topics import follow_subscriptions
from api.process.topic_log import TopicLog
from streams.codec.avro import encode
from streams.delivery.records import Header, Subscription
from streams.delivery.subscription import Subscriptions
from streams.kafka import clients, topic_admin
from streams.kafka.clients import Connection
from streams.settings import Settings
from streams.topics import SETTINGS, SUBSCRIPTIONS
from tests.api.logs import put
from tests.crash.world import put as put_records
from tests.samples import SETTINGS as STORE_SETTINGS
from tests.samples import STORE

SOON = 10.0


@pytest.fixture
def connection(settings: Settings, bootstrap_servers: str) -> Connection:
    made = clients.connection(settings, bootstrap_servers)
    topic_admin.create_topics(made, settings, (SUBSCRIPTIONS,))
    return made


def subscription(url: str = "https://shop.example/") -> Subscription:
    return Subscription(
        subscription_id=str(uuid.uuid4()),
        store="DEFAULT",
        event_name="CustomerRegistered",
        url=url,
        created_at=datetime(2025, 10, 20, 13, 18, 38, 123456, tzinfo=UTC),
        headers=(Header(name="X-Shop", value="blue"),),
        legacy=True,
    )


@asynccontextmanager
async def process(connection: Connection) -> AsyncIterator[tuple[Subscriptions, TopicLog[Subscription]]]:
    """What one API process has: an index of its own and the log."""
    index = Subscriptions()
    view = follow_subscriptions(connection, index)
    try:
        await asyncio.wait_for(view.start(), SOON)
        yield index, TopicLog(connection, SUBSCRIPTIONS, view, index.get)
    finally:
        await view.stop()


def test_what_one_process_wrote_is_in_its_index_and_in_those_of_all_that_write_later(
    connection: Connection,
) -> None:
    wanted, later = subscription(), subscription()

    async def scenario() -> None:
        async with process(connection) as (mine, log), process(connection) as (others, other_log):
            await put(log, wanted.subscription_id, wanted)
            assert mine.get(wanted.subscription_id) == wanted
            await put(other_log, later.subscription_id, later)
            assert others.get(wanted.subscription_id) == wanted

            await put(log, wanted.subscription_id, None)
            assert mine.get(wanted.subscription_id) is None
            await put(other_log, later.subscription_id, None)
            assert others.get(wanted.subscription_id) is None

    asyncio.run(scenario())


def test_a_subscription_survives_a_restart_and_an_ended_one_stays_ended(connection: Connection) -> None:
    kept, ended = subscription(), subscription("https://ended.example/")

    async def first() -> None:
        async with process(connection) as (_, log):
            await asyncio.gather(*(put(log, s.subscription_id, s) for s in (kept, ended)))
            await put(log, ended.subscription_id, None)

    async def second() -> None:
        async with process(connection) as (index, _):
            assert list(index.of_store("DEFAULT")) == [kept]

    asyncio.run(first())
    asyncio.run(second())


def test_ending_a_subscription_is_a_tombstone_on_the_topic(connection: Connection) -> None:
    ended = subscription()

    async def scenario() -> None:
        async with process(connection) as (_, log):
            await put(log, ended.subscription_id, ended)
            await put(log, ended.subscription_id, None)

    asyncio.run(scenario())

    consumer = Consumer(connection.consumer(**{"group.id": f"{connection.prefix}test"}))
    consumer.assign([TopicPartition(connection.topic(SUBSCRIPTIONS), 0, 0)])
    records = consumer.consume(2, SOON)
    consumer.close()
    assert [record.key() for record in records] == [ended.subscription_id.encode()] * 2
    assert [record.headers() for record in records] == [[("schema", b"Subscription.v2")], None]
    assert records[1].value() is None


def command(settings: Settings, **more: str) -> "subprocess.Popen[str]":
    """`loyalty api` as an operator starts it, on a port of the system's choice."""
    return subprocess.Popen(
        [sys.executable, "-c", "from api.cli import main; main()", "api"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers or "", "LOYALTY_API_PORT": "0"}
        | {"LOYALTY_TOPIC_PREFIX": settings.topic_prefix, "LOYALTY_HOME": str(settings.home), **more},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_until_it_is_told_to_stop_and_ends_in_order(
    settings: Settings, number: signal.Signals
) -> None:
    token, digest = new_key()
    cluster = clients.connection(settings, settings.bootstrap_servers or "")
    topic_admin.create_topics(cluster, settings)
    put_records(cluster, SETTINGS, {STORE: encode(STORE_SETTINGS)})

    with command(settings, LOYALTY_API_KEY_HASHES=digest) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().split()[3].rstrip(",")
            key = {"X-AUTH-TOKEN": token}
            body = {"webhookSubscription": {"eventName": "CustomerUpdated", "url": "https://shop.example/"}}
            path = f"{address}/api/{STORE}/webhook/subscription"
            assert httpx.get(f"{address}/health").status_code == 200
            made = httpx.post(path, json=body, headers=key).json()["webhookSubscriptionId"]
            assert httpx.get(f"{path}/{made}", headers=key).status_code == 200
            assert httpx.get(f"{path}/{made}").status_code == 401
            process.send_signal(number)
            _, errors = process.communicate(timeout=SOON)
        finally:
            process.kill()

    assert process.returncode == 0
    assert "Traceback" not in errors
    assert token not in errors


def test_without_a_key_the_process_says_how_to_make_one_and_makes_nothing(settings: Settings) -> None:
    with command(settings, LOYALTY_API_KEY_HASHES="") as process:
        _, errors = process.communicate(timeout=SOON)

    assert process.returncode == 2
    assert "`loyalty api-key`" in errors
    assert topic_admin.partitions(clients.connection(settings, settings.bootstrap_servers or "")) == {}
