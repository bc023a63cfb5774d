"""What replays are asked for through: in memory and on a real broker the same promises are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from api.process.control_topics import ProgressLog, follow_replays
from api.process.topic_log import TopicLog
from api.services.replays import ReplayPorts
from streams.delivery.replay_jobs import ReplayJobs
from streams.jobs.replay_estimate import ReplayEstimator
from streams.kafka.clients import Connection
from streams.kafka.producer import RecordAppender
from streams.settings import Settings
from streams.topics import REPLAYS
from tests.api.logs import put
from tests.api.past import OrdersInMemory, Recounted
from tests.delivery.test_orders import order, progress
from tests.kafka.test_replay import WANTED
from tests.kafka.test_replays_over_http import subscribed_and_published
from tests.samples import NOON, uid

EVENTS = 40
Scenario = Callable[[ReplayPorts], Awaitable[None]]


@pytest.fixture
def cluster(settings: Settings) -> Connection:
    return subscribed_and_published(settings, EVENTS)


async def on_broker(cluster: Connection, folder: Path, scenario: Scenario) -> None:
    orders = ReplayJobs()
    asked, told = follow_replays(cluster, orders)
    appender = RecordAppender(cluster)
    try:
        await asyncio.gather(asked.start(), told.start())
        log = TopicLog(cluster, REPLAYS, asked, orders.order, together=False)
        progress_log = ProgressLog(cluster, appender, told)
        await scenario(ReplayPorts(orders, log, progress_log, ReplayEstimator(cluster, folder), "here"))
    finally:
        await appender.close()
        await asyncio.gather(asked.stop(), told.stop())


async def in_memory(scenario: Scenario) -> None:
    made = OrdersInMemory()
    made.counts = Recounted(EVENTS, offsets=EVENTS)
    await scenario(made.ports)


@pytest.fixture(params=["in memory", "on a broker"])
def ports(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    """Runs a scenario over forty webhook events that the subscription wants."""
    if request.param == "in memory":
        return lambda scenario: asyncio.run(in_memory(scenario))
    cluster: Connection = request.getfixturevalue("cluster")
    return lambda scenario: asyncio.run(on_broker(cluster, tmp_path, scenario))


def test_what_is_written_is_among_the_orders_and_what_is_forgotten_is_not(
    ports: Callable[[Scenario], None],
) -> None:
    async def scenario(found: ReplayPorts) -> None:
        await put(found.log, uid(1), order(1))
        await put(found.log, uid(2), order(2))
        await found.progress.write(uid(1), progress(1, state="done", sent=3))
        await put(found.log, uid(2), None)
        await found.log.current()

        (standing,) = found.orders.of(order().subscription_id)
        assert (standing.order, standing.state) == (order(1), "done")
        await found.progress.write(uid(1), None)
        assert [each.state for each in found.orders.open()] == ["asked"]

    ports(scenario)


def test_it_is_counted_how_many_deliveries_it_would_be(ports: Callable[[Scenario], None]) -> None:
    asked = order(
        subscription_id=WANTED.subscription_id,
        since=NOON - timedelta(days=999),
        until=NOON + timedelta(days=9999),
    )

    async def scenario(found: ReplayPorts) -> None:
        counted = await found.counter.of(asked, WANTED)
        assert counted is not None
        assert (counted.deliveries, counted.exact, counted.offsets) == (EVENTS, True, EVENTS)

    ports(scenario)
