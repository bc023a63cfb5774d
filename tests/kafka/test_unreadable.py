"""A batch of a few kB that unpacks to 150 MB is one batch's problem, whoever reads the topic."""

import asyncio
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from streams.codec.avro import decode, encode
from streams.delivery.records import Subscription
from streams.kafka.clients import Connection, connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.log_reader import full_range, read_records
from streams.kafka.topic_admin import create_topics
from streams.kafka.unreadable_batches import is_unreadable, skip_batch
from streams.projections.member_events import MemberEventReader
from streams.rejections import PoisonRecord
from streams.runtime.restore import open_changelog_consumer, skip_oversized
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.topics import CHANGELOGS, COMMANDS, EVENTS, POISON, SUBSCRIPTIONS, Topic
from tests.kafka.bombs import RECORDS, drop_bomb
from tests.kafka.fleet import Fleet, eventually, registrations
from tests.kafka.processes import LOYALTY, environment
from tests.samples import STORE, register, subscription, uid

MEMBERS = 20
LEDGERS = CHANGELOGS["ledgers"]


@pytest.fixture
def here(settings: Settings) -> Connection:
    made = connection(settings, settings.bootstrap_servers or "")
    create_topics(made, settings, (COMMANDS, EVENTS, SUBSCRIPTIONS, LEDGERS))
    return made


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    yield made
    made.close()


def append(here: Connection, topic: Topic, key: str, value: bytes, *, schema: str = "", at: int = 0) -> None:
    producer = here.open_producer()
    headers = {"schema": schema} if schema else None
    producer.produce(here.topic(topic), value, key, at, headers=headers)
    assert producer.flush(30) == 0


@pytest.mark.parametrize("count", [1, 2, RECORDS])
def test_where_the_next_batch_begins_is_found(here: Connection, count: int) -> None:
    append(here, EVENTS, "a", b"before")
    drop_bomb(here, EVENTS, 0, count)
    drop_bomb(here, EVENTS, 0, count)
    append(here, EVENTS, "a", b"after")
    consumer = here.open_consumer(**{"group.id": f"{here.prefix}any"})
    consumer.assign([TopicPartition(here.topic(EVENTS), 0, 0)])

    found: list[bytes | int | None] = []
    while b"after" not in found:
        message = consumer.poll(1.0)
        if message is not None and is_unreadable(message):
            found.append(skip_batch(here, consumer, message))
        elif message is not None:
            found.append(message.value())

    consumer.close()
    ends = [each for each in found if isinstance(each, int)]
    assert found[0] == b"before"
    assert ends[0] == 1 + count
    assert ends[-1] == 1 + 2 * count
    assert [each for each in found if not isinstance(each, int)] == [b"before", b"after"]


def test_a_worker_that_it_has_ended_three_times_puts_it_into_poison_and_goes_on(
    fleet: Fleet, tmp_path: Path
) -> None:
    good = registrations(MEMBERS)
    fleet.send(good[:10])
    drop_bomb(fleet.connection, COMMANDS, 1)
    fleet.send(good[10:])
    log = tmp_path / "worker.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [LOYALTY, "worker", "--supervise"],
            env=environment(fleet.settings),
            stdout=errors,
            stderr=errors,
        )
    try:
        # The poison record is an outcome too; and four lives take their time on a busy machine.
        eventually(lambda: fleet.handled >= fleet.sent + 1, log.read_text, within=240)
    finally:
        process.terminate()
        code = process.wait(30)

    said = log.read_text()
    (aside,) = [r for by in fleet.outcomes.records[POISON.name].values() for r in by]
    poison = decode(PoisonRecord, aside.value, aside.schema)
    place = f"{fleet.connection.topic(COMMANDS)}[1] at offset {poison.offset} cannot be read: "
    assert code == 0
    assert fleet.outcomes.count(EVENTS) == MEMBERS
    assert (poison.topic, poison.partition, poison.key, poison.value) == ("commands", 1, None, None)
    assert poison.cause.startswith("ended the process 3 times: ")
    assert place in poison.cause
    assert place in said
    assert said.count("supervisor: ended with exit code 1: started again in ") == 3


def test_a_view_passes_it_over_with_a_line_in_the_log(
    here: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    value, schema = encode(subscription("CustomerRegistered", number=1))
    append(here, SUBSCRIPTIONS, uid(1), value, schema=schema)
    drop_bomb(here, SUBSCRIPTIONS, 0)
    value, schema = encode(subscription("CustomerRegistered", number=2))
    append(here, SUBSCRIPTIONS, uid(2), value, schema=schema)
    held: dict[str, Subscription | None] = {}

    async def read() -> CompactedView[Subscription]:
        view = CompactedView(here, SUBSCRIPTIONS, Subscription, held.__setitem__)
        await asyncio.wait_for(view.start(), 60)
        await view.stop()
        return view

    with caplog.at_level(logging.ERROR):
        view = asyncio.run(read())

    assert set(held) == {uid(1), uid(2)}
    assert [(each.offset, str(each.fault.reason)) for each in view.aside] == [(1, "cannot be unpacked")]
    place = f"{here.topic(SUBSCRIPTIONS)}[0] at offset 1 cannot be read"
    assert any(place in message and "up to offset 151" in message for message in caplog.messages)


def test_who_reads_a_stretch_or_a_members_past_is_given_the_rest(here: Connection) -> None:
    owner = owner_of(STORE, uid(1))
    value, schema = encode(register(uid(1)))
    append(here, EVENTS, owner, value, schema=schema, at=-1)
    partition = next(n for n, (_, end) in full_range(here, EVENTS).bounds.items() if end)
    drop_bomb(here, EVENTS, partition)
    append(here, EVENTS, owner, value, schema=schema, at=partition)

    stretch = [record.offset for record in read_records(here, full_range(here, EVENTS, partition))]
    past = [record.offset for record in asyncio.run(MemberEventReader(here, 3, 1000).of(owner))]

    assert stretch == past == [0, 151]


def test_a_restore_passes_over_what_no_worker_wrote(here: Connection) -> None:
    append(here, LEDGERS, "a", b"before")
    drop_bomb(here, LEDGERS, 0)
    append(here, LEDGERS, "a", b"after")
    consumer = open_changelog_consumer(here, reset="error")
    consumer.assign([TopicPartition(here.topic(LEDGERS), 0, 0)])

    found: list[bytes | None] = []
    while len(found) < 2:
        messages = skip_oversized(here, consumer, consumer.consume(10, 1.0))
        found += [message.value() for message in messages if message.error() is None]

    consumer.close()
    assert found == [b"before", b"after"]
