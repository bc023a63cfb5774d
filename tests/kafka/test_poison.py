"""Poison records on a real broker: looked at, and sent again once, however often the sending is cut short."""

import json
import subprocess
import time
from base64 import b64decode
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from api.cli.redriving import parse_moment
from streams.codec.avro import HEADER, encode
from streams.errors import Misconfigured
from streams.kafka.clients import Connection, connection
from streams.kafka.records import record_of
from streams.kafka.topic_admin import create_topics
from streams.rejections import PoisonRecord
from streams.settings import Settings
from streams.stages.context import Record
from streams.topics import COMMANDS, DELIVERIES, POISON, REDRIVEN, Topic
from tests.kafka.processes import LOYALTY, environment, finished
from tests.samples import NOON

WITHIN = 60.0


def poison(number: int, topic: Topic = COMMANDS, partition: int = 1, **fields: object) -> PoisonRecord:
    made = {
        "topic": topic.name,
        "partition": partition,
        "offset": number,
        "cause": f"is no. {number}",
        "key": f"DEFAULT/{number}".encode(),
        "value": b"\x00\xff%d" % number,
        "headers": {HEADER: b"AddUnits.v1", "trace": b"\xfe%d" % number},
        "found_at": NOON,
    }
    return PoisonRecord(**(made | fields))  # type: ignore[arg-type]


@pytest.fixture
def cluster(settings: Settings) -> Connection:
    made = connection(settings, settings.bootstrap_servers or "")
    create_topics(made, settings)
    return made


def put(cluster: Connection, records: list[PoisonRecord]) -> None:
    producer = Producer(cluster.producer())
    for record in records:
        value, header = encode(record)
        producer.produce(
            cluster.topic(POISON), value, record.key, partition=record.partition, headers={HEADER: header}
        )
    assert producer.flush(WITHIN) == 0


def committed(cluster: Connection, topic: Topic, settings: Settings) -> list[Record]:
    numbers = range(topic.partitions or settings.partitions)
    consumer = Consumer(cluster.consumer(**{"group.id": "test", "enable.partition.eof": True}))
    consumer.assign([TopicPartition(cluster.topic(topic), n, 0) for n in numbers])
    found, ended = [], 0
    while ended < len(numbers):
        message = consumer.poll(WITHIN)
        assert message is not None, "the broker is silent"
        if message.error():
            ended += 1
        else:
            found.append(record_of(message, topic.name))
    consumer.close()
    return found


def loyalty(settings: Settings, *command: str) -> tuple[int, str]:
    return finished(settings, "poison", *command)


def as_sent(record: PoisonRecord) -> tuple[str, int, bytes | None, bytes | None, dict[str, bytes]]:
    return record.topic, record.partition, record.key, record.value, record.headers


def as_come(record: Record) -> tuple[str, int, bytes | None, bytes | None, dict[str, bytes]]:
    return record.topic, record.partition, record.key, record.value, dict(record.headers)


def test_what_is_re_driven_comes_as_it_came_and_once(cluster: Connection, settings: Settings) -> None:
    first = [
        poison(1),
        poison(2, partition=2, key=None),
        poison(3, partition=0, value=None, headers={}),
        poison(4, DELIVERIES),
    ]
    put(cluster, first)

    counted = loyalty(settings, "redrive", "--dry-run")
    before = committed(cluster, COMMANDS, settings)
    sent = loyalty(settings, "redrive")
    again = loyalty(settings, "redrive")
    put(cluster, [poison(5)])
    later = loyalty(settings, "redrive")

    to = "4 of 4 poison records match; to re-drive: 3 to commands, 1 to deliveries\n"
    assert counted == (0, to + "dry run: nothing was sent\n")
    assert before == []
    assert sent == (0, to + "4 records re-driven\n")
    assert again == (0, "4 of 4 poison records match; 4 re-driven before; to re-drive: none\n")
    assert later[1].startswith(
        "5 of 5 poison records match; 4 re-driven before; to re-drive: 1 to commands\n"
    )
    came = committed(cluster, COMMANDS, settings) + committed(cluster, DELIVERIES, settings)
    assert sorted(map(repr, map(as_come, came))) == sorted(map(repr, map(as_sent, [*first, poison(5)])))


def test_only_what_is_asked_for_is_re_driven_and_the_rest_later(
    cluster: Connection, settings: Settings
) -> None:
    old = NOON - timedelta(days=2)
    put(cluster, [poison(1, found_at=old), poison(2), poison(3), poison(4, DELIVERIES)])

    by_id = loyalty(settings, "redrive", "--id", "1:1", "--id", "1:3")
    by_topic = loyalty(settings, "redrive", "--topic", "deliveries")
    by_time = loyalty(settings, "redrive", "--since", NOON.isoformat())
    rest = loyalty(settings, "redrive")

    assert [answer[1].splitlines()[-1] for answer in (by_id, by_topic, by_time, rest)] == [
        "2 records re-driven",
        "1 of 4 poison records match; 1 re-driven before; to re-drive: none",
        "1 records re-driven",
        "1 records re-driven",
    ]
    assert [r.key for r in committed(cluster, COMMANDS, settings)] == [
        b"DEFAULT/2",
        b"DEFAULT/3",
        b"DEFAULT/1",
    ]


