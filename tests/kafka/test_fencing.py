"""A broker killed in the middle of commits: each transaction is whole or was never there, none stays open."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.local_broker import LocalBroker, fencing

PARTITIONS, PRODUCERS, KILLS = 6, 2, 2
WITHIN = 120.0


class Committing:
    """A producer of small transactions over all partitions, whatever happens to its broker."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.acknowledged: list[bytes] = []
        self._bootstrap, self._name = bootstrap, name
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        number, producer = 0, None
        while not self._over.is_set():
            value = b"%s/%d" % (self._name.encode(), number)
            number += 1
            try:
                producer = producer or self._made()
                self._commit(producer, value)
                self.acknowledged.append(value)
            except KafkaException:
                # A new one of the same name ends what this one left.
                producer = None

    def _made(self) -> Producer:
        made = Producer(
            {"bootstrap.servers": self._bootstrap, "transactional.id": self._name, "log_level": 0}
            | {"transaction.timeout.ms": 10_000, "linger.ms": 0}
        )
        made.init_transactions(WITHIN)
        return made

    def _commit(self, producer: Producer, value: bytes) -> None:
        producer.begin_transaction()
        for partition in range(PARTITIONS):
            producer.produce("kept", value, partition=partition)
        producer.commit_transaction(20)


@contextmanager
def committing(bootstrap: str) -> Iterator[list[Committing]]:
    made = [Committing(bootstrap, f"producer-{number}") for number in range(PRODUCERS)]
    for one in made:
        one.start()
    try:
        yield made
    finally:
        for one in made:
            one.end()


def until_more(made: list[Committing], count: int) -> None:
    """`count` more transactions of each, so that a commit is always under way."""
    wanted = [len(one.acknowledged) + count for one in made]
    deadline = time.monotonic() + WITHIN
    while any(len(one.acknowledged) < number for one, number in zip(made, wanted, strict=True)):
        assert time.monotonic() < deadline, [len(one.acknowledged) for one in made]
        time.sleep(0.01)


def committed(bootstrap: str) -> dict[bytes, set[int]]:
    """In which partitions each value is; read to the log's very end, which an open transaction would hide."""
    reader = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "test", "enable.partition.eof": True}
        | {"isolation.level": "read_committed", "log_level": 0}
    )
    places = [TopicPartition("kept", number, 0) for number in range(PARTITIONS)]
    ends = {place.partition: reader.get_watermark_offsets(place, WITHIN)[1] for place in places}
    reader.assign(places)
    found: defaultdict[bytes, set[int]] = defaultdict(set)
    left, deadline = set(ends), time.monotonic() + WITHIN
    while left:
        assert time.monotonic() < deadline, f"a transaction is open in partitions {left}"
        message = reader.poll(1)
        if message is not None and message.error() is None:
            found[message.value() or b""].add(message.partition() or 0)
        elif message is not None and (message.offset() or 0) >= ends[message.partition() or 0]:
            left.discard(message.partition() or 0)
    reader.close()
    return found


def test_no_transaction_is_torn_or_left_open_by_a_broker_that_is_killed(
    tmp_path: Path, libraries: Path
) -> None:
    with LocalBroker(tmp_path, libraries=libraries) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        admin.create_topics([NewTopic("kept", PARTITIONS)])["kept"].result(WITHIN)
        with committing(broker.bootstrap_servers) as producers:
            for _ in range(KILLS):
                until_more(producers, 5)
                broker.kill()
                broker.start()
            until_more(producers, 1)
        found = committed(broker.bootstrap_servers)

    assert {value: where for value, where in found.items() if len(where) < PARTITIONS} == {}
    assert {value for one in producers for value in one.acknowledged} <= found.keys()


REGISTERED = "INFO ClusterControlManager: establishing broker 1: RegisterBrokerRecord("
CHANGED = "INFO ClusterControlManager: modifying broker 1: BrokerRegistrationChangeRecord("
ACTIVE = "WARN QuorumController: [QuorumController id=1] Performing controller activation."


@pytest.mark.parametrize(
    ("lines", "done"),
    [
        ([], False),
        ([f"{REGISTERED}fenced=true)"], False),
        ([ACTIVE], True),
        ([f"{REGISTERED}fenced=false)", ACTIVE], False),
        ([f"{REGISTERED}fenced=true)", f"{CHANGED}fenced=-1)", ACTIVE], False),
        ([f"{REGISTERED}fenced=true)", f"{CHANGED}fenced=-1)", ACTIVE, f"{CHANGED}fenced=1)"], True),
    ],
    ids=["silent", "still reading", "no broker ever", "a broker", "unfenced", "fenced"],
)
def test_a_controller_is_done_when_it_is_active_and_the_broker_fenced(
    tmp_path: Path, lines: list[str], done: bool
) -> None:
    log = tmp_path / fencing.LOG
    log.write_text("".join(f"2026-03-02T12:00:00,000 {line}\n" for line in lines))

    assert fencing.is_fenced(log) is done
