"""Webhooks of the past on a real broker: once each, whatever cuts it short, for whom they are meant alone."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from streams.codec.avro import decode_tree, encode
from streams.domain.commands import EraseMember, RecordTransaction
from streams.settings import Settings
from streams.stages.context import Record
from streams.topics import DELIVERIES, ERASURES, SUBSCRIPTIONS, WEBHOOK_EVENTS
from tests.crash.world import put
from tests.domain.making import made
from tests.domain.test_erasure import MARK, life
from tests.further import NAME, entered
from tests.kafka import processes
from tests.kafka.fleet import Fleet, eventually, registrations
from tests.kafka.processes import environment, running
from tests.kafka.test_poison import committed
from tests.samples import add, spend, subscription, uid

FURTHER = sys.executable, "-m", "tests.further"
"""Today's program, which knows nineteen webhooks."""
WITHIN = 90.0
MEMBERS = 40
REGISTERED, UPDATED, BOUGHT = "CustomerRegistered", "CustomerUpdated", "TransactionRegistered"
ASSIGNED = "TransactionAssignedToCustomer"
CHOSEN, OTHER = subscription(NAME, number=600), subscription(NAME, number=601)


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    """Members who have spent units, by a worker that knew of no such webhook."""
    made = Fleet(settings, tmp_path / "fleet")
    put(made.connection, SUBSCRIPTIONS, {uid(602): encode(subscription(REGISTERED, number=602))})
    worker = made.worker("one")
    made.send(registrations(MEMBERS))
    made.send(add("10", uid(n)) for n in range(1, MEMBERS + 1))
    made.send(spend("3", uid(n)) for n in range(1, MEMBERS + 1))
    made.await_all()
    eventually(lambda: len(committed(made.connection, DELIVERIES, settings)) == MEMBERS, lambda: worker.log)
    worker.program.end()
    yield made
    made.close()


def words(event: str, *more: str) -> tuple[str, ...]:
    return ("backfill", event, "--from", "1h", "--to", "2099-01-01", *more)


def finished(settings: Settings, *command: str) -> tuple[int, str]:
    return processes.finished(settings, *command, program=FURTHER)


def published(fleet: Fleet, settings: Settings, name: str) -> list[Record]:
    found = committed(fleet.connection, WEBHOOK_EVENTS, settings)
    return [record for record in found if record.kind == name]


def by_member(records: list[Record]) -> Counter[str]:
    return Counter(str(decode_tree(record.value, record.schema)[1]["member_id"]) for record in records)


def delivered(fleet: Fleet, settings: Settings) -> Counter[tuple[str, str]]:
    trees = (decode_tree(r.value, r.schema)[1] for r in committed(fleet.connection, DELIVERIES, settings))
    return Counter((tree["event_name"], tree["subscription_id"]) for tree in trees)


@pytest.fixture
def further() -> Iterator[None]:
    with entered():
        yield


@pytest.mark.usefixtures("further")
def test_a_nineteenth_webhook_is_told_of_the_past_once_though_it_was_killed(
    fleet: Fleet, settings: Settings
) -> None:
    put(fleet.connection, SUBSCRIPTIONS, {one.subscription_id: encode(one) for one in (CHOSEN, OTHER)})
    command = words(NAME, "--subscription", CHOSEN.subscription_id)

    dry, said = finished(settings, *command, "--dry-run")
    assert published(fleet, settings, NAME) == []
    process = subprocess.Popen(
        [*FURTHER, *command, "--rate", "8/s"], env=environment(settings), stdout=-1, stderr=-1
    )
    with process:
        eventually(lambda: len(published(fleet, settings, NAME)) >= 4, lambda: "nothing came")
        os.kill(process.pid, signal.SIGKILL)
    before = len(published(fleet, settings, NAME))
    code, rest = finished(settings, *command, "--rate", "0")
    again = finished(settings, *command, "--rate", "0")
    told = published(fleet, settings, NAME)

    assert (dry, said.splitlines()[0]) == (0, f"{MEMBERS} {NAME} for 1 subscriptions, 0:00:00 at 100/s")
    assert 4 <= before < MEMBERS
    assert rest.startswith(f"goes on where it was: {MEMBERS - before} {NAME}")
    assert (code, rest.splitlines()[-1]) == (0, f"{MEMBERS - before} events backfilled")
    assert by_member(told) == {uid(n): 1 for n in range(1, MEMBERS + 1)}
    # What was told already is not told again.
    assert (again[0], again[1].splitlines()[-1]) == (0, "0 events backfilled")

    with running(settings, "worker", program=FURTHER):
        eventually(lambda: delivered(fleet, settings)[NAME, uid(600)] == MEMBERS, lambda: "nothing came")
    assert delivered(fleet, settings) == {(REGISTERED, uid(602)): MEMBERS, (NAME, uid(600)): MEMBERS}
    code, said = finished(settings, "reconcile", "--json")
    assert (code, counts(said)) == (0, {(REGISTERED, uid(602)): MEMBERS, (NAME, uid(600)): MEMBERS})


