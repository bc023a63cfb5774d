"""Metrics and probes over HTTP: a port of a range, and what a process waits for."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from streams.errors import Misconfigured
from streams.runtime.metrics import LabelSlots, Metrics
from streams.runtime.monitoring import MonitoringServer
from streams.runtime.probes import STALL_LIMIT, Probes
from streams.settings import Settings


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def taken() -> Iterator[int]:
    """A port where somebody else listens; the one after it is below 65,536."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_each_process_takes_the_first_free_port_of_the_range(taken: int) -> None:
    settings = Settings(metrics_port=f"{taken}-{min(65_535, taken + 50)}")

    first = MonitoringServer(Metrics(), Probes(), settings)
    second = MonitoringServer(Metrics(), Probes(), settings)
    try:
        assert first.address != second.address
        for server in (first, second):
            assert "loyalty_build_info" in httpx.get(f"{server.address}/metrics").text
    finally:
        first.close()
        second.close()


def test_a_port_that_is_taken_is_refused_and_named(taken: int) -> None:
    with pytest.raises(Misconfigured, match=f"LOYALTY_METRICS_PORT={taken}: cannot listen there"):
        MonitoringServer(Metrics(), Probes(), Settings(metrics_port=str(taken)))


@pytest.mark.parametrize("ports", ["65536", "9470-9464", "0-10", "-1", "9464-"])
def test_ports_that_are_none_are_refused(ports: str) -> None:
    with pytest.raises(ValueError, match="metrics_port"):
        Settings(metrics_port=ports)


def test_each_probe_says_what_the_process_waits_for() -> None:
    clock, waits = Clock(), ["commands: the restore of partitions 0"]
    probes = Probes(clock)
    probes.add_check(lambda: waits)
    server = MonitoringServer(Metrics(), probes, Settings(metrics_port="23000-23999"))

    def ask(path: str) -> tuple[int, list[str]]:
        answer = httpx.get(f"{server.address}{path}")
        return answer.status_code, answer.json()["waitsFor"]

    try:
        status, reasons = ask("/startupz")
        assert (status, reasons[0].split(":")[0]) == (503, "the start")

        probes.note_start()
        probes.beat()
        assert ask("/startupz") == ask("/livez") == (200, [])
        assert ask("/readyz") == (503, ["commands: the restore of partitions 0"])

        waits.clear()
        assert ask("/readyz") == (200, [])

        clock.now += STALL_LIMIT + 1
        silent = ["the event loop, which has stood for 31 s"]
        assert ask("/livez") == ask("/readyz") == (503, silent)
        assert httpx.get(f"{server.address}/").status_code == 404
    finally:
        server.close()


def test_a_label_has_no_more_values_than_its_slots_and_an_idle_one_gives_its_own_away() -> None:
    clock, released = Clock(), list[str]()
    slots = LabelSlots(2, released.append, idle=60, clock=clock)

    assert [slots.label(each) for each in "abca"] == ["a", "b", "other", "a"]
    clock.now += 30
    slots.label("a")
    clock.now += 31
    assert [slots.label(each) for each in "cb"] == ["c", "other"]
    assert released == ["b"]
    assert LabelSlots(0, released.append).label("a") == "other"
