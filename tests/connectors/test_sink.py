"""The sink stage, between a log and a network that are both in memory."""

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from connectors.http.retry_policy import SUBSCRIPTION_DELETED
from connectors.http.sender import Answer
from streams.delivery.records import Attempt, redrive_delivery
from tests.connectors.fakes import FakeSender, Sent, always, answered, failed, in_turn
from tests.connectors.sink_driver import FIRST, SECOND, Sink, delivery, message_ids
from tests.samples import BORIS, NOON, uid

pytestmark = pytest.mark.anyio


async def test_a_failed_delivery_is_tried_again_on_schedule_with_the_same_message_id() -> None:
    sender = FakeSender(in_turn(failed(), answered(503), answered()))
    sink = Sink(sender)
    sink.arrive(delivery(1))

    await sink.until(NOON)
    await sink.until(NOON + timedelta(seconds=2.4))
    assert sink.attempts() == [(1, "retry")]
    await sink.until(NOON + timedelta(seconds=2.5))
    await sink.until(NOON + timedelta(seconds=60))

    assert sink.attempts() == [(1, "retry"), (2, "retry"), (3, "delivered")]
    assert message_ids(sender) == [uid(1)] * 3
    assert len({msgspec.json.decode(sent.body)["requestId"] for sent in sender.sent}) == 3
    assert list(sink.tables.entries()) == []


@pytest.mark.parametrize(("dotted", "name"), [(False, "CustomerRegistered"), (True, "customer.registered")])
async def test_the_event_is_named_as_the_deployment_says(dotted: bool, name: str) -> None:
    sender = FakeSender()
    sink = Sink(sender, dotted_names=dotted)
    sink.arrive(delivery(1))

    await sink.until(NOON)

    assert [msgspec.json.decode(sent.body)["eventName"] for sent in sender.sent] == [name]


async def test_a_members_next_delivery_waits_for_the_one_before_and_other_members_go_on() -> None:
    sender = FakeSender(in_turn(answered(500), answered()))
    sink = Sink(sender)
    sink.arrive(delivery(1), delivery(2), delivery(3, BORIS))

    await sink.until(NOON)
    assert message_ids(sender) == [uid(1), uid(3)]
    await sink.until(NOON + timedelta(minutes=1))

    assert message_ids(sender) == [uid(1), uid(3), uid(1), uid(2)]


async def test_what_is_given_up_becomes_a_dead_letter_and_the_next_goes_on() -> None:
    async def endpoint(sent: Sent) -> Answer:
        return answered(404, "no such hook") if uid(1).encode() in sent.body else answered()

    sender = FakeSender(endpoint)
    sink = Sink(sender)
    sink.arrive(delivery(1), delivery(2))

    for minutes in range(5):
        await sink.until(NOON + timedelta(minutes=minutes))

    (dead,) = sink.dead()
    assert (dead.delivery.delivery_id, dead.attempts, dead.status) == (uid(1), 3, 404)
    assert dead.reason == "given up after 3 attempts, the last one answered 404"
    assert message_ids(sender) == [uid(1)] * 3 + [uid(2)]


async def test_what_is_sent_again_has_its_attempts_numbered_on_and_its_whole_schedule() -> None:
    sink = Sink(FakeSender(always(answered(404))))
    sink.arrive(delivery(1))
    for minutes in range(5):
        await sink.until(NOON + timedelta(minutes=minutes))
    (dead,) = sink.dead()

    sink.arrive(redrive_delivery(dead))
    for minutes in range(5, 10):
        await sink.until(NOON + timedelta(minutes=minutes))

    assert [number for number, _ in sink.attempts()] == [1, 2, 3, 4, 5, 6]
    assert [each.attempts for each in sink.dead()] == [3, 6]
    assert sink.dead()[1].reason.startswith("given up after 6 attempts")


async def test_a_silent_endpoint_is_given_up_after_three_days() -> None:
    sender = FakeSender(always(failed()))
    sink = Sink(sender)
    sink.arrive(delivery(1))

    for hours in range(24 * 3):
        await sink.until(NOON + timedelta(hours=hours))
    assert sink.dead() == []
    for hours in range(24 * 3, 24 * 3 + 6):
        await sink.until(NOON + timedelta(hours=hours))

    assert len(sender.sent) == 15
    assert sink.dead()[0].reason.startswith("given up after 15 attempts, the last one could not connect")


