"""Three brokers, of which one may be killed, frozen or cut off while the others go on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.kafka.three_brokers import ThreeBrokers

Trouble = Callable[[ThreeBrokers, int], None]
TOPIC = "one"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, libraries: Path) -> Iterator[ThreeBrokers]:
    with ThreeBrokers(tmp_path_factory.mktemp("three"), libraries, session=2.0) as brokers:
        made = AdminClient({"bootstrap.servers": brokers.bootstrap_servers})
        made.create_topics([NewTopic(TOPIC, 1, 3)])[TOPIC].result(30)
        yield brokers


@pytest.mark.parametrize(
    ("trouble", "cure"),
    [
        (ThreeBrokers.kill, ThreeBrokers.start),
        (ThreeBrokers.stop, ThreeBrokers.start),
        (ThreeBrokers.freeze, ThreeBrokers.thaw),
        (ThreeBrokers.cut_off, ThreeBrokers.reconnect),
    ],
    ids=["killed", "stopped", "frozen", "cut off"],
)
def test_while_one_broker_is_gone_the_others_take_records_of_its_partitions(
    three: ThreeBrokers, trouble: Trouble, cure: Trouble
) -> None:
    three.await_all()
    leader = three.leader_of(TOPIC, 0)
    producer = Producer({"bootstrap.servers": three.bootstrap_servers, "acks": "all"})

    trouble(three, leader)
    producer.produce(TOPIC, b"taken by another")
    assert producer.flush(60) == 0
    taken_by = three.leader_of(TOPIC, 0)
    cure(three, leader)

    three.await_all()
    assert taken_by != leader
