"""What a worker tells Prometheus."""

import socket
import subprocess
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from streams.local_broker import ports
from streams.settings import Settings
from tests.kafka.fleet import Fleet, registrations
from tests.kafka.processes import LOYALTY, environment


def test_the_lag_of_each_partition_is_told_on_the_port_that_is_set(
    settings: Settings, tmp_path: Path
) -> None:
    port = ports.first_free(22_000)
    fleet = Fleet(settings, tmp_path)
    try:
        fleet.worker("one", LOYALTY_METRICS_PORT=str(port))
        fleet.send(registrations(30))
        fleet.await_all()
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    finally:
        fleet.close()

    families = {family.name: family for family in text_string_to_metric_families(text)}
    lag = families["loyalty_lag_records"].samples
    assert {s.labels["partition"] for s in lag if s.labels["source"] == "commands"} == {"0", "1", "2"}
    assert {s.value for s in families["loyalty_restore_records_left"].samples} == {0}


def test_a_port_that_is_taken_is_refused_in_a_sentence(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [LOYALTY, "worker"],
            env=environment(settings, LOYALTY_METRICS_PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 2
    said = done.stderr.strip().splitlines()[-1]
    assert said == f"Error: LOYALTY_METRICS_PORT={port}: cannot listen there: Address already in use"
    assert "Traceback" not in done.stderr
