"""The simulated cluster does as Kafka does: the same scripts, the same results."""

import uuid
from collections.abc import Callable

import pytest

from streams.kafka.clients import Connection
from tests.simulated.bench import Bench, Result
from tests.simulated.cluster import SimulatedCluster
from tests.simulated.hosts import Host
from tests.simulated.hub import Hub
from tests.simulated.scripts import SCRIPTS

Script = Callable[[Bench], Result]
_NAMES = [script.__name__ for script in SCRIPTS]


@pytest.mark.kafka
@pytest.mark.parametrize("script", SCRIPTS, ids=_NAMES)
def test_kafka_gives_that(script: Script, bootstrap_servers: str) -> None:
    bench = Bench(Connection(bootstrap_servers), f"contract-{uuid.uuid4().hex[:8]}")

    try:
        assert script(bench) == SCRIPTS[script]
    finally:
        bench.close()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("script", SCRIPTS, ids=_NAMES)
def test_the_simulated_cluster_gives_the_same(script: Script, seed: int) -> None:
    assert on_the_simulated_cluster(script, seed) == SCRIPTS[script]


def on_the_simulated_cluster(script: Script, seed: int) -> Result | None:
    hub = Hub(seed)
    host = Host(hub, "script")
    cluster = SimulatedCluster(hub, brokers=1)
    results: list[Result] = []

    def work() -> None:
        bench = Bench(Connection("simulated", cluster=cluster.seen_by(host)), "contract")
        results.append(script(bench))
        bench.close()

    host.spawn(work, "script")
    hub.run(lambda: not host.threads, 300.0)
    return results[0] if results else None