def test_a_subscription_gets_what_happened_before_it_was_there_and_nobody_else_gets_it_again(
    fleet: Fleet, settings: Settings
) -> None:
    late = replace(subscription(REGISTERED, number=603), created_at=datetime.now(UTC) + timedelta(seconds=1))
    put(fleet.connection, SUBSCRIPTIONS, {uid(603): encode(late)})

    code, said = finished(settings, *words(REGISTERED, "--all-subscriptions", "DEFAULT", "--rate", "0"))
    with running(settings, "worker", program=FURTHER):
        eventually(lambda: delivered(fleet, settings)[REGISTERED, uid(603)] == MEMBERS, lambda: said)

    assert (code, said.splitlines()[-1]) == (0, f"{MEMBERS} events backfilled")
    assert delivered(fleet, settings) == {(REGISTERED, uid(602)): MEMBERS, (REGISTERED, uid(603)): MEMBERS}
    # The second time under the same ids.
    assert set(by_id(published(fleet, settings, REGISTERED)).values()) == {2}
    code, said = finished(settings, "reconcile", "--json")
    assert (code, counts(said)) == (0, {(REGISTERED, uid(602)): MEMBERS, (REGISTERED, uid(603)): MEMBERS})
    # Nor does a replay to others send what was not meant for them.
    replayed = finished(
        settings,
        "replay",
        "webhooks",
        "--subscription",
        uid(602),
        "--from",
        "1h",
        "--to",
        "2099-01-01",
        "--dry-run",
    )
    assert replayed[1].startswith(f"{MEMBERS} deliveries")


def test_a_corrected_one_is_another_event_once_though_it_was_cancelled(
    fleet: Fleet, settings: Settings
) -> None:
    command = words(REGISTERED, "--subscription", uid(602), "--corrected", "names")

    process = subprocess.Popen(
        [*FURTHER, *command, "--rate", "8/s"], env=environment(settings), stdout=-1, stderr=-1, text=True
    )
    with process:
        eventually(lambda: len(published(fleet, settings, REGISTERED)) > MEMBERS, lambda: "nothing came")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=WITHIN)
    one_member = finished(settings, *command, "--member", uid(1), "--rate", "0")
    rest = finished(settings, *command, "--rate", "0")

    assert process.returncode == 130
    assert "events backfilled; the same command goes on with the rest" in said
    assert (one_member[0], rest[0]) == (0, 0)
    assert set(by_id(published(fleet, settings, REGISTERED)).values()) == {1}
    assert len(published(fleet, settings, REGISTERED)) == 2 * MEMBERS


def test_nothing_is_told_of_who_is_erased_and_all_of_others_as_it_was(
    fleet: Fleet, settings: Settings
) -> None:
    gone, there = uid(MEMBERS + 1), uid(MEMBERS + 2)
    (worker,) = fleet.workers
    worker.program.start()
    lives = [*life(gone), *life(there, "Plugh")]
    # A document finds its buyer once that one is known, whichever partition is ahead.
    at_till: list[Any] = [command for command in lives if isinstance(command, RecordTransaction)]
    fleet.send(command for command in lives if command not in at_till)
    eventually(lambda: len(published(fleet, settings, ASSIGNED)) == 2, lambda: worker.log)
    fleet.send(at_till)
    eventually(lambda: len(published(fleet, settings, ASSIGNED)) == 4, lambda: worker.log)
    fleet.send([made(EraseMember, gone)])
    # The member's, and its document's.
    eventually(lambda: len(committed(fleet.connection, ERASURES, settings)) == 2, lambda: worker.log)
    worker.program.end()
    late = replace(subscription("*", number=603), created_at=datetime.now(UTC) + timedelta(seconds=1))
    put(fleet.connection, SUBSCRIPTIONS, {uid(603): encode(late)})

    said = [
        finished(settings, *words(name, "--subscription", uid(603), "--rate", "0"))[1].splitlines()[1:]
        for name in (UPDATED, BOUGHT)
    ]
    with running(settings, "worker", program=FURTHER):
        eventually(lambda: delivered(fleet, settings)[BOUGHT, uid(603)] == 2, lambda: worker.log)

    left_out = "left out: 2 members and documents that are erased"
    assert said == [[left_out, "1 events backfilled"], [left_out, "2 events backfilled"]]
    for name, count in ((UPDATED, 1), (BOUGHT, 2)):
        values = Counter((record.value or b"").lower() for record in published(fleet, settings, name))
        # Word for word as it was told live.
        assert {n for value, n in values.items() if MARK.lower().encode() in value} == {1}
        assert [n for value, n in values.items() if b"plugh@example.com" in value] == [2] * count
    bodies = [(r.value or b"").lower() for r in committed(fleet.connection, DELIVERIES, settings)]
    assert sum(b"plugh@example.com" in body for body in bodies) == 3
    assert not any(MARK.lower().encode() in body for body in bodies)


def by_id(records: list[Record]) -> Counter[str]:
    return Counter(str(decode_tree(record.value, record.schema)[1]["webhook_event_id"]) for record in records)


def counts(said: str) -> dict[tuple[str, str], int]:
    groups = json.loads(said)["groups"]
    return {
        (g["event_name"], g["subscription_id"]): g["outcomes"]["pending"] for g in groups if g["published"]
    }
