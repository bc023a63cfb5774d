"""What is known of a delivery follows from its records, in whichever order they come."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import permutations

import pytest

from streams.delivery.delivery_state import (
    DeliveryState,
    DeliveryStatus,
    RecordPosition,
    apply_attempt,
    apply_dead_letter,
    apply_delivery,
)
from streams.delivery.records import Attempt, DeadLetter, Delivery
from tests.delivery.journal_records import SECOND, attempt, delivery, letter
from tests.samples import NOON

ONE = delivery(1)
Step = tuple[int, Delivery | Attempt | DeadLetter]
"""Seconds after noon, and what was appended then."""
MADE: Step = (0, ONE)
FAILED: Step = (1, attempt(ONE, "retry", 1, NOON + SECOND))
DELIVERED: Step = (6, attempt(ONE, "delivered", 2, NOON + 6 * SECOND))
GIVEN_UP: list[Step] = [
    (7, attempt(ONE, "dead", 2, NOON + 7 * SECOND)),
    (7, letter(ONE, NOON + 7 * SECOND)),
]
MADE_AGAIN: Step = (600, ONE)
DELIVERED_THEN: Step = (601, attempt(ONE, "delivered", 1, NOON + 601 * SECOND))


def known(steps: Iterable[Step]) -> DeliveryState:
    found: DeliveryState | None = None
    for seconds, record in steps:
        at = NOON + timedelta(seconds=seconds)
        match record:
            case Delivery():
                found = apply_delivery(found, record, RecordPosition(0, seconds), at)
            case Attempt():
                found = apply_attempt(found, record, at)
            case DeadLetter():
                found = apply_dead_letter(found, record, RecordPosition(0, seconds), at)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([MADE], "pending"),
        ([MADE, FAILED], "retrying"),
        ([MADE, FAILED, DELIVERED], "delivered"),
        ([MADE, FAILED, *GIVEN_UP], "dead"),
        ([MADE, FAILED, *GIVEN_UP, MADE_AGAIN], "pending"),
        ([MADE, FAILED, *GIVEN_UP, MADE_AGAIN, DELIVERED_THEN], "delivered"),
        ([DELIVERED], "delivered"),
        ([FAILED], "retrying"),
        (GIVEN_UP, "dead"),
        ([*GIVEN_UP, MADE_AGAIN], "pending"),
    ],
)
def test_the_status_follows_from_what_is_there(steps: list[Step], status: DeliveryStatus) -> None:
    assert {known(each).status for each in permutations(steps)} == {status}


def test_the_order_in_which_records_are_read_changes_nothing() -> None:
    steps = [MADE, FAILED, *GIVEN_UP, MADE_AGAIN, DELIVERED_THEN]

    found = {known(each) for each in permutations(steps)}

    assert len(found) == 1
    (one,) = found
    assert (one.attempts, one.made, one.dead, one.delivered) == (3, 2, 1, 1)
    assert one.last is not None
    assert (one.last.started_at, one.delivery, one.letter) == (NOON + 601 * SECOND, (0, 600), (0, 7))


def test_a_delivery_that_is_tried_again_says_when_and_one_that_is_over_does_not() -> None:
    assert known([MADE, FAILED]).next_attempt_at == NOON + 6 * SECOND
    assert known([MADE, FAILED, DELIVERED]).next_attempt_at is None


def test_clocks_that_differ_do_not_open_what_was_delivered() -> None:
    behind: Step = (-20, attempt(ONE, "delivered", 1, NOON - 20 * SECOND))

    assert known([MADE, behind]).status == "delivered"
