"""What seeds find when a mending is taken back: an oracle that finds nothing proves nothing."""

import re
import subprocess
import sys

import pytest

from tests.simulated.run import run

FOUND = {
    "restore": (5, r"IdentityStage: changelogs of partition \d: .* differ"),
    "stuck": (15, r"a commit was stuck for \d"),
    "passing": (13, "KAFKA_STORAGE_ERROR, which passes"),
}
"""By mending: a seed that finds it gone, and the complaint."""


@pytest.mark.parametrize("mending", FOUND)
def test_seeds_find_what_a_mending_taken_back_lets_in(mending: str) -> None:
    seed, complaint = FOUND[mending]
    # A process of its own: what is taken back stays away in it.
    command = [sys.executable, "-m", "tests.simulated", "--seed", str(seed), "--without", mending]

    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert found.returncode == 1, found.stderr
    assert any(re.search(complaint, line) for line in found.stdout.splitlines() if "complaint:" in line)


@pytest.mark.parametrize("mending", FOUND)
def test_with_the_mending_the_same_seed_has_nothing_to_complain_of(mending: str) -> None:
    assert run(FOUND[mending][0]).complaints == []
