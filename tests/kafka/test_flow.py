"""What is seen of a real pipeline, and that a page in memory is told the same kind of thing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from streams.kafka.clients import Connection
from streams.pipeline_health.figures import records_per_minute, stage_figures
from streams.pipeline_health.samples import STAGES, TOPICS, Sample
from streams.pipeline_health.verdict import find_troubles, healthy_sentence
from streams.projections.pipeline_monitor import PipelineMonitor
from streams.settings import Settings
from tests.connectors.sink_driver import FIRST
from tests.kafka.fleet import Fleet, one_unit_each, registrations
from tests.kafka.processes import running
from tests.kafka.test_sink_on_broker import listening, subscribe

WITHIN = 60.0
MEMBERS = 5


@pytest.fixture
def fleet(settings: Settings) -> Iterator[Fleet]:
    made = Fleet(settings, settings.home / "fleet")
    yield made
    made.close()


@asynccontextmanager
async def watched(connection: Connection) -> AsyncIterator[PipelineMonitor]:
    flow = PipelineMonitor(connection, every=0.2)
    flow.start()
    try:
        yield flow
    finally:
        await flow.stop()


async def until(flow: PipelineMonitor, holds: Callable[[Sample], bool]) -> Sample:
    """The first sample taken after the call, of which it holds."""
    asked, deadline = datetime.now(UTC), asyncio.get_running_loop().time() + WITHIN
    while not (flow.samples and flow.samples[-1].at > asked and holds(flow.samples[-1])):
        assert asyncio.get_running_loop().time() < deadline, flow.samples[-1:]
        await asyncio.sleep(0.05)
    return flow.samples[-1]


def kept(sample: Sample) -> dict[str, int]:
    return {name: counted.kept for name, counted in sample.topics.items() if counted.kept}


def test_records_are_counted_without_the_markers_of_transactions_and_nothing_is_left_at_rest(
    settings: Settings, fleet: Fleet
) -> None:
    """One command after the other: each makes transactions of its own in every topic behind it."""

    async def scenario() -> None:
        async with watched(fleet.connection) as flow:
            with ExitStack() as programs:
                url = f"{listening(programs, settings)}/hook"
                subscribe(fleet.connection, replace(FIRST, url=url))
                for role in ("worker", "sink"):
                    programs.enter_context(running(settings, role))
                for _ in range(3):
                    fleet.send(one_unit_each(1))
                    await asyncio.to_thread(fleet.await_all)
                rest = await until(flow, lambda sample: sample.topics["rejections"].kept == 3)
                fleet.send(registrations(MEMBERS))
                done = await until(flow, lambda sample: sample.topics["attempts"].kept == MEMBERS)
                done = await until(flow, lambda sample: not any(s.left for s in sample.stages.values()))
                # Before those who work are ended, and are seen to be.
                samples = flow.samples

            assert kept(rest) == {"commands": 3, "rejections": 3}
            of_members = kept(done)
            assert {
                name: of_members[name] for name in ("commands", "deliveries", "attempts", "rejections")
            } == {
                "commands": 3 + MEMBERS,
                "deliveries": MEMBERS,
                "attempts": MEMBERS,
                "rejections": 3,
            }
            assert {stand.members for stand in done.stages.values()} == {1}
            assert find_troubles(samples, done.at) == []
            assert healthy_sentence(samples, done.at, None, whole=True).startswith("All is well: ")
            assert sum(filter(None, records_per_minute(samples, "commands", done.at).counts)) == 3 + MEMBERS

    asyncio.run(scenario())


def test_a_worker_that_has_stopped_is_seen_by_what_is_left_and_that_nobody_works(
    settings: Settings, fleet: Fleet
) -> None:
    async def scenario() -> None:
        async with watched(fleet.connection) as flow:
            with running(settings, "worker"):
                fleet.send(registrations(MEMBERS))
                await asyncio.to_thread(fleet.await_all)
                await until(flow, lambda sample: sample.stages["loyalty"].left == 0)
            fleet.send(one_unit_each(MEMBERS))
            # Kafka waits for one that may come back.
            of_worker = ("loyalty", "identity", "fan-out")
            await until(flow, lambda sample: not any(sample.stages[name].members for name in of_worker))

            loyalty, *_ = stage_figures(flow.samples)
            assert (loyalty.word, loyalty.left, loyalty.behind.at_least) == ("nobody", MEMBERS, False)
            assert loyalty.behind.time.total_seconds() > 0
            worker, sink = find_troubles(flow.samples, datetime.now(UTC))
            assert worker.what.startswith(
                "Nobody works on commands, identity-requests and webhook-events: 5 records wait"
            )
            assert (worker.command, sink.command) == ("loyalty worker", "loyalty sink")

        async with watched(fleet.connection) as flow:
            await until(flow, lambda sample: sample.stages["loyalty"].left == MEMBERS)

            # One that has just started knows the hour before, too.
            assert (
                sum(filter(None, records_per_minute(flow.samples, "commands", datetime.now(UTC)).counts))
                == 2 * MEMBERS
            )
            assert not stage_figures(flow.samples)[0].behind.at_least

    asyncio.run(scenario())


def test_while_no_kafka_answers_there_are_no_samples_and_it_ends_when_told(settings: Settings) -> None:
    async def scenario() -> None:
        async with watched(Connection("127.0.0.1:1")) as flow:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(flow.failed(), 0.5)
            assert flow.samples == ()

    asyncio.run(scenario())


def test_all_topics_and_stages_are_looked_at(fleet: Fleet) -> None:
    async def scenario() -> None:
        async with watched(fleet.connection) as flow:
            sample = await until(flow, lambda _: True)

        assert set(sample.topics) == set(TOPICS)
        assert set(sample.stages) == {stage.name for stage in STAGES}

    asyncio.run(scenario())
