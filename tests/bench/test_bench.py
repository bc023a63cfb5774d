"""The bench cannot rot: its smallest size runs, and every figure stands beside its floor."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.bench.check import BASELINE, ROLES, ratios, worse
from tests.bench.figures import Figure, Run, rate
from tests.bench.floor import Stopwatch
from tests.bench.program import Role

FIGURES = {
    "spend with many lots, soonest first",
    "spend of a whole lot, soonest first",
    "spend with many lots, oldest first",
    "spend of a whole lot, oldest first",
    "purchase after many",
    "bare runtime",
    "loyalty stage",
    "restore",
    "a lot on disk",
    "nothing due",
    "commands, planning anew",
    "lots told of",
    "memory while telling",
    "command in a burst, p99",
    "append to POST, p50",
    "append to POST, p99",
    "sink",
    "two sinks",
    "delivery to POST, p50",
    "delivery to POST, p99",
    "beside a slow endpoint, p99",
    "subscription list",
    "subscription list, p99",
    "spend over HTTP",
    "spend over HTTP, p99",
    "overload, answered",
    "replay, all matching",
    "replay, 1% matching",
}


# For minutes it wants the machine for itself: what it times must not wait for others.
@pytest.mark.soak
@pytest.mark.kafka
def test_every_figure_is_measured_beside_its_floor(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--json", str(file)]

    wide = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=wide)

    assert done.returncode == 0, done.stderr[-2_000:]
    figures = msgspec.json.decode(file.read_bytes())["figures"]
    assert {figure["name"] for figure in figures} == FIGURES
    for figure in figures:
        assert figure["value"] > 0
        assert figure["floor"] > 0
        assert figure["ratio"] == pytest.approx(figure["value"] / figure["floor"])
        assert figure["name"] in done.stdout


def test_a_ratio_beyond_the_margin_is_named() -> None:
    now = ratios({"copy": [4.0, 9.0, 5.0], "hand": [40.0], "bare": [50.0], "loyalty": [150.0]})

    assert now == {"bare / copy": 10.0, "bare / hand": 1.25, "loyalty / copy": 30.0, "loyalty / hand": 3.75}
    assert worse(now, now | {"bare / hand": 1.0}) == []
    assert worse(now, now | {"bare / hand": 0.99}) == ["bare / hand"]


def test_the_baseline_has_every_ratio_that_is_checked() -> None:
    costs: dict[Role, list[float]] = {role: [1.0] for role in ROLES}

    assert msgspec.json.decode(BASELINE.read_bytes()).keys() == ratios(costs).keys()


def test_a_rate_is_better_when_higher_and_a_time_when_lower() -> None:
    run, floor = Run(records=800, seconds=1.0, cpu=1.0), Run(records=1_000, seconds=1.0, cpu=1.0)

    assert rate("x", "records/s", run, floor, "floor", aim_ratio=0.8).met
    assert not rate("x", "records/s", run, floor, "floor", aim=801).met
    assert Figure("x", 59.0, "ms", 40.0, "floor", aim=60.0).met
    assert not Figure("x", 61.0, "ms", 40.0, "floor", aim=60.0).met


def test_what_came_before_the_warm_up_was_over_is_not_measured() -> None:
    watch = Stopwatch(skip=10, total=30)

    for batch in (8, 8, 8, 8):
        watch.count(batch)
        watch.look()

    assert watch.result is not None
    assert watch.result.records == 16
