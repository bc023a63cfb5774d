"""Partitions move between workers with all that was committed, and only when they must."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.settings import Settings
from streams.topics import EVENTS, REJECTIONS
from tests.kafka.fleet import Fleet, Worker, eventually, one_unit_each, registrations
from tests.samples import add, spend, uid

MEMBERS = 60


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    yield made
    made.close()


def outcomes(fleet: Fleet) -> "Counter[str]":
    """How many records of each kind, once every command has one."""
    fleet.await_all()
    records = [r for t in (EVENTS, REJECTIONS) for by in fleet.outcomes.records[t.name].values() for r in by]
    return Counter(str(record.schema).partition(".")[0] for record in records)


def test_workers_join_and_leave_and_balances_come_along(fleet: Fleet) -> None:
    fleet.send(registrations(MEMBERS))
    one = fleet.worker("one")
    fleet.send(one_unit_each(MEMBERS))
    two = fleet.worker("two")
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_owners(one, two)
    three = fleet.worker("three")
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_owners(one, two, three)
    one.program.end()
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_owners(two, three)
    two.program.end()
    fleet.await_owners(three)

    # Each has four units, no more and no less.
    fleet.send(spend("4", uid(n)) for n in range(1, MEMBERS + 1))
    fleet.send(spend("1", uid(n)) for n in range(1, MEMBERS + 1))

    assert outcomes(fleet) == {
        "MemberRegistered": MEMBERS,
        "UnitsEarned": 4 * MEMBERS,
        "UnitsSpent": MEMBERS,
        "CommandRejected": MEMBERS,
    }


@pytest.mark.parametrize("killed", [False, True])
def test_a_quick_restart_moves_nothing(fleet: Fleet, killed: bool) -> None:
    patience = {"LOYALTY_SESSION_TIMEOUT": "20"}
    one, two = fleet.worker("one", **patience), fleet.worker("two", **patience)
    fleet.await_owners(one, two)
    fleet.send(registrations(MEMBERS))
    fleet.await_all()
    before, moves = one.partitions, two.moves

    if killed:
        one.program.kill()
    else:
        one.program.restart()
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_all()

    assert one.partitions == before
    assert two.moves == moves


def frozen_inside_a_transaction(fleet: Fleet, worker: Worker) -> None:
    """Stopped while the events that it has written are not committed, and will not be."""
    consumers = {
        level: Consumer(fleet.connection.consumer(**{"group.id": "test", "isolation.level": level}))
        for level in ("read_committed", "read_uncommitted")
    }

    def end(level: str) -> int:
        topic = fleet.connection.topic(EVENTS)
        places = [TopicPartition(topic, number) for number in worker.partitions]
        return sum(consumers[level].get_watermark_offsets(place, 10)[1] for place in places)

    def caught() -> bool:
        fleet.send(add("1", uid(n)) for n in range(1, MEMBERS + 1))
        worker.program.freeze()
        # It is frozen: nothing is committed between the two.
        if end("read_uncommitted") > end("read_committed"):
            return True
        worker.program.thaw()
        return False

    eventually(caught, lambda: "it was never caught in a transaction")
    for consumer in consumers.values():
        consumer.close()


def test_a_frozen_worker_is_fenced_and_writes_nothing_more(fleet: Fleet) -> None:
    one = fleet.worker("one", LOYALTY_BATCH_RECORDS="7")
    fleet.send(registrations(MEMBERS))
    fleet.await_all()
    frozen_inside_a_transaction(fleet, one)
    sent = fleet.sent - MEMBERS

    two = fleet.worker("two")
    fleet.await_owners(two)
    fleet.await_all()
    one.program.thaw()
    process = one.program._process
    assert process is not None
    code = process.wait(60)
    fleet.send(one_unit_each(MEMBERS))

    assert code == 1
    # Which it sees first, the fence or its own watch over the transaction, is a race.
    assert one.said("CRITICAL worker: .*ends: (.*)")
    assert "Traceback" not in one.log
    assert outcomes(fleet) == {"MemberRegistered": MEMBERS, "UnitsEarned": sent + MEMBERS}


def test_a_worker_told_to_end_while_it_is_frozen_ends_in_order_after_all(fleet: Fleet) -> None:
    one = fleet.worker("one")
    process = one.program._process
    assert process is not None

    one.program.freeze()
    process.send_signal(signal.SIGTERM)
    one.program.thaw()

    assert process.wait(30) == 0