def test_a_redrive_killed_in_the_middle_and_run_again_loses_and_doubles_nothing(
    cluster: Connection, settings: Settings
) -> None:
    count = 6000
    put(cluster, [poison(number, partition=number % 3) for number in range(count)])
    follower = Consumer(cluster.consumer(**{"group.id": "test"}))
    follower.assign([TopicPartition(cluster.topic(REDRIVEN), 0, 0)])

    killed = subprocess.Popen(
        [LOYALTY, "poison", "redrive"], env=environment(settings), stdout=subprocess.DEVNULL
    )
    with killed:
        first = follower.poll(WITHIN)
        killed.kill()
    follower.close()
    between = len(committed(cluster, REDRIVEN, settings))
    code, said = loyalty(settings, "redrive")

    assert first is not None
    assert 0 < between < count, "the blow fell beside the work: make it longer"
    assert (code, said.splitlines()[-1]) == (0, f"{count - between} records re-driven")
    came = Counter(r.value for r in committed(cluster, COMMANDS, settings))
    assert came == Counter(poison(number).value for number in range(count))


def test_what_comes_back_as_poison_meanwhile_is_left_to_the_next_run(
    cluster: Connection, settings: Settings
) -> None:
    put(cluster, [poison(1)])
    loyalty(settings, "redrive")
    # A stage that still cannot read it puts it aside anew, from its new place.
    put(cluster, [poison(90)])

    assert loyalty(settings, "redrive", "--dry-run")[1].startswith(
        "2 of 2 poison records match; 1 re-driven before; to re-drive: 1 to commands"
    )


def test_what_cannot_be_sent_is_counted_with_its_reason(cluster: Connection, settings: Settings) -> None:
    put(cluster, [poison(1, left_out=9), replace(poison(2), topic="gone"), poison(3)])

    assert loyalty(settings, "redrive") == (
        0,
        "3 of 3 poison records match; 1 of a topic that is no more; 1 too large to be kept whole; "
        "to re-drive: 1 to commands\n1 records re-driven\n",
    )


def test_the_list_says_where_from_why_and_whether_re_driven(cluster: Connection, settings: Settings) -> None:
    put(cluster, [poison(1), poison(2, key=b"\xff[bold]")])
    loyalty(settings, "redrive", "--id", "1:0")

    _, table = loyalty(settings, "list")
    _, lines = loyalty(settings, "list", "--json")

    for words in ("commands[1] at offset 2", "2026-03-02 12:00:00 UTC", "is no. 2", "�[bold]"):
        assert words in table
    assert "2 of 2 poison records shown: 1 re-driven before, 1 to re-drive" in table
    one, two = map(json.loads, lines.splitlines())
    assert (one["id"], two["id"], two["redriven_at"]) == ("1:0", "1:1", None)
    assert datetime.fromisoformat(one["redriven_at"]).timestamp() == pytest.approx(time.time(), abs=600)
    assert (two["topic"], two["partition"], two["offset"], two["cause"]) == ("commands", 1, 2, "is no. 2")
    assert (b64decode(two["key"]), b64decode(two["value"])) == (b"\xff[bold]", b"\x00\xff2")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--id", "9:7"], "Error: --id 9:7: no poison record is there; `loyalty poison list` shows them\n"),
        (["--id", "9"], "Error: --id '9' is not valid: partition:offset, as in `loyalty poison list`\n"),
        (["--topic", "comands"], "Error: --topic 'comands' is not valid: one of admins, "),
        (["--since", "24x"], "Error: --since '24x' is not valid: 90m, 24h, 7d or a time such as 2026-"),
    ],
    ids=["no such id", "no id", "no topic", "no time"],
)
def test_a_mistake_is_one_sentence(settings: Settings, arguments: list[str], sentence: str) -> None:
    code, said = loyalty(settings, "redrive", *arguments)

    assert code == 2
    assert said.splitlines()[-1].startswith(sentence.rstrip("\n"))


def test_since_is_an_age_or_a_time() -> None:
    assert parse_moment("--since", "90m", NOON) == NOON - timedelta(minutes=90)
    assert parse_moment("--since", "7d", NOON) == NOON - timedelta(days=7)
    assert parse_moment("--since", "2026-03-01", NOON) == datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(Misconfigured, match="999999d"):
        parse_moment("--since", "999999d", datetime(1000, 1, 1, tzinfo=UTC))
