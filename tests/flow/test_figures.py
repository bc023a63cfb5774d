"""What follows from samples, by tables of them."""

from datetime import timedelta

import pytest

from streams.pipeline_health.figures import (
    StageDelay,
    StageFigures,
    StageStatus,
    append_rate,
    records_per_minute,
    stage_delay,
    stage_figures,
)
from streams.pipeline_health.samples import LOYALTY, Sample
from tests.flow.making import START, sample, table

Rows = list[tuple[int, int]]


def loyalty(samples: list[Sample]) -> StageFigures:
    return stage_figures(samples)[0]


@pytest.mark.parametrize(
    ("rows", "members", "word"),
    [
        pytest.param([(0, 0)], 1, "well", id="at rest"),
        pytest.param([(0, 0)], 0, "nobody", id="nobody, and nothing to do"),
        pytest.param([(0, 0), (60, 9), (120, 5), (180, 7)], 1, "well", id="some are always under way"),
        pytest.param([(0, 0), (60, 60), (60, 60), (60, 60)], 0, "nobody", id="nobody, and much to do"),
        pytest.param([(0, 0), (9, 9), (9, 9), (9, 9)], 1, "stands still", id="none was taken"),
        pytest.param([(0, 0), (90, 60), (180, 120), (270, 180), (360, 240)], 1, "behind", id="too slow"),
        pytest.param([(0, 0), (900, 800), (900, 500), (900, 200)], 1, "catching up", id="less every time"),
    ],
)
def test_a_stage_in_a_word(rows: Rows, members: int, word: StageStatus) -> None:
    assert loyalty(table(rows, members)).word == word


@pytest.mark.parametrize(
    ("rows", "seconds", "at_least"),
    [
        pytest.param([(0, 0), (100, 0)], 0, False, id="nothing is left"),
        pytest.param([(0, 0), (100, 50)], 2.5, False, id="half of what came since the last look"),
        pytest.param([(0, 0), (100, 100), (200, 200)], 10, False, id="none of two looks"),
        pytest.param([(0, 0), (100, 0), (100, 0), (150, 50)], 5, False, id="what came after a rest"),
        pytest.param([(0, 9), (0, 9), (0, 9)], 10, True, id="older than what was seen"),
    ],
)
def test_a_stage_is_as_far_behind_as_the_first_record_is_old_that_it_has_not_read(
    rows: Rows, seconds: float, at_least: bool
) -> None:
    assert stage_delay(table(rows), LOYALTY) == StageDelay(timedelta(seconds=seconds), at_least)


def test_it_is_told_when_a_stage_that_catches_up_will_have_done_so() -> None:
    fare = loyalty(table([(1000, 1000), (1000, 800), (1010, 610), (1020, 420)]))

    # 600 in 15 s are handled; what is left gets less by 380 in 10 s.
    assert (fare.word, fare.rate) == ("catching up", 40)
    assert fare.done_in is not None
    assert round(fare.done_in.total_seconds()) == 11


def test_now_is_the_last_half_minute_and_two_looks_at_least() -> None:
    samples = [sample(0, commands=0), sample(300, commands=3000), sample(315, commands=3000)]

    assert append_rate(samples[:1], "commands") is None
    assert append_rate(samples[:2], "commands") == 10
    assert append_rate([*samples, sample(335, commands=3070)], "commands") == 2
    assert append_rate([], "commands") is None


def test_each_minute_has_what_came_in_it() -> None:
    samples = [sample(0), sample(30, commands=5), sample(60, commands=7), sample(90, commands=17)]

    found = records_per_minute(samples, "commands", START + timedelta(seconds=95), 3)

    assert list(found.begins) == [START - timedelta(minutes=1), START, START + timedelta(minutes=1)]
    assert list(found.counts) == [0, 7, 10]


def test_of_a_time_that_nobody_looked_the_records_are_spread_evenly_and_none_is_lost() -> None:
    samples = [sample(0), sample(180, commands=10)]

    found = records_per_minute(samples, "commands", START + timedelta(seconds=180), 6)

    assert list(found.counts) == [None, 0, 3, 4, 3, 0]


def test_what_was_looked_up_of_the_past_tells_no_stage_and_is_counted_all_the_same() -> None:
    past = [Sample(each.at, each.topics, {}) for each in table([(-60, 0), (-50, 0)])]

    samples = [*past, sample(10, commands=0, loyalty=55)]

    assert loyalty(samples).behind == StageDelay(timedelta(seconds=7.5))
    assert loyalty(samples).rate is None
    assert stage_figures(past) == []
    assert stage_figures([]) == []
