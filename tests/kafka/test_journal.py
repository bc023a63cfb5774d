"""The journal of deliveries on a real broker: through all processes, restarted with a disk and without."""

import asyncio
import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from api.auth.authentication import new_key
from streams.codec.avro import HEADER, encode
from streams.delivery.delivery_search import DeliverySearch
from streams.delivery.records import Attempt, DeadLetter, Delivery
from streams.kafka.clients import Connection, connection
from streams.kafka.partitioner import partition_of
from streams.kafka.topic_admin import create_topics
from streams.projections.delivery_log import FOLDER, FollowedDeliveryLog
from streams.settings import Settings
from streams.topics import ATTEMPTS, DEAD_LETTERS, DELIVERIES, SETTINGS, Topic
from tests.crash.world import put
from tests.delivery.journal_records import attempt, delivery, letter
from tests.kafka.processes import running
from tests.kafka.test_commands_over_http import Client, _api
from tests.kafka.test_sink_on_broker import listening, until
from tests.samples import BORIS, STORE, uid
from tests.scenarios.store import SETTINGS as PROGRAMME

WITHIN = 30.0
TOPICS: dict[type[object], Topic] = {Delivery: DELIVERIES, Attempt: ATTEMPTS, DeadLetter: DEAD_LETTERS}
NOW = datetime.now(UTC).replace(microsecond=0)


def appended(cluster: Connection, *records: Delivery | Attempt | DeadLetter) -> None:
    producer = Producer(cluster.producer())
    for one in records:
        value, header = encode(one)
        key = one.delivery.subscription_id if isinstance(one, DeadLetter) else one.subscription_id
        producer.produce(cluster.topic(TOPICS[type(one)]), value, key, headers={HEADER: header})
    assert producer.flush(WITHIN) == 0


async def opened(cluster: Connection, folder: Path, partitions: int) -> FollowedDeliveryLog:
    journal = FollowedDeliveryLog(cluster, folder, partitions)
    await asyncio.wait_for(journal.complete(), WITHIN)
    return journal


def statuses(page: Any) -> list[tuple[str, str]]:
    return [(known.delivery_id, known.status) for known in page.items]


