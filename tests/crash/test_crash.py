"""Exactly once through kills, freezes, wiped disks, joins and leaves; at least once over HTTP."""

import os
import sys
from pathlib import Path

import pytest

from tests.crash.plan import plan
from tests.crash.run import run

KILLS, KILLS_IN_SOAK = 8, 20
# The same blows in every run, so that two runs can be compared; `make soak` draws its own.
SEED = int(os.environ.get("SEED", "1997"))


@pytest.mark.crash
@pytest.mark.parametrize("kills", [KILLS, pytest.param(KILLS_IN_SOAK, marks=pytest.mark.soak)])
def test_what_was_struck_at_random_moments_equals_the_models_run(tmp_path: Path, kills: int) -> None:
    report = run(plan(SEED, kills), tmp_path, lambda _: None)

    sys.stdout.write(f"{report}\n")
    assert report.kills >= kills
    assert not report.complaints, str(report)


def test_a_seed_makes_the_same_plan_again() -> None:
    assert plan(7, 20) == plan(7, 20)
    assert plan(7, 20) != plan(8, 20)