async def test_what_was_pending_when_the_process_died_is_sent_by_the_next() -> None:
    before = Sink(FakeSender())
    before.arrive(delivery(1), delivery(2), delivery(3, BORIS))
    sender = FakeSender()

    after = Sink(sender, before.store)
    await after.until(NOON)

    assert Counter(message_ids(sender)) == Counter([uid(1), uid(2), uid(3)])
    assert message_ids(sender).index(uid(1)) < message_ids(sender).index(uid(2))


async def test_a_request_whose_outcome_was_not_committed_is_sent_again() -> None:
    sender = FakeSender()
    before = Sink(sender)
    before.arrive(delivery(1))
    await before.begin()

    await Sink(sender, before.store).until(NOON)

    assert message_ids(sender) == [uid(1), uid(1)]


async def test_one_endpoint_that_never_answers_delays_no_other() -> None:
    forever = asyncio.Event()

    async def silent(_sent: Sent) -> Answer:
        await forever.wait()
        return answered()

    sender = FakeSender(by_url={FIRST.url: silent})
    sink = Sink(sender)
    members = [uid(1000 + n) for n in range(300)]
    sink.arrive(*(delivery(n, member) for n, member in enumerate(members)))
    await sink.begin()

    sink.arrive(delivery(999, to=SECOND.subscription_id))
    await sink.until(NOON)

    assert [a.delivery_id for a in sink.written if isinstance(a, Attempt)] == [uid(999)]
    assert sender.most_under_way == 3 + 1
    sink.stage.revoked(0)


async def test_a_subscription_that_was_deleted_gets_nothing_more() -> None:
    sender = FakeSender()
    sink = Sink(sender)
    sink.arrive(delivery(1))
    sink.subscriptions.drop(FIRST.subscription_id)

    await sink.until(NOON)

    assert sender.sent == []
    assert [(d.reason, d.attempts) for d in sink.dead()] == [(SUBSCRIPTION_DELETED, 0)]


async def test_a_corrected_address_is_used_for_what_is_pending() -> None:
    sender = FakeSender(by_url={FIRST.url: always(answered(500))})
    sink = Sink(sender)
    sink.arrive(delivery(1))
    await sink.until(NOON)

    sink.subscriptions.put(replace(FIRST, url="http://corrected.test/"))
    await sink.until(NOON + timedelta(minutes=1))

    assert [sent.url for sent in sender.sent] == [FIRST.url, "http://corrected.test/"]
    assert sink.attempts() == [(1, "retry"), (2, "delivered")]


async def test_at_its_end_the_sink_settles_what_is_under_way_and_begins_nothing() -> None:
    answer = asyncio.Event()

    async def slow(_sent: Sent) -> Answer:
        await answer.wait()
        return answered()

    sender = FakeSender(slow)
    sink = Sink(sender, concurrency=1)
    sink.arrive(delivery(1), delivery(2, BORIS))
    await sink.begin()

    assert not sink.stage.rest()
    answer.set()
    await sink.until(NOON)

    assert sink.stage.rest()
    assert len(sender.sent) == 1
    assert sink.attempts() == [(1, "delivered")]


async def test_what_finishes_soon_after_another_is_settled_with_it() -> None:
    sender = FakeSender()
    sink = Sink(sender, settle_after=timedelta(milliseconds=25))
    sink.arrive(delivery(1), delivery(2, BORIS))

    await sink.until(NOON)
    assert (len(sender.sent), sink.attempts()) == (2, [])
    await sink.until(NOON + timedelta(milliseconds=25))

    assert sink.attempts() == [(1, "delivered")] * 2


async def test_a_new_delivery_does_not_wait_for_a_commit_unless_one_of_its_lane_is_not_settled() -> None:
    sender = FakeSender()
    sink = Sink(sender, settle_after=timedelta(milliseconds=25))
    sink.arrive(delivery(1))
    await asyncio.sleep(0)
    assert message_ids(sender) == [uid(1)]

    sink.arrive(delivery(2), delivery(3, BORIS))
    await asyncio.sleep(0)
    assert message_ids(sender) == [uid(1), uid(3)]
    await sink.until(NOON + timedelta(milliseconds=25))

    assert message_ids(sender) == [uid(1), uid(3), uid(2)]
