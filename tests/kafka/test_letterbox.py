"""Dead letters and single deliveries: in memory and on a real broker the same promises are kept."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from api.services.dead_letters import DeadLetterPort
from streams.codec.avro import HEADER, encode
from streams.domain.values import Value
from streams.jobs.dead_letters import DeadLetterStore
from streams.jobs.redrive_sources import DeadLetterFilter
from streams.kafka.clients import Connection, connection
from streams.kafka.producer import RecordAppender
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.topics import ATTEMPTS, DEAD_LETTERS, DELIVERIES, WEBHOOK_EVENTS, Topic
from tests.api.past import BoxInMemory
from tests.connectors.sink_driver import FIRST, SECOND, delivery
from tests.delivery.test_books import attempt
from tests.driver import Pipeline
from tests.kafka.test_dead_letters import letter
from tests.samples import ANNA, NOON, SETTINGS, register, uid

TO = FIRST.subscription_id
ALL = DeadLetterFilter(subscriptions=frozenset((TO,)))
LETTERS = [letter(1), letter(2, 404), letter(3, None), letter(4, to=SECOND.subscription_id)]
MADE = [delivery(1), delivery(7), delivery(8), delivery(9, to=SECOND.subscription_id)]
DELIVERED = {uid(7), uid(9)}
Scenario = Callable[[DeadLetterPort], Awaitable[None]]


def append(cluster: Connection, topic: Topic, values: list[tuple[str, Value]]) -> None:
    producer = Producer(cluster.producer())
    for key, value in values:
        data, header = encode(value)
        producer.produce(cluster.topic(topic), data, key, headers={HEADER: header})
    assert producer.flush(60) == 0


@pytest.fixture
def cluster(settings: Settings) -> Connection:
    made = connection(settings, settings.bootstrap_servers or "")
    create_topics(made, settings)
    return made


def on_broker(cluster: Connection, scenario: Scenario) -> None:
    async def run() -> None:
        appender = RecordAppender(cluster)
        try:
            await scenario(DeadLetterStore(cluster, appender, {TO, SECOND.subscription_id}.__contains__))
        finally:
            await appender.close()

    asyncio.run(run())


@pytest.fixture(params=["in memory", "on a broker"])
def box(request: pytest.FixtureRequest) -> Callable[[Scenario], None]:
    """Runs a scenario over the same letters and deliveries."""
    if request.param == "in memory":
        memory = BoxInMemory()
        memory.letters, memory.deliveries, memory.delivered = list(LETTERS), list(MADE), set(DELIVERED)

        async def run(scenario: Scenario) -> None:
            await scenario(memory)

        return lambda scenario: asyncio.run(run(scenario))
    cluster: Connection = request.getfixturevalue("cluster")
    append(cluster, DELIVERIES, [(each.subscription_id, each) for each in MADE])
    append(
        cluster,
        ATTEMPTS,
        [(each.subscription_id, attempt(each)) for each in MADE if each.delivery_id in DELIVERED],
    )
    append(cluster, DEAD_LETTERS, [(each.delivery.subscription_id, each) for each in LETTERS])
    return lambda scenario: on_broker(cluster, scenario)


def test_the_newest_are_listed_first(box: Callable[[Scenario], None]) -> None:
    async def scenario(found: DeadLetterPort) -> None:
        every = await found.newest(TO, ALL, 10)
        one = await found.newest(TO, dataclasses.replace(ALL, statuses=frozenset((404, 503))), 1)
        assert [each.record.delivery.delivery_id for each in every] == [uid(3), uid(2), uid(1)]
        assert [each.record.reason for each in one] == ["given up, no. 2"]

    box(scenario)


def test_each_is_sent_again_once_and_so_many_at_a_time(box: Callable[[Scenario], None]) -> None:
    async def scenario(found: DeadLetterPort) -> None:
        before = await found.count(TO, ALL)
        count, sent = await found.redrive(TO, ALL, 2)
        rest, later = await found.redrive(TO, ALL, 2)
        after = await found.count(TO, ALL)

        assert (before.matching, before.to_send) == (count.matching, count.to_send) == (3, 3)
        assert (sent, rest.to_send, later) == (2, 1, 1)
        assert (after.to_send, dict(after.obstacles)) == (0, {"re-driven before": 3})
        assert all(each.redriven_at for each in await found.newest(TO, ALL, 10))

    box(scenario)


def test_what_became_of_a_delivery_is_looked_up(box: Callable[[Scenario], None]) -> None:
    async def scenario(found: DeadLetterPort) -> None:
        fates = {}
        for number in (1, 7, 8, 9, 99):
            kept = await found.kept(FIRST, uid(number))
            fates[number] = kept and kept.fate
        assert fates == {1: "failed", 7: "delivered", 8: "pending", 9: None, 99: None}

        again = replace(MADE[1], replay=uid(5))
        await found.again(again)
        kept = await found.kept(FIRST, uid(7))
        assert kept is not None
        assert kept.delivery == again

    box(scenario)


def test_one_whose_delivery_is_not_kept_any_more_is_made_of_its_event(cluster: Connection) -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(FIRST)
    run.when(register(ANNA))
    (made,) = run.deliveries()
    producer = Producer(cluster.producer())
    for record in run.log[WEBHOOK_EVENTS.name]:
        name = cluster.topic(WEBHOOK_EVENTS)
        producer.produce(name, record.value, record.key, headers=dict(record.headers))
    assert producer.flush(60) == 0
    append(cluster, ATTEMPTS, [(TO, attempt(made))])

    async def scenario(found: DeadLetterPort) -> None:
        kept = await found.kept(FIRST, made.delivery_id)
        assert kept is not None
        assert (replace(kept.delivery, replay=None), kept.fate) == (made, "delivered")

    on_broker(cluster, scenario)
