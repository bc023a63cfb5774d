"""Webhooks replayed on a real broker: once each, in order, whatever cuts it short; and the books after it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from api.cli.replay import make_selection, parse_period, parse_rate
from streams.codec.avro import HEADER, decode, encode
from streams.delivery.records import Delivery, Subscription
from streams.errors import Misconfigured
from streams.jobs.replay import ReplayArguments, read_subscription
from streams.kafka.clients import Connection, connection
from streams.kafka.log_reader import full_range
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.topics import ATTEMPTS, DELIVERIES, SUBSCRIPTIONS, WEBHOOK_EVENTS
from tests.crash.world import put
from tests.delivery.test_books import attempt
from tests.kafka.processes import LOYALTY, environment, finished
from tests.kafka.test_poison import committed
from tests.samples import NOON, STORE, subscription, uid
from tests.stages.test_legacy_batches import expiring

WITHIN = 60.0
MEMBERS, EVENTS = 5, 60
WANTED = subscription("LevelWillExpire")
OTHER = subscription("CustomerUpdated", number=501)


@pytest.fixture
def cluster(settings: Settings) -> Connection:
    """Two subscriptions, and after them sixty events that one of them wants; nothing was made of them."""
    made = connection(settings, settings.bootstrap_servers or "")
    create_topics(made, settings)
    put(made, SUBSCRIPTIONS, {one.subscription_id: encode(one) for one in (WANTED, OTHER)})
    producer = Producer(made.producer())
    for number in range(EVENTS):
        record = expiring(number, uid(1 + number % MEMBERS))
        # The wait after which a subscription must have been heard of is over.
        later = int((time.time() + 60) * 1000)
        name = made.topic(WEBHOOK_EVENTS)
        producer.produce(name, record.value, record.key, headers=dict(record.headers), timestamp=later)
    assert producer.flush(WITHIN) == 0
    return made


def words(to: Subscription = WANTED) -> tuple[str, ...]:
    return "replay", "webhooks", "--subscription", to.subscription_id, "--from", "1h", "--to", "2099-01-01"


def deliveries(cluster: Connection, settings: Settings) -> list[Delivery]:
    return [decode(Delivery, r.value, r.schema) for r in committed(cluster, DELIVERIES, settings)]


def numbers(found: list[Delivery], member: str) -> list[int]:
    return [int(json.loads(d.data)["customerFirstName"]) for d in found if d.member_id == member]


def in_order_once(found: list[Delivery]) -> bool:
    return all(numbers(found, uid(1 + m)) == list(range(m, EVENTS, MEMBERS)) for m in range(MEMBERS))


def test_a_replay_killed_on_its_way_goes_on_where_it_was(cluster: Connection, settings: Settings) -> None:
    dry, said = finished(settings, *words(), "--dry-run")
    assert (dry, deliveries(cluster, settings)) == (0, [])
    assert f"{EVENTS} deliveries of {EVENTS} webhook events" in said

    # Nobody delivers: it stops after the twenty that it may have on their way.
    process = subprocess.Popen(
        [LOYALTY, *words(), "--rate", "8/s"], env=environment(settings), stdout=-1, stderr=-1
    )
    with process:
        awaited(lambda: len(deliveries(cluster, settings)) == 20)
        os.kill(process.pid, signal.SIGKILL)
    code, said = finished(settings, *words(), "--rate", "0")

    assert (code, said.splitlines()[-1]) == (0, "40 deliveries replayed")
    assert said.startswith("goes on where it was: 40 deliveries")
    assert in_order_once(deliveries(cluster, settings))
    # It is done: the same words are another replay.
    assert finished(settings, *words(), "--rate", "0")[1].startswith(f"{EVENTS} deliveries")


def test_ctrl_c_ends_it_in_order_and_only_what_is_missing_is_sent_later(
    cluster: Connection, settings: Settings
) -> None:
    process = subprocess.Popen(
        [LOYALTY, *words(), "--rate", "8/s"], env=environment(settings), stdout=-1, stderr=-1, text=True
    )
    with process:
        awaited(lambda: len(deliveries(cluster, settings)) == 20)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=WITHIN)
    assert process.returncode == 130
    assert "20 deliveries replayed; the same command goes on with the rest" in said

    code, said = finished(settings, *words(), "--rate", "0", "--only", "missing")

    assert (code, said.splitlines()[-1]) == (0, "40 deliveries replayed")
    assert in_order_once(deliveries(cluster, settings))


def test_a_throttled_replay_goes_on_as_its_deliveries_are_tried(
    cluster: Connection, settings: Settings
) -> None:
    process = subprocess.Popen(
        [LOYALTY, *words(), "--rate", "40/s"], env=environment(settings), stdout=-1, stderr=-1
    )
    with process:
        for done in count():
            awaited(lambda done=done: len(deliveries(cluster, settings)) > done)  # type: ignore[misc]
            found = deliveries(cluster, settings)
            tried(cluster, found[done:])
            if len(found) == EVENTS:
                break
    assert process.returncode == 0


def test_the_books_name_what_was_not_delivered(cluster: Connection, settings: Settings) -> None:
    ahead, said = finished(settings, "reconcile")
    assert (ahead, said.splitlines()[-1]) == (0, f"{EVENTS} published = {tally(pending=EVENTS)}")

    fanned_out(cluster)
    code, said = finished(settings, "reconcile", "--json")
    assert (code, json.loads(said)["differ"]) == (1, EVENTS)

    finished(settings, *words(), "--rate", "0")
    tried(cluster, deliveries(cluster, settings)[:10])
    code, said = finished(settings, "reconcile", "--store", STORE)
    assert (code, said.splitlines()[-1]) == (0, f"{EVENTS} published = {tally(delivered=10, pending=50)}")


def tally(delivered: int = 0, pending: int = 0) -> str:
    return f"{delivered} delivered + 0 filtered + {pending} pending + 0 dead"


def tried(cluster: Connection, found: list[Delivery]) -> None:
    producer = Producer(cluster.producer())
    for each in found:
        value, header = encode(attempt(each))
        producer.produce(cluster.topic(ATTEMPTS), value, each.subscription_id, headers={HEADER: header})
    assert producer.flush(WITHIN) == 0


def fanned_out(cluster: Connection) -> None:
    """As if the fan-out had come to all of it, and made nothing."""
    name = cluster.topic(WEBHOOK_EVENTS)
    ends = [
        TopicPartition(name, n, end) for n, (_, end) in full_range(cluster, WEBHOOK_EVENTS).bounds.items()
    ]
    consumer = Consumer(cluster.consumer(**{"group.id": f"{cluster.prefix}fan-out"}))
    consumer.commit(offsets=ends, asynchronous=False)
    consumer.close()


def awaited(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline, "it did not come"


def test_a_replay_to_nobody_or_to_a_paused_subscription_is_refused(cluster: Connection) -> None:
    put(cluster, SUBSCRIPTIONS, {OTHER.subscription_id: encode(replace(OTHER, state="paused"))})

    with pytest.raises(Misconfigured, match="there is no subscription of that id"):
        read_subscription(cluster, uid(9))
    with pytest.raises(Misconfigured, match="is paused: set it active first"):
        read_subscription(cluster, OTHER.subscription_id)


def test_what_the_subscription_does_not_want_and_items_of_arrays_are_refused() -> None:
    legacy = replace(WANTED, legacy=True)

    with pytest.raises(Misconfigured, match="--event 'CustomerUpdated' is not valid"):
        make_selection(WANTED, ReplayArguments(WANTED.subscription_id, "1h", "0s", "CustomerUpdated"))
    with pytest.raises(Misconfigured, match="bodies of LevelWillExpire are arrays"):
        make_selection(legacy, ReplayArguments(WANTED.subscription_id, "1h", "0s", only="missing"))


def test_the_time_to_begin_is_before_the_time_to_end() -> None:
    assert parse_period("2h", "1h", NOON) == (NOON - timedelta(hours=2), NOON - timedelta(hours=1))
    with pytest.raises(Misconfigured):
        parse_period("1h", "2h", NOON)


def test_a_rate_is_deliveries_a_second() -> None:
    assert (parse_rate("50/s"), parse_rate("0")) == (50, 0)
