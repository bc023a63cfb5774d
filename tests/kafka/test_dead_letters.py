"""Dead letters on a real broker: looked at, and delivered again, once each."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from api.cli.dead_letters import parse_statuses
from streams.codec.avro import HEADER, decode, encode
from streams.delivery.records import DeadLetter, Delivery
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, DELIVERIES, SUBSCRIPTIONS
from tests.connectors.sink_driver import FIRST, SECOND, delivery
from tests.crash.world import put
from tests.kafka.processes import finished
from tests.kafka.test_poison import committed
from tests.samples import NOON, uid

WITHIN = 60.0


def letter(number: int, status: int | None = 503, to: str = FIRST.subscription_id) -> DeadLetter:
    return DeadLetter(
        delivery=replace(delivery(number, to=to), data=f'{{"no": {number}}}'),
        reason=f"given up, no. {number}",
        attempts=14,
        status=status,
        given_up_at=NOON + timedelta(hours=number),
    )


@pytest.fixture
def cluster(settings: Settings) -> Connection:
    made = connection(settings, settings.bootstrap_servers or "")
    create_topics(made, settings)
    put(made, SUBSCRIPTIONS, {one.subscription_id: encode(one) for one in (FIRST, SECOND)})
    return made


def give_up(cluster: Connection, letters: Iterable[DeadLetter]) -> None:
    producer = Producer(cluster.producer())
    for one in letters:
        value, header = encode(one)
        key = one.delivery.subscription_id
        producer.produce(cluster.topic(DEAD_LETTERS), value, key, headers={HEADER: header})
    assert producer.flush(WITHIN) == 0


def loyalty(settings: Settings, *command: str) -> tuple[int, str]:
    return finished(settings, "dead-letters", *command)


def delivered_again(cluster: Connection, settings: Settings) -> Counter[str]:
    records = committed(cluster, DELIVERIES, settings)
    return Counter(decode(Delivery, r.value, r.schema).delivery_id for r in records)


def test_dead_letters_are_chosen_counted_and_delivered_again_once(
    cluster: Connection, settings: Settings
) -> None:
    gone = uid(999)
    give_up(cluster, [letter(1), letter(2, 404), letter(3, None), letter(4, to=SECOND.subscription_id)])
    give_up(cluster, [letter(5, to=gone)])

    counted = loyalty(settings, "redrive", "--status", "5xx", "--dry-run")
    before = delivered_again(cluster, settings)
    by_status = loyalty(settings, "redrive", "--status", "none", "--status", "404")
    by_time = loyalty(settings, "redrive", "--from", "2026-03-02T13:00:00Z", "--to", "2026-03-02T14:00:00Z")
    rest = loyalty(settings, "redrive", "--store", "DEFAULT", "--event", "customer.registered")
    again = loyalty(settings, "redrive")

    no_more = "1 of a subscription that is no more"
    assert counted == (
        0,
        f"3 of 5 dead letters match; {no_more}; to re-drive: 2 to deliveries\ndry run: nothing was sent\n",
    )
    assert before == Counter()
    assert [said.splitlines()[-1] for _, said in (by_status, by_time, rest)] == [
        "2 records re-driven",
        "1 records re-driven",
        "1 records re-driven",
    ]
    assert again[1] == (f"5 of 5 dead letters match; {no_more}; 4 re-driven before; to re-drive: none\n")
    assert delivered_again(cluster, settings) == Counter(uid(n) for n in (1, 2, 3, 4))


def test_the_list_and_one_letter_are_shown(cluster: Connection, settings: Settings) -> None:
    give_up(cluster, [letter(1), letter(2, to=SECOND.subscription_id)])

    _, table = loyalty(settings, "list")
    _, line = loyalty(settings, "list", "--json", "--subscription", SECOND.subscription_id)
    found = json.loads(line)
    _, whole = loyalty(settings, "show", found["id"])
    nothing = loyalty(settings, "redrive", "--id", "0:700")

    for words in ("CustomerRegistered of DEFAULT", "2026-03-02 13:00:00 UTC", "given up, no. 1"):
        assert words in table
    assert "2 of 2 dead letters shown: 2 to re-drive" in table
    assert json.loads(whole) == found
    assert nothing == (
        2,
        "Error: --id 0:700: no dead letter is there; `loyalty dead-letters list` shows them\n",
    )
    assert (found["status"], found["delivery"]["data"]) == (503, {"no": 2})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "7"], "Error: --id '7' is not valid: partition:offset, as in `loyalty dead-letters list`"),
        (["list", "--status", "6xx"], "Error: --status '6xx' is not valid: 404, 5xx, or none"),
        (["list", "--event", "Nothing"], "Error: --event 'Nothing' is not valid: a name as in"),
        (["list", "--to", "soon"], "Error: --to 'soon' is not valid: 90m, 24h, 7d or a time"),
    ],
    ids=["no id", "no status", "no event", "no time"],
)
def test_a_mistake_is_one_sentence(settings: Settings, arguments: list[str], sentence: str) -> None:
    code, said = loyalty(settings, *arguments)

    assert code == 2
    assert said.splitlines()[-1].startswith(sentence)


def test_a_status_is_a_number_a_hundred_or_none() -> None:
    assert parse_statuses("404") == [404]
    assert (parse_statuses("5xx")[0], len(parse_statuses("5xx"))) == (500, 100)
    assert parse_statuses("none") == [None]
