"""An endpoint may answer anything: each attempt is recorded, and nobody else notices. For longer, by hand:
`python -m tests.connectors.fuzz_answers`."""

import sys

import pytest

from tests.connectors.fuzzed_sink import fuzz

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("answers", [2_000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_answers_of_any_bytes_are_each_recorded_and_harm_nobody(answers: int) -> None:
    found = await fuzz(range(answers), seed=17)

    # Told, not asserted: a busy machine is slow by itself. By hand it is.
    sys.stdout.write(f"{found.seconds:.1f} s, healthy p99 {found.p99 * 1000:.1f} ms\n")
    assert found.attempts == answers
    assert found.healthy_delivered == found.healthy_sent > 0
    assert found.unhandled == []
