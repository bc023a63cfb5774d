"""Replays that were asked for: in which state they are, and how much is left."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from streams.delivery.replay_jobs import ReplayJob, ReplayJobs, ReplayOrder, ReplayProgress
from tests.samples import NOON, STORE, uid


def order(number: int = 1, **fields: Any) -> ReplayOrder:
    made = ReplayOrder(
        replay_id=uid(number),
        store=STORE,
        subscription_id=uid(500),
        since=NOON,
        until=NOON + timedelta(hours=1),
        event_name=None,
        member_id=None,
        only="all",
        rate=100,
        asked_by="anna",
        asked_at=NOON + timedelta(minutes=number),
        process="here",
    )
    return replace(made, **fields)


def progress(number: int = 1, **fields: Any) -> ReplayProgress:
    made = ReplayProgress(replay_id=uid(number), state="running", process="here", told_at=NOON)
    return replace(made, **fields)


def test_its_state_follows_from_what_was_asked_and_told() -> None:
    cancelled = order(cancelled_at=NOON)

    states = [
        ReplayJob(order()).state,
        ReplayJob(order(), progress()).state,
        ReplayJob(cancelled).state,
        ReplayJob(cancelled, progress()).state,
        ReplayJob(cancelled, progress(state="cancelled")).state,
        # It was done before the news came.
        ReplayJob(cancelled, progress(state="done")).state,
    ]

    assert states == ["asked", "running", "cancelling", "cancelling", "cancelled", "done"]


def test_what_is_left_is_known_once_it_is_counted() -> None:
    def left(told: ReplayProgress | None) -> tuple[int | None, int | None]:
        standing = ReplayJob(order(), told)
        return standing.remaining, standing.seconds_left

    assert left(None) == left(progress()) == (None, None)
    assert left(progress(counted=1001, sent=500)) == (501, 6)
    # It was reckoned from a part.
    assert left(progress(counted=400, exact=False, sent=500)) == (0, 0)
    assert left(progress(counted=1001, sent=500, state="cancelled")) == (0, 0)


def test_the_open_ones_are_the_oldest_first_and_a_subscriptions_the_newest_first() -> None:
    orders = ReplayJobs()
    news: list[str] = []
    forget = orders.tell(news.append)

    for number in (2, 1, 3):
        orders.put(uid(number), order(number))
    orders.progressed(uid(2), progress(2, state="done"))
    forget()
    orders.put(uid(3), None)
    orders.put(uid(4), order(4, subscription_id=uid(501)))

    assert [each.order.replay_id for each in orders.open()] == [uid(1), uid(4)]
    assert [each.order.replay_id for each in orders.ended()] == [uid(2)]
    assert [each.order.replay_id for each in orders.of(uid(500))] == [uid(2), uid(1)]
    assert orders.get(uid(3)) is None
    assert news == [uid(2), uid(1), uid(3), uid(2)]
