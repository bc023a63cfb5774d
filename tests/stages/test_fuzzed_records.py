"""Hostile records, the same on every run; by hand a million: `python -m tests.stages.fuzz_records`."""

import pytest

from tests.stages.fuzzed_stages import Tally, fuzz
from tests.stages.hostile_records import SOURCES

COUNT = 5_000
PATIENCE = 5.0
"""Seconds of CPU for a record of some size; by hand the bound is 50 ms and a microsecond a byte."""


@pytest.mark.parametrize("stage", SOURCES)
def test_whatever_the_record_it_ends_in_poison_in_a_rejection_or_in_facts(stage: str) -> None:
    tally = Tally()

    played = list(fuzz(stage, range(COUNT), 1, tally))

    assert tally.faults == []
    assert len(played) == tally.outcomes.total() == COUNT
    assert tally.slowest[0] < PATIENCE
    assert not tally.outcomes["raised"]
    assert min(tally.outcomes[wanted] for wanted in _WANTED[stage]) > COUNT // 100


_WANTED = {
    "loyalty": ("poison", "rejection", "facts"),
    "identity": ("poison", "messages", "requests"),
    "fan-out": ("poison", "deliveries"),
}
"""What must be among the outcomes: a fuzzer that reaches nothing finds nothing."""
