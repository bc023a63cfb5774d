"""A view holds what the topic holds, says when it has read something, and never dies in silence."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from streams.codec import avro
from streams.delivery.records import Subscription
from streams.errors import LoyaltyError, Misconfigured, Retryable
from streams.kafka import clients, topic_admin
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.producer import RecordAppender
from streams.settings import Settings
from streams.topics import SUBSCRIPTIONS

ONE, TWO = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
SOON = 10.0


@pytest.fixture
def connection(settings: Settings, bootstrap_servers: str) -> Connection:
    made = clients.connection(settings, bootstrap_servers)
    topic_admin.create_topics(made, settings, (SUBSCRIPTIONS,))
    return made


def subscription(subscription_id: str, url: str = "https://one.example/") -> Subscription:
    return Subscription(
        subscription_id=subscription_id,
        store="DEFAULT",
        event_name="CustomerRegistered",
        url=url,
        created_at=datetime(2025, 10, 20, tzinfo=UTC),
    )


class Held(dict[str, Subscription]):
    """What a view has applied."""

    def take(self, key: str, value: Subscription | None) -> None:
        if value is None:
            self.pop(key, None)
        else:
            self[key] = value


@asynccontextmanager
async def following(connection: Connection, held: Held) -> AsyncIterator[CompactedView[Subscription]]:
    view = CompactedView(connection, SUBSCRIPTIONS, Subscription, held.take)
    await asyncio.wait_for(view.start(), SOON)
    try:
        yield view
    finally:
        await view.stop()


@asynccontextmanager
async def appending(connection: Connection) -> AsyncIterator[RecordAppender]:
    appender = RecordAppender(connection)
    try:
        yield appender
    finally:
        await appender.close()


def test_a_view_starts_with_all_that_was_written_before(connection: Connection) -> None:
    held = Held()

    async def scenario() -> None:
        async with appending(connection) as appender:
            await appender.append(SUBSCRIPTIONS, ONE, subscription(ONE))
            await appender.append(SUBSCRIPTIONS, TWO, subscription(TWO))
            await appender.append(SUBSCRIPTIONS, ONE, subscription(ONE, "https://new.example/"))
        async with following(connection, held) as view:
            assert view.caught_up
            assert held == {ONE: subscription(ONE, "https://new.example/"), TWO: subscription(TWO)}

    asyncio.run(scenario())


def test_a_view_of_an_empty_topic_starts_at_once(connection: Connection) -> None:
    async def scenario() -> None:
        async with following(connection, Held()) as view:
            assert view.caught_up

    asyncio.run(scenario())


def test_what_is_written_later_has_been_applied_once_its_offset_is_reached(connection: Connection) -> None:
    held = Held()

    async def scenario() -> None:
        async with appending(connection) as appender, following(connection, held) as view:
            partition, offset = await appender.append(SUBSCRIPTIONS, ONE, subscription(ONE))
            await view.reached(partition, offset, SOON)
            assert held == {ONE: subscription(ONE)}

            partition, offset = await appender.append(SUBSCRIPTIONS, ONE, None)
            await view.reached(partition, offset, SOON)
            assert held == {}

    asyncio.run(scenario())


def transaction(connection: Connection, *, commit: bool) -> None:
    """One subscription in a Kafka transaction of its own: a control marker follows the record."""
    producer = Producer(connection.producer(**{"transactional.id": f"{connection.prefix}test"}))
    producer.init_transactions(SOON)
    producer.begin_transaction()
    value, header = avro.encode(subscription(ONE))
    producer.produce(
        connection.topic(SUBSCRIPTIONS), value=value, key=ONE.encode(), headers={"schema": header.encode()}
    )
    producer.flush(SOON)
    (producer.commit_transaction if commit else producer.abort_transaction)(SOON)


@pytest.mark.parametrize("commit", [True, False])
def test_markers_of_transactions_at_the_end_do_not_keep_a_view_from_starting(
    connection: Connection, commit: bool
) -> None:
    held = Held()
    transaction(connection, commit=commit)

    async def scenario() -> None:
        async with following(connection, held) as view:
            if commit:
                # Kafka says that it is committed before it writes the marker.
                await view.reached(0, 0, SOON)
            assert set(held) == ({ONE} if commit else set())

    asyncio.run(scenario())


def test_an_offset_that_nobody_wrote_is_not_waited_for_in_vain(connection: Connection) -> None:
    async def scenario() -> None:
        async with following(connection, Held()) as view:
            with pytest.raises(Retryable, match=r"subscriptions\[0\] has not been read up to offset 7"):
                await view.reached(0, 7, 0.05)

    asyncio.run(scenario())


def test_a_record_that_no_schema_reads_is_set_aside_and_reported_with_its_place(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()
    producer = Producer(connection.producer())
    for key in (ONE.encode(), b"\xff"):
        producer.produce(connection.topic(SUBSCRIPTIONS), value=b"junk", key=key)
    assert producer.flush(SOON) == 0

    async def scenario() -> None:
        async with appending(connection) as appender:
            await appender.append(SUBSCRIPTIONS, TWO, subscription(TWO))
        async with following(connection, held) as view:
            assert [(one.offset, one.key) for one in view.aside] == [(0, ONE), (1, "\\xff")]

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())

    assert held == {TWO: subscription(TWO)}
    lines = [record.getMessage() for record in caplog.records]
    place = connection.topic(SUBSCRIPTIONS)
    assert [line.split(",")[0] for line in lines] == [
        f"set aside: {place}[0] at offset {offset}" for offset in range(2)
    ]


def test_a_view_whose_subscriber_fails_says_so_to_all_who_wait(connection: Connection) -> None:
    def break_down(key: str, value: Subscription | None) -> None:
        raise ValueError(f"no room for {key}")

    async def scenario() -> None:
        view = CompactedView(connection, SUBSCRIPTIONS, Subscription, break_down)
        await asyncio.wait_for(view.start(), SOON)
        async with appending(connection) as appender:
            place = await appender.append(SUBSCRIPTIONS, ONE, subscription(ONE))
        with pytest.raises(ValueError, match="no room for"):
            await asyncio.wait_for(view.failed(), SOON)
        with pytest.raises(ValueError, match="no room for"):
            await view.reached(*place, SOON)
        assert not view.caught_up
        await view.stop()

    asyncio.run(scenario())


def test_a_view_fails_when_its_topic_goes_away(connection: Connection) -> None:
    async def scenario() -> None:
        view = CompactedView(connection, SUBSCRIPTIONS, Subscription, Held().take, check_every=0)
        await asyncio.wait_for(view.start(), SOON)
        client, name = AdminClient(connection.admin()), connection.topic(SUBSCRIPTIONS)
        await asyncio.to_thread(client.delete_topics([name])[name].result, SOON)
        with pytest.raises(Misconfigured, match="cannot be read"):
            await asyncio.wait_for(view.failed(), SOON)
        await view.stop()

    asyncio.run(scenario())


def test_a_missing_topic_tells_how_to_make_it(settings: Settings, bootstrap_servers: str) -> None:
    bare = clients.connection(settings, bootstrap_servers)

    async def scenario() -> None:
        view = CompactedView(bare, SUBSCRIPTIONS, Subscription, Held().take)
        try:
            await view.start()
        finally:
            await view.stop()

    with pytest.raises(Misconfigured, match="run `loyalty topics create`"):
        asyncio.run(scenario())


def test_a_record_that_cannot_be_written_is_reported_to_its_writer(
    settings: Settings, bootstrap_servers: str
) -> None:
    bare = clients.connection(settings, bootstrap_servers)

    async def scenario() -> None:
        async with appending(bare) as appender:
            with pytest.raises(LoyaltyError, match="not written"):
                await appender.append(SUBSCRIPTIONS, ONE, subscription(ONE))

    with_short_patience = {"topic.metadata.propagation.max.ms": "100"}
    bare = Connection(bare.bootstrap_servers, bare.prefix, with_short_patience)
    asyncio.run(scenario())