def test_a_restart_reads_the_tail_and_a_wiped_disk_all(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(_restarted(settings, tmp_path))


async def _restarted(settings: Settings, tmp_path: Path) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    one, two, three = (replace(delivery(n), created_at=NOW - timedelta(seconds=n)) for n in (1, 2, 3))
    other = replace(delivery(4, BORIS, uid(501)), created_at=NOW)
    records = one, attempt(one), two, attempt(two, "retry"), attempt(two, "dead", 2), letter(two), other
    appended(cluster, *records)
    expected = [(uid(4), "pending"), (uid(1), "delivered"), (uid(2), "dead")]

    journal = await opened(cluster, tmp_path / "j", settings.partitions)
    assert statuses(await journal.search(DeliverySearch(STORE))) == expected
    assert journal.progress == (7, 7)
    appended(cluster, three)
    await journal.current()
    assert statuses(await journal.search(DeliverySearch(STORE, status="pending"))) == [
        (uid(4), "pending"),
        (uid(3), "pending"),
    ]
    await journal.stop()

    appended(cluster, attempt(three))
    again = await opened(cluster, tmp_path / "j", settings.partitions)
    assert again.progress == (1, 1)
    expected += [(uid(3), "delivered")]
    assert statuses(await again.search(DeliverySearch(STORE))) == expected
    counters = await again.counters([uid(500), uid(501)], NOW)
    await again.stop()

    shutil.rmtree(tmp_path / "j" / FOLDER)
    anew = await opened(cluster, tmp_path / "j", settings.partitions)
    assert anew.progress == (9, 9)
    assert statuses(await anew.search(DeliverySearch(STORE))) == expected
    assert await anew.counters([uid(500), uid(501)], NOW) == counters
    found = await anew.one(STORE, uid(2))
    assert found is not None
    assert found.delivery == two
    assert [each.outcome for each in found.attempts] == ["retry", "dead"]
    await anew.stop()


def test_topics_that_are_others_than_they_were_are_read_anew(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(_elsewhere(settings, tmp_path))


async def _elsewhere(settings: Settings, tmp_path: Path) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    one, two = (replace(delivery(n), created_at=NOW) for n in (1, 2))
    appended(cluster, one, attempt(one))
    journal = await opened(cluster, tmp_path / "j", settings.partitions)
    await journal.stop()

    others = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}other."})
    elsewhere = connection(others, settings.bootstrap_servers or "")
    create_topics(elsewhere, others)
    appended(elsewhere, two)
    again = await opened(elsewhere, tmp_path / "j", settings.partitions)

    assert statuses(await again.search(DeliverySearch(STORE))) == [(uid(2), "pending")]
    await again.stop()


def test_a_damaged_journal_is_set_aside_and_read_anew(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(_damaged(settings, tmp_path))


async def _damaged(settings: Settings, tmp_path: Path) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    appended(cluster, replace(delivery(1), created_at=NOW))
    journal = await opened(cluster, tmp_path / "j", settings.partitions)
    await journal.stop()
    (tmp_path / "j" / FOLDER / "CURRENT").write_bytes(b"")

    again = await opened(cluster, tmp_path / "j", settings.partitions)

    assert statuses(await again.search(DeliverySearch(STORE))) == [(uid(1), "pending")]
    assert len(list((tmp_path / "j").glob(f"{FOLDER}.damaged-*"))) == 1
    await again.stop()


def test_a_journal_that_lacks_what_its_topics_have_lost_is_read_anew(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(_outslept(settings, tmp_path))

    assert "the journal of deliveries is made anew: it has come to offset 1 of" in caplog.text


async def _outslept(settings: Settings, tmp_path: Path) -> None:
    """What became of a delivery was told while nobody read, and is gone by now: it is no pending one."""
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    one, two, three = (replace(delivery(n), created_at=NOW) for n in (1, 2, 3))
    appended(cluster, one)
    journal = await opened(cluster, tmp_path / "j", settings.partitions)
    await journal.stop()
    appended(cluster, two, three)
    name, number = cluster.topic(DELIVERIES), partition_of(uid(500).encode(), settings.partitions)
    admin = AdminClient(cluster.admin())
    for future in admin.delete_records([TopicPartition(name, number, 2)]).values():
        future.result(WITHIN)

    again = await opened(cluster, tmp_path / "j", settings.partitions)

    assert statuses(await again.search(DeliverySearch(STORE))) == [(uid(3), "pending")]
    await again.stop()


def test_what_a_member_got_and_did_not_get_is_told_by_every_process(settings: Settings) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    put(cluster, SETTINGS, {PROGRAMME.store: encode(PROGRAMME)})
    key = new_key()
    with ExitStack() as programs:
        receiver = listening(programs, settings)
        programs.enter_context(running(settings, "worker"))
        programs.enter_context(running(settings, "sink"))
        with _api(settings, *key) as api:
            got, filtered = subscribed(api, f"{receiver}/hook")
            anna = api.post("member", {"customer": {"email": "anna@example.com"}})["customerId"]
            until(lambda: api.get("webhook/delivery", status="delivered", customerId=anna)["items"])
            first = told(api, anna, got, filtered)
        # On the disk of the one that ended.
        with _api(settings, *key) as again:
            assert told(again, anna, got, filtered) == first
        for folder in (settings.home / "state").glob(f"*api/*/{FOLDER}"):
            shutil.rmtree(folder)
        with _api(settings, *key) as anew:
            until(answers(anew))
            assert told(anew, anna, got, filtered) == first


def answers(api: Client) -> Callable[[], bool]:
    """Whether the journal has been made."""
    return lambda: api.status("webhook/delivery") == 200


def subscribed(api: Client, url: str) -> tuple[str, str]:
    """One that wants all registrations, and one that wants none of them."""
    wants = {"eventName": "CustomerRegistered", "url": url}
    never = [{"path": "customerData.email", "operator": "eq", "value": "boris@example.com"}]
    bodies: Iterable[dict[str, Any]] = (wants, wants | {"filter": never})
    first, second = (
        api.post("webhook/subscription", {"webhookSubscription": body})["webhookSubscriptionId"]
        for body in bodies
    )
    return first, second


def told(api: Client, anna: str, got: str, filtered: str) -> Any:
    until(answers(api))
    (row,) = api.get("webhook/delivery", customerId=anna, subscriptionId=got)["items"]
    detail = api.get(f"webhook/delivery/{row['messageId']}")
    assert (row["status"], len(detail["attempts"])) == ("delivered", 1)
    assert f'"messageId":"{row["messageId"]}"' in detail["request"]["body"]
    at = datetime.now(UTC).isoformat()
    events = api.get("webhook/why", customerId=anna, at=at)["items"]
    verdicts = {
        verdict["subscriptionId"]: verdict["verdict"]
        for event in events
        if event["eventName"] == "CustomerRegistered"
        for verdict in event["verdicts"]
    }
    assert verdicts == {got: "delivered", filtered: "filtered"}
    return row, detail, events
