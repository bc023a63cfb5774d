"""A turn is bounded: a burst of timers holds up no commands, and what a cut turn left comes in the next."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.domain.events import UnitsEarned, UnitsExpired
from streams.stages.context import Clock, Record, StageContext, StreamClock, WallClock
from streams.topics import EVENTS
from tests.driver import Pipeline, record
from tests.samples import NOON, SETTINGS, add, register

LOTS = 30
EARNED = NOON - timedelta(days=10)
BUDGET = 10


def burst(clock: Clock) -> Pipeline:
    """`LOTS` lots that end on the day before `NOON`; their announcements are out."""
    run = Pipeline(SETTINGS, now=EARNED, clock=clock, memory=timedelta(days=999))
    run.when(register(at=EARNED), *(add("1", at=EARNED, expires_in_days=9) for _ in range(LOTS)))
    if not clock.plays_history:
        run.at(EARNED)
    run.now = NOON
    return run


def turn(run: Pipeline, records: Sequence[Record], budget: int = BUDGET) -> tuple[int, int, int]:
    """One committed turn: records handled, lots that were earned, lots that expired."""
    one = StageContext(0, run.tables, run.now)
    handled = run.loyalty.play(one, records, budget)
    run.tables.commit(list(run.tables.changelog()), {})
    facts = [output.value for output in one.outputs if output.topic is EVENTS]
    return (
        handled,
        sum(isinstance(fact, UnitsEarned) for fact in facts),
        sum(isinstance(fact, UnitsExpired) for fact in facts),
    )


def arrivals(count: int) -> list[Record]:
    return [record(add("1", at=NOON), n) for n in range(count)]


def test_live_records_and_timers_each_get_half_of_a_turn_that_both_would_fill() -> None:
    run = burst(WallClock())

    assert turn(run, arrivals(50)) == (5, 5, 5)


def test_live_what_records_leave_goes_to_timers() -> None:
    run = burst(WallClock())

    assert turn(run, arrivals(2)) == (2, 2, 8)
    assert turn(run, []) == (0, 0, 10)


def test_live_a_record_is_handled_even_on_the_smallest_budget() -> None:
    run = burst(WallClock())

    assert turn(run, arrivals(3), budget=1) == (1, 1, 0)


def test_live_timers_are_fired_to_the_last_without_records() -> None:
    run = burst(WallClock())

    fired = [turn(run, [])[2] for _ in range(5)]

    assert fired == [10, 10, 10, 0, 0]
    assert run.tables.first_due(NOON) is None


def test_in_history_timers_come_before_the_record_that_reached_their_time() -> None:
    run = burst(StreamClock())
    waiting = arrivals(2)

    assert [turn(run, waiting) for _ in range(4)] == [(0, 0, 10), (0, 0, 10), (0, 0, 10), (2, 2, 0)]


@given(st.integers(0, 20), st.lists(st.integers(1, 12), max_size=40), st.booleans())
def test_no_record_is_lost_or_handled_twice_where_turns_are_cut(
    count: int, budgets: list[int], history: bool
) -> None:
    run, left, sizes = burst(StreamClock() if history else WallClock()), arrivals(count), iter(budgets)
    earned = expired = turns = 0

    while left or (not history and run.tables.first_due(NOON)):
        budget = next(sizes, 100)
        handled, new, gone = turn(run, left, budget)
        assert handled + gone <= max(1, budget)
        left, earned, expired, turns = left[handled:], earned + new, expired + gone, turns + 1
        assert turns < 1_000

    assert earned == count
    assert expired == (LOTS if count or not history else 0)
