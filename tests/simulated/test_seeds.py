"""A thousand seeds: whatever befalls the cluster and its processes, the result is the model's."""

import os
import subprocess
import sys

import pytest

from tests.simulated.run import run

SEEDS, CHUNK = 1_000, 50
_PRINTS = "from tests.simulated.run import run; print(*(run(seed).fingerprint for seed in (7, 24)))"


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
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
