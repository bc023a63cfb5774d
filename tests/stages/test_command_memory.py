"""The ids of commands are remembered for a window and no longer: what it takes is bounded."""

from datetime import timedelta

import pytest

from streams.domain.events import UnitsEarned
from streams.stages.context import Clock, StreamClock, WallClock
from tests.driver import Pipeline
from tests.samples import BORIS, NOON, SETTINGS, add, register, spend

WINDOW = timedelta(hours=24)


def remembered(run: Pipeline) -> int:
    # The partition's own time stands there too, under nobody's name.
    return sum(table == "commands" and owner != "" for table, owner, _, _ in run.tables.entries())


@pytest.mark.parametrize("clock", [WallClock, StreamClock])
def test_an_id_is_forgotten_when_its_window_is_over(clock: type[Clock]) -> None:
    run = Pipeline(SETTINGS, now=NOON, clock=clock(), memory=WINDOW)
    run.when(register(), add("5"), spend("99"))
    within = remembered(run)

    run.now = NOON + WINDOW
    run.when(register(BORIS, NOON + WINDOW))
    run.at(NOON + WINDOW)

    assert within == 3
    # The latest command alone: who plays history hears of the hour by it.
    assert remembered(run) == 1


def test_a_repeat_changes_nothing_within_the_window_and_is_a_new_command_after_it() -> None:
    run = Pipeline(SETTINGS, now=NOON, memory=WINDOW)
    earned = add("5")
    run.when(register(), earned)

    run.at(NOON + WINDOW - timedelta(seconds=1))
    run.when(earned)
    before = len(run.facts(UnitsEarned))
    run.at(NOON + WINDOW)
    run.when(earned)

    assert before == 1
    assert len(run.facts(UnitsEarned)) == 2
