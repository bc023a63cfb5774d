"""What the sink does about an endpoint that fails, or that nothing may be sent to: the stage in memory."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from connectors.http.retry_policy import HELD_TOO_LONG, SUBSCRIPTION_DELETED, read_retry_after
from connectors.http.sender import Answer
from streams.delivery.records import Attempt, Delivery, EndpointStatus
from streams.topics import ENDPOINT_STATUS
from tests.connectors.fakes import FakeSender, Sent, always, answered, failed, in_turn
from tests.connectors.sink_driver import FIRST, SECOND, Sink, delivery, message_ids
from tests.samples import ANNA, BORIS, NOON, uid

pytestmark = pytest.mark.anyio
SECOND_LONG, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def many(count: int, to: str = FIRST.subscription_id) -> list[Delivery]:
    """Of a member each."""
    return [delivery(n, uid(10_000 + n), to) for n in range(1, count + 1)]


async def test_a_dead_endpoint_uses_up_the_tries_of_few_of_its_deliveries() -> None:
    sender = FakeSender(always(failed()))
    sink = Sink(sender)
    sink.arrive(*many(100))

    await sink.until(NOON)

    # Five failures open the breaker; with three at once, two more were on their way.
    assert 5 <= len(sender.sent) <= 7
    assert sink.statuses() == [("failing", len(sender.sent))]


async def test_after_the_breaker_has_opened_one_probe_at_a_time_is_sent() -> None:
    sender = FakeSender(always(answered(500)))
    sink = Sink(sender)
    sink.arrive(*many(100))
    await sink.until(NOON)
    before = len(sender.sent)

    # At jitter 0.5 it is open for 3.75 s, then for 7.5 s, then for 15 s.
    probes = []
    for second in range(1, 40):
        await sink.until(NOON + second * SECOND_LONG)
        probes.append(len(sender.sent) - before)

    assert [probes[n - 1] for n in (3, 4, 11, 12, 26, 27)] == [0, 1, 1, 2, 2, 3]
    assert sink.dead() == []


async def test_probes_are_a_minute_apart_at_most() -> None:
    sender = FakeSender(always(answered(500)))
    sink = Sink(sender)
    sink.arrive(*many(400))
    for minute in range(30):
        await sink.until(NOON + minute * MINUTE)
    before = len(sender.sent)

    for minute in range(30, 60):
        await sink.until(NOON + minute * MINUTE)

    assert len(sender.sent) - before == 30


async def test_a_probe_that_succeeds_lets_everything_out_at_once() -> None:
    async def endpoint(_sent: Sent) -> Answer:
        return answered(200 if sink.now > NOON else 500)

    sender = FakeSender(endpoint)
    sink = Sink(sender)
    sink.arrive(*many(100))
    await sink.until(NOON)

    await sink.until(NOON + 10 * SECOND_LONG)

    delivered = [a for a in sink.written if isinstance(a, Attempt) and a.outcome == "delivered"]
    assert len(delivered) == 100
    assert [state for state, _ in sink.statuses()] == ["failing", "working"]


async def test_an_open_breaker_outlives_the_process() -> None:
    before = Sink(FakeSender(always(failed())))
    before.arrive(*many(20))
    await before.until(NOON)
    sender = FakeSender(always(failed()))

    after = Sink(sender, before.store)
    await after.until(NOON + SECOND_LONG)
    assert sender.sent == []
    await after.until(NOON + 4 * SECOND_LONG)

    assert len(sender.sent) == 1
    assert after.statuses() == []


async def test_what_one_body_is_to_blame_for_opens_no_breaker() -> None:
    sender = FakeSender(always(answered(422)))
    sink = Sink(sender)
    sink.arrive(*many(50))

    await sink.until(NOON)

    assert len(sender.sent) == 50


async def test_an_endpoint_that_asks_for_a_pause_gets_it() -> None:
    sender = FakeSender(in_turn(answered(429, retry_after="20"), answered()))
    sink = Sink(sender, concurrency=1)
    sink.arrive(*many(3))

    await sink.until(NOON)
    await sink.until(NOON + 19 * SECOND_LONG)
    assert len(sender.sent) == 1
    await sink.until(NOON + 20 * SECOND_LONG)

    assert len(sender.sent) == 4
    assert sink.statuses() == []


def test_retry_after_is_seconds_or_a_date_and_anything_else_is_not_heard() -> None:
    assert read_retry_after("120", NOON) == 2 * MINUTE
    assert read_retry_after("Mon, 02 Mar 2026 12:05:00 GMT", NOON) == 5 * MINUTE
    for said in (None, "", "soon", "-5", "1.5", "Mon, 02 Mar 2026 11:00:00 GMT", "0", "٣"):
        assert read_retry_after(said, NOON) is None
    assert read_retry_after("9" * 400, NOON) is not None


async def test_a_rate_is_kept_whatever_the_backlog() -> None:
    sender = FakeSender()
    sink = Sink(sender, concurrency=50)
    sink.change(FIRST, requests_per_second=20)
    sink.arrive(*many(100))

    await sink.until(NOON)
    assert len(sender.sent) == 1
    for tenth in range(1, 21):
        await sink.until(NOON + tenth * timedelta(milliseconds=100))

    assert 40 <= len(sender.sent) <= 42


async def test_a_subscription_has_its_own_concurrency() -> None:
    answer = asyncio.Event()

    async def slow(_sent: Sent) -> Answer:
        await answer.wait()
        return answered()

    sender = FakeSender(slow)
    sink = Sink(sender, concurrency=3)
    sink.change(FIRST, concurrency=7)
    sink.arrive(*many(30))

    await sink.begin()
    assert sender.under_way == 7
    answer.set()
    await sink.until(NOON)

    assert (len(sender.sent), sender.most_under_way) == (30, 7)


async def test_an_unordered_subscription_does_not_let_a_member_wait() -> None:
    sender = FakeSender(in_turn(answered(500), answered()))
    sink = Sink(sender)
    sink.change(FIRST, unordered=True)
    sink.arrive(delivery(1), delivery(2), delivery(3))

    await sink.until(NOON)
    await sink.until(NOON + MINUTE)

    assert message_ids(sender) == [uid(1), uid(2), uid(3), uid(1)]
    assert list(sink.tables.entries()) == []


async def test_a_subscription_made_ordered_again_goes_on_with_what_waits() -> None:
    sender = FakeSender(always(answered(500)))
    sink = Sink(sender)
    unordered = sink.change(FIRST, unordered=True)
    sink.arrive(delivery(1), delivery(2))
    sink.change(unordered, unordered=False)
    sink.arrive(delivery(3))
    sender.endpoint = always(answered())

    await sink.until(NOON)

    assert sorted(message_ids(sender)) == [uid(1), uid(2), uid(3)]


async def test_its_own_schedule_holds_for_what_waits_already() -> None:
    sender = FakeSender(always(answered(503)))
    sink = Sink(sender)
    sink.arrive(delivery(1))
    sink.change(FIRST, retry_waits=(10, 20))

    for second in range(60):
        await sink.until(NOON + second * SECOND_LONG)

    assert sink.attempts() == [(1, "retry"), (2, "retry"), (3, "dead")]


async def test_what_comes_for_a_paused_subscription_waits_and_goes_out_in_order_when_it_is_resumed() -> None:
    sender = FakeSender()
    sink = Sink(sender)
    paused = sink.change(FIRST, state="paused", state_since=NOON)
    sink.arrive(delivery(1), delivery(2), delivery(3, BORIS))
    await sink.until(NOON + DAY)
    assert sender.sent == []

    sink.change(paused, state="active", state_since=sink.now)
    await sink.until(sink.now)

    assert sorted(message_ids(sender)) == [uid(1), uid(2), uid(3)]
    assert message_ids(sender).index(uid(1)) < message_ids(sender).index(uid(2))


async def test_a_pause_stops_at_once_what_has_not_begun() -> None:
    answer = asyncio.Event()

    async def slow(_sent: Sent) -> Answer:
        await answer.wait()
        return answered()

    sender = FakeSender(slow)
    sink = Sink(sender, concurrency=2)
    sink.arrive(*many(20))
    await sink.begin()

    sink.change(FIRST, state="paused", state_since=NOON)
    answer.set()
    await sink.until(NOON)

    assert len(sender.sent) == 2
    assert sink.attempts() == [(1, "delivered")] * 2


async def test_what_waited_too_long_for_a_paused_subscription_is_a_dead_letter() -> None:
    sender = FakeSender()
    sink = Sink(sender, hold_for=10 * DAY)
    sink.change(FIRST, state="paused", state_since=NOON)
    sink.arrive(delivery(1), delivery(2))
    await sink.until(NOON + 5 * DAY)
    sink.arrive(delivery(3, BORIS))
    await sink.until(NOON + 10 * DAY - MINUTE)
    assert sink.dead() == []

    await sink.until(NOON + 10 * DAY)
    assert [d.delivery.delivery_id for d in sink.dead()] == [uid(1), uid(2)]
    await sink.until(NOON + 15 * DAY)

    assert [(d.delivery.delivery_id, d.attempts, d.reason) for d in sink.dead()][2:] == [
        (uid(3), 0, HELD_TOO_LONG)
    ]
    assert sender.sent == []


async def test_an_endpoint_that_is_gone_is_disabled_and_its_deliveries_wait() -> None:
    sender = FakeSender(always(answered(410)))
    sink = Sink(sender)
    sink.arrive(delivery(1), delivery(2), delivery(3, BORIS))

    await sink.until(NOON)
    await sink.until(NOON + 4 * DAY)

    assert sink.attempts()[0] == (1, "held")
    assert len(sender.sent) == 2
    assert sink.dead() == []
    (told,) = [s for s in sink.written if isinstance(s, EndpointStatus)]
    assert (told.state, told.reason, told.since) == ("disabled", "answered 410 Gone", NOON)


async def test_nothing_but_failure_for_five_days_disables() -> None:
    sender = FakeSender(always(failed("could not connect to one.test: Connection refused")))
    sink = Sink(sender)
    sink.arrive(*many(40))

    for hour in range(24 * 5):
        await sink.until(NOON + hour * timedelta(hours=1))
    assert [state for state, _ in sink.statuses()] == ["failing"]
    for hour in range(24 * 5, 24 * 5 + 3):
        await sink.until(NOON + hour * timedelta(hours=1))
    sent = len(sender.sent)
    await sink.until(NOON + 20 * DAY)

    assert [state for state, _ in sink.statuses()] == ["failing", "disabled"]
    assert len(sender.sent) == sent
    told = [s for s in sink.written if isinstance(s, EndpointStatus)][-1]
    assert told.reason == (
        "nothing but failures for 5 days, the last one could not connect to one.test: Connection refused"
    )


async def test_a_success_in_between_keeps_an_endpoint_from_being_disabled() -> None:
    sender = FakeSender(always(answered(500)))
    sink = Sink(sender)
    sink.arrive(*many(40))
    for hour in range(24 * 4):
        await sink.until(NOON + hour * timedelta(hours=1))

    sender.endpoint = in_turn(answered(), answered(500))
    for hour in range(24 * 4, 24 * 8):
        await sink.until(NOON + hour * timedelta(hours=1))

    assert "disabled" not in [state for state, _ in sink.statuses()]


async def test_set_active_again_a_disabled_endpoint_gets_what_waited_in_order() -> None:
    gone = Sink(FakeSender(always(answered(410))))
    gone.arrive(delivery(1), delivery(2), delivery(3, BORIS))
    await gone.until(NOON)
    sender = FakeSender()
    sink = Sink(sender, gone.store)
    await sink.until(NOON + MINUTE)
    assert sender.sent == [], "it is disabled after a restart too"

    sink.change(FIRST, state="active", state_since=NOON + MINUTE)
    await sink.until(NOON + MINUTE)

    assert sorted(message_ids(sender)) == [uid(1), uid(2), uid(3)]
    assert message_ids(sender).index(uid(1)) < message_ids(sender).index(uid(2))
    assert sink.statuses() == [("working", 0)]


async def test_a_corrected_address_is_tried_at_once_however_the_old_one_failed() -> None:
    sender = FakeSender(always(failed()))
    sink = Sink(sender)
    sink.arrive(*many(50))
    await sink.until(NOON)

    sender.endpoint = always(answered())
    sink.change(FIRST, url="http://corrected.test/")
    await sink.until(NOON)

    assert [s.url for s in sender.sent[-40:]] == ["http://corrected.test/"] * 40


async def test_a_deleted_subscription_leaves_nothing_behind() -> None:
    sender = FakeSender(always(answered(410)))
    sink = Sink(sender)
    sink.arrive(*many(500), *(delivery(1000 + n, ANNA) for n in range(300)))
    await sink.until(NOON)

    sink.subscriptions.drop(FIRST.subscription_id)
    await sink.until(NOON)

    assert {d.reason for d in sink.dead()} == {SUBSCRIPTION_DELETED}
    assert len(sink.dead()) == 800
    assert list(sink.tables.entries()) == []
    assert (sink.outputs[-1].topic, sink.outputs[-1].value) == (ENDPOINT_STATUS, None)


async def test_what_is_for_a_subscription_not_heard_of_waits_for_the_news() -> None:
    new = replace(FIRST, subscription_id=uid(777))
    sender = FakeSender()
    sink = Sink(sender)
    sink.arrive(delivery(1, to=new.subscription_id))
    await sink.until(NOON + 20 * SECOND_LONG)
    assert (sender.sent, sink.dead()) == ([], [])

    sink.subscriptions.put(new)
    await sink.until(NOON + 20 * SECOND_LONG)

    assert message_ids(sender) == [uid(1)]


async def test_a_backlog_is_not_in_memory_and_delays_no_other_endpoint() -> None:
    never = asyncio.Event()

    async def silent(_sent: Sent) -> Answer:
        await never.wait()
        return answered()

    sender = FakeSender(by_url={FIRST.url: silent})
    sink = Sink(sender, concurrency=10)
    for part in range(5):
        sink.arrive(*(delivery(n, uid(10_000 + n)) for n in range(part * 1000, part * 1000 + 1000)))
    await sink.begin()

    sink.arrive(delivery(9_999, to=SECOND.subscription_id))
    await sink.until(NOON)

    endpoint = sink.endpoint(FIRST)
    assert len(endpoint.claimed) == 200
    assert message_ids(sender)[-1] == uid(9_999)
    assert len(sender.sent) == 10 + 1
    sink.stage.revoked(0)


async def test_an_attempt_says_what_went_wrong_and_what_is_done_about_it() -> None:
    sender = FakeSender(
        in_turn(answered(503, "x" * 5000), failed(phase="after sending"), answered(200, "ok"))
    )
    sink = Sink(sender)
    sink.arrive(delivery(1))
    for seconds in (0, 10, 30):
        await sink.until(NOON + seconds * SECOND_LONG)

    one, two, three = (a for a in sink.written if isinstance(a, Attempt))
    assert (one.status, one.error_class, one.outcome) == (503, "their answer", "retry")
    assert one.next_attempt_at == NOON + timedelta(seconds=2.5)
    assert (two.status, two.error_class, two.error) == (
        None,
        "after sending",
        "after sending: could not connect to endpoint: Connection refused",
    )
    assert (three.outcome, three.error_class, three.response) == ("delivered", None, "ok")


async def test_of_a_deleted_subscription_nothing_is_told_any_more_even_where_all_was_well() -> None:
    sink = Sink(FakeSender())
    sink.arrive(delivery(1))
    await sink.until(NOON)

    sink.subscriptions.drop(FIRST.subscription_id)
    await sink.until(NOON)

    assert [(o.topic, o.key, o.value) for o in sink.outputs[1:]] == [
        (ENDPOINT_STATUS, FIRST.subscription_id, None)
    ]


async def test_a_retry_far_away_is_on_the_agenda_once_however_busy_its_endpoint_is() -> None:
    sender = FakeSender(in_turn(answered(503, retry_after="80000"), answered()))
    sink = Sink(sender, max_breaker_wait=timedelta(seconds=1))
    sink.arrive(delivery(1))
    await sink.until(NOON)

    for second in range(10, 60):
        sink.arrive(delivery(second, BORIS))
        await sink.until(NOON + second * SECOND_LONG)

    assert len(sender.sent) == 51
    assert len(sink.stage.wakeup_queue(0)) <= 2
