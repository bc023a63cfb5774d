"""Is it well: one sentence for each way in which it is not."""

from datetime import timedelta

import pytest

from streams.pipeline_health.verdict import Trouble, duration_text, find_troubles, healthy_sentence
from tests.flow.making import START, sample, table


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_where_all_is_well_it_is_said_how_much_goes_on_and_how_fresh_it_is() -> None:
    samples = table([(0, 0), (60, 0), (120, 0)])
    now = START + at(11)

    assert find_troubles(samples, now) == []
    assert healthy_sentence(samples, now, None, whole=True) == (
        "All is well: 12 commands a second, everything delivered up to 1 s ago."
    )
    assert healthy_sentence(samples, now, at(4), whole=True) == (
        "All is well: 12 commands a second, everything delivered up to 5 s ago."
    )
    assert (
        healthy_sentence(samples, now, None, whole=False)
        == "All is well: everything delivered up to 1 s ago."
    )


def test_at_rest_everything_is_delivered() -> None:
    samples = table([(7, 0), (7, 0)])

    said = "All is well: no commands just now, everything is delivered."
    assert healthy_sentence(samples, START + at(5), None, whole=True) == said


def test_a_worker_that_is_away_is_one_trouble_and_names_the_command_that_starts_one() -> None:
    samples = [sample(0), sample(120, commands=3), sample(130, members=0, commands=3, loyalty=3)]

    worker, sink = find_troubles(samples, START + at(131))

    assert worker == Trouble(
        "bad",
        "Nobody works on commands, identity-requests and webhook-events: 3 records wait, "
        "the oldest for about 2 min.",
        "Start a process that does:",
        "loyalty worker",
    )
    assert (sink.what, sink.command) == ("Nobody works on deliveries: nothing waits yet.", "loyalty sink")


@pytest.mark.parametrize(
    ("rows", "weight", "what"),
    [
        (
            [(0, 0), (9, 9), (9, 9), (9, 9)],
            "bad",
            "The loyalty stage stands still: 9 records wait, the oldest for about 15 s.",
        ),
        (
            [(0, 0), (90, 60), (180, 120), (270, 180), (360, 240)],
            "warn",
            "The loyalty stage falls behind: 240 records wait, the oldest for about 14 s.",
        ),
        (
            [(1000, 1000), (1000, 800), (1000, 600), (1000, 400)],
            "warn",
            "The loyalty stage catches up: 400 records wait, the oldest for more than 15 s, "
            "done in about 10 s.",
        ),
    ],
)
def test_a_stage_that_is_late(rows: list[tuple[int, int]], weight: str, what: str) -> None:
    (found,) = find_troubles(table(rows), START + at(20))

    assert (found.weight, found.what) == (weight, what)
    assert found.todo


def test_while_kafka_does_not_answer_that_is_all_that_is_said() -> None:
    samples = table([(0, 0), (9, 9)], members=0)

    (silent,) = find_troubles(samples, START + at(200))
    (never,) = find_troubles([], START)

    assert silent.what == "Kafka has not answered for 3 min: what stands here is as old as that."
    assert never.what == "Nothing is known yet: Kafka has not answered so far."
    assert {silent.command, never.command} == {"loyalty broker status"}


def test_what_no_stage_could_read_is_worth_a_look_for_an_hour_and_stands_below_what_is_wrong() -> None:
    samples = [sample(0), sample(5, poison=1)]

    (one,) = find_troubles(samples, START + at(6))
    last = find_troubles([*samples, sample(10, members=0, poison=2)], START + at(11))[-1]

    assert (one.weight, one.what, one.command) == (
        "warn",
        "1 record of the last hour could not be read, and went aside.",
        "loyalty poison list",
    )
    assert last.what == "2 records of the last hour could not be read, and went aside."
    assert find_troubles([sample(0), sample(3700, poison=0)], START + at(3701)) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 s"),
        (1.2, "2 s"),
        (99, "99 s"),
        (100, "1 min"),
        (5999, "99 min"),
        (6000, "1 h"),
        (200_000, "2 days"),
    ],
)
def test_a_length_of_time_has_one_unit(seconds: float, said: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == said
