"""A broker that is frozen: connections are taken, and nothing is answered."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from streams.local_broker import LocalBroker, detached, ports
from streams.settings import Settings, variable_name
from tests.kafka.processes import LOYALTY, environment, finished, running

ENDS_WITHIN = 25.0
"""Seconds. It takes seven where the machine has nothing else to do; it was 61."""


@pytest.fixture
def broker(tmp_path: Path, libraries: Path) -> Iterator[LocalBroker]:
    with LocalBroker(tmp_path / "broker", libraries=libraries) as broker:
        yield broker


@pytest.mark.parametrize("command", ["worker", "sink", "api"])
def test_who_is_told_to_end_while_the_broker_is_silent_ends_within_seconds(
    broker: LocalBroker, tmp_path: Path, command: str
) -> None:
    settings = Settings(
        bootstrap_servers=broker.bootstrap_servers, topic_prefix="t.", home=tmp_path, partitions=2
    )
    key = {variable_name("api_key_hashes"): "0" * 64, variable_name("api_port"): "0"}
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            [LOYALTY, command],
            env=environment(settings, **key),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            told = time.monotonic()
            process.terminate()
            code = process.wait(2 * ENDS_WITHIN)
            took = time.monotonic() - told
        finally:
            os.kill(broker.pid, signal.SIGCONT)
            process.kill()

    # In order, where nothing is under way that needs Kafka; else without it.
    assert (code, took < ENDS_WITHIN) == (0, True), took


def test_the_api_is_not_healthy_while_the_broker_is_silent_and_says_so(
    broker: LocalBroker, tmp_path: Path
) -> None:
    settings = Settings(
        bootstrap_servers=broker.bootstrap_servers, topic_prefix="t.", home=tmp_path, partitions=2
    )
    port, api_port = ports.first_free(23_000), str(ports.first_free(24_000))
    more = {variable_name("api_key_hashes"): "0" * 64, variable_name("api_port"): api_port}
    with running(settings, "api", LOYALTY_METRICS_PORT=f"{port}-{port + 20}", **more):
        log = (tmp_path / "api.log").read_text()
        address = re.findall(r"metrics and probes are at (http://[^\s\"]+)", log)[0]
        probes = [f"{address}/readyz", f"http://127.0.0.1:{api_port}/health"]
        for probe in probes:
            assert await_status(probe, 200).json() == {"status": "OK", "waitsFor": []}
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            for probe in probes:
                waits = " ".join(await_status(probe, 503).json()["waitsFor"])
                assert "Kafka, which has not answered for" in waits
            # A restart would mend nothing.
            assert httpx.get(f"{address}/livez").status_code == 200
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        for probe in probes:
            await_status(probe, 200)


def await_status(probe: str, status: int) -> httpx.Response:
    """The first answer with that status."""
    deadline = time.monotonic() + 60
    while (answer := httpx.get(probe, timeout=10)).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    return answer


def test_a_local_broker_that_is_frozen_is_no_absent_one(tmp_path: Path, libraries: Path) -> None:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / libraries.name).symlink_to(libraries)
    found = detached.start_detached(tmp_path)
    settings = Settings(home=tmp_path)
    os.kill(found.pid, signal.SIGSTOP)
    try:
        code, said = finished(settings, "audit", "list")
        status, shown = finished(settings, "broker", "status")
    finally:
        os.kill(found.pid, signal.SIGCONT)
        detached.stop_detached(tmp_path)

    assert code == 1
    assert f"the local broker (pid {found.pid}, {found.bootstrap}) runs and does not answer" in said
    assert (status, shown) == (3, f"Runs and does not answer: {found.bootstrap} (pid {found.pid})\n")
