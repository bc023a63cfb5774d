"""Whatever befalls the cluster and its processes, the result is the model's: 200 seeds, 1,000 in soak."""

import os
import subprocess
import sys

import pytest
from _pytest.mark.structures import ParameterSet

from tests.simulated.run import run

SEEDS, SOAK_SEEDS, CHUNK = 200, 1_000, 50
_PRINTS = "from tests.simulated.run import run; print(*(run(seed).fingerprint for seed in (7, 24)))"


def chunk(first: int) -> ParameterSet:
    """Each chunk may run in another process of pytest-xdist."""
    marks = [pytest.mark.soak] * (first >= SEEDS)
    return pytest.param(first, marks=marks)


@pytest.mark.parametrize("first", [chunk(first) for first in range(0, SOAK_SEEDS, CHUNK)])
def test_whatever_befalls_the_cluster_the_result_is_the_models(first: int) -> None:
    reports = [run(seed) for seed in range(first, first + CHUNK)]

    assert [str(report) for report in reports if report.complaints] == []


def test_a_seed_reproduces_its_run_to_the_step() -> None:
    here = " ".join(run(seed).fingerprint for seed in (7, 24))
    told = [
        subprocess.run(
            [sys.executable, "-c", _PRINTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]

    assert told == [here, here]


def test_another_seed_is_another_run() -> None:
    assert run(7).fingerprint != run(8).fingerprint
