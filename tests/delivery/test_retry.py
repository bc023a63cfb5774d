"""When a failed delivery is tried again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.retry import GIVEN_UP_AFTER, MAX_CLIENT_ERROR_TRIES, next_wait

ZERO = timedelta(0)


def waits(jitter: float, status: int | None = 503, own: tuple[int, ...] = ()) -> list[timedelta]:
    """All waits of a delivery that never succeeds."""
    found: list[timedelta] = []
    while True:
        waited = sum(found, ZERO)
        wait = next_wait(len(found) + 1, waited, status, asked=None, jitter=jitter, waits=own)
        if wait is None:
            return found
        found.append(wait)


def test_the_waits_grow_from_seconds_to_a_day() -> None:
    longest = [wait.total_seconds() for wait in waits(0.999_999)]

    assert [round(seconds) for seconds in longest[:9]] == [5, 30, 120, 600, 3600, 10800, 21600, 43200, 86400]


@given(st.floats(0, 1, exclude_max=True))
def test_a_delivery_is_tried_for_three_days_whatever_the_jitter(jitter: float) -> None:
    found = waits(max(jitter, 0.05))

    assert GIVEN_UP_AFTER <= sum(found, ZERO) <= GIVEN_UP_AFTER + timedelta(seconds=1)


def test_the_jitter_is_full_but_for_a_second() -> None:
    first = next_wait(4, ZERO, None, asked=None, jitter=0.0), next_wait(4, ZERO, None, asked=None, jitter=0.5)

    assert first == (timedelta(seconds=1), timedelta(minutes=5))


def test_what_is_refused_for_good_gets_three_tries() -> None:
    for refused in (400, 401, 404, 301, 422):
        assert len(waits(0.5, refused)) + 1 == MAX_CLIENT_ERROR_TRIES == 3
    for passing in (None, 408, 425, 429, 500, 503, 599):
        assert len(waits(0.5, passing)) > 10


def test_a_subscription_has_its_own_schedule() -> None:
    assert waits(0.5, None, (2, 60)) == [timedelta(seconds=1), timedelta(seconds=30)]
    assert waits(0.5, 404, (2, 60, 60, 60)) == [timedelta(seconds=1), timedelta(seconds=30)]
    assert waits(0.5, 404, (2,)) == [timedelta(seconds=1)]


def test_a_wait_that_is_asked_for_is_kept_up_to_a_day() -> None:
    def asked(wait: timedelta) -> timedelta | None:
        return next_wait(1, ZERO, 429, asked=wait, jitter=0.5)

    assert asked(timedelta(minutes=7)) == timedelta(minutes=7)
    assert asked(timedelta(seconds=1)) == timedelta(seconds=2.5)
    assert asked(timedelta(days=9)) == timedelta(days=1)
