"""The state made anew from facts and put in the running one's place, on a real broker with real workers."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer
from msgspec.structs import replace as changed

from streams.codec.avro import HEADER, encode
from streams.domain.commands import AdvanceClock, MemberCommand
from streams.domain.state import Account
from streams.migration.build import StateBuild
from streams.migration.changelog_writer import ChangelogWriter
from streams.migration.cutover import begin_build, find_build, hold_folder, switch, version_number
from streams.runtime.state_versions import read_state_version
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.stages.state_schema import STATE_SCHEMA, StateSchema
from streams.tables.owner_entries import OWNER_END
from streams.topics import CHANGELOGS, COMMANDS, EVENTS, REJECTIONS, WEBHOOK_EVENTS, Topic
from tests.crash.program import Program
from tests.kafka.fleet import SESSION, TRANSACTION, Fleet, eventually
from tests.kafka.processes import LOYALTY, environment, finished
from tests.kafka.test_poison import committed
from tests.samples import NOON, SETTINGS, STORE, add, register, spend, uid
from tests.stages.test_carry import doubled

MEMBERS = [uid(n) for n in range(1, 13)]
STATE = ("replay", "state")
NEARLY, LATE = NOON + timedelta(days=21), NOON + timedelta(days=45)


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    mine = {"session_timeout": SESSION, "transaction_timeout": TRANSACTION}
    made = Fleet(settings.model_copy(update=mine), tmp_path)
    yield made
    made.close()


def reach(fleet: Fleet, now: datetime) -> None:
    """History has come so far, on each partition."""
    producer = Producer(fleet.connection.producer())
    for number in range(fleet.settings.partitions):
        value, schema = encode(AdvanceClock(command_id=uid(70_000 + number), issued_at=now))
        producer.produce(fleet.connection.topic(COMMANDS), value, b"clock", number, headers={HEADER: schema})
    assert producer.flush(30) == 0


def names(fleet: Fleet, topic: Topic) -> dict[str, list[str]]:
    """By member, the names of the records in their order."""
    found = defaultdict[str, list[str]](list)
    for record in committed(fleet.connection, topic, fleet.settings):
        member = (record.key or b"").decode().removeprefix(f"{STORE}/")
        found[member].append(record.kind)
    return found


def await_told(fleet: Fleet, count: int) -> None:
    def told() -> int:
        return sum(map(len, names(fleet, WEBHOOK_EVENTS).values()))

    eventually(lambda: told() >= count, lambda: f"{told()} of {count} webhook events")


def units(fleet: Fleet) -> dict[str, Decimal]:
    """What each member has, as the present generation's changelog says."""
    connection = replace(fleet.connection, generation=read_state_version(fleet.connection).number)
    found = {}
    for record in committed(connection, CHANGELOGS[Account.table], fleet.settings):
        owner, _, key = (record.key or b"").partition(OWNER_END)
        if key.startswith(Account.letter) and record.value:
            account = msgspec.msgpack.decode(record.value, type=Account)
            found[owner.decode().removeprefix(f"{STORE}/")] = account.available
    return found


def ends_of(members: Sequence[str]) -> list[MemberCommand]:
    return [add("5", member, expires_in_days=30) for member in members]


def test_what_was_told_and_answered_before_the_switch_is_known_after_it(fleet: Fleet) -> None:
    worker = fleet.worker("only", LOYALTY_CLOCK="stream")
    fleet.send([*map(register, MEMBERS), *ends_of(MEMBERS)])
    reach(fleet, NEARLY)
    await_told(fleet, 3 * len(MEMBERS))
    built = finished(fleet.settings, *STATE, "--build")
    again, refused = [add("7", m, NEARLY, 30) for m in MEMBERS], spend("500", MEMBERS[0], NEARLY)
    fleet.send([*again, refused])
    await_told(fleet, 4 * len(MEMBERS))

    running = finished(fleet.settings, *STATE, "--switch")
    worker.program.end()
    switched = finished(fleet.settings, *STATE, "--switch")
    worker.program.start()
    fleet.send([*again, refused])
    reach(fleet, LATE)
    await_told(fleet, 6 * len(MEMBERS))

    assert (built[0], switched[0]) == (0, 0)
    assert "generation 2 is built beside generation 1" in built[1]
    assert "72 entries are the same, 0 differ" in switched[1]
    assert running[0] == 2
    assert "not switched: workers still run: only (127.0.0.1): stop them" in running[1]
    told = ["CustomerRegistered", "AvailablePointsAmountChanged", "PointsWillExpire"]
    ended = ["AvailablePointsAmountChanged", "AvailablePointsAmountChanged", "PointsWillExpire"]
    assert names(fleet, WEBHOOK_EVENTS) == {member: [*told, *ended] for member in MEMBERS}
    assert names(fleet, REJECTIONS) == {MEMBERS[0]: ["CommandRejected"] * 2}
    assert units(fleet) == dict.fromkeys(MEMBERS, Decimal(7))


def test_a_worker_that_was_frozen_meanwhile_commits_nothing_and_begins_anew_on_the_next_state(
    fleet: Fleet,
) -> None:
    worker = fleet.worker("frozen")
    fleet.send([*map(register, MEMBERS), *ends_of(MEMBERS)])
    fleet.await_all()
    assert finished(fleet.settings, *STATE, "--build")[0] == 0
    fleet.send([add("7", member) for member in MEMBERS])
    # Perhaps within a transaction: then that is waited for.
    worker.program.freeze()

    switched = finished(fleet.settings, *STATE, "--switch")
    worker.program.thaw()
    await_end(worker.program)
    fleet.await_all()

    assert switched[0] == 0
    assert read_state_version(fleet.connection).number == 2
    assert units(fleet) == dict.fromkeys(MEMBERS, Decimal(12))
    assert {len(found) for found in names(fleet, EVENTS).values()} == {3}


def await_end(program: Program) -> None:
    """It ends by itself, and is started again."""

    def ended() -> bool:
        program.supervise()
        return bool(program.endings)

    eventually(ended, program.last_words)


def killed(fleet: Fleet, when: str, *command: str) -> None:
    """Ends the command as a power cut would, once it says so."""
    with subprocess.Popen(
        command,
        env=environment(fleet.settings, LOYALTY_TRANSACTION_TIMEOUT=str(TRANSACTION)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if when in line:
                break
        else:
            pytest.fail(f"it did not say {when!r}: {said}")
        process.kill()


def test_killed_on_its_way_it_goes_on_and_a_worker_too(fleet: Fleet) -> None:
    worker = fleet.worker("only")
    fleet.send([*map(register, MEMBERS), *ends_of(MEMBERS)])
    fleet.await_all()
    slowly = (str(LOYALTY), *STATE, "--build", "--rate", "2")
    killed(fleet, "partition 0: restored", *slowly)
    assert finished(fleet.settings, *STATE, "--build")[0] == 0
    killed(fleet, "waits for the last session of: only", str(LOYALTY), *STATE, "--switch")
    fleet.send([add("7", member) for member in MEMBERS])
    fleet.await_all()
    worker.program.end()
    killed(fleet, "is held", sys.executable, "-m", "tests.kafka.held_switch")

    # What the killed one had begun is waited for, until Kafka aborts it.
    worker.program.start()
    worker.said("is ready")
    fleet.send([add("9", member) for member in MEMBERS])
    fleet.await_all()
    assert read_state_version(fleet.connection).number == 1
    switched = finished(fleet.settings, *STATE, "--switch", "--evict")
    await_end(worker.program)
    after = finished(fleet.settings, *STATE, "--switch")
    fleet.send([add("1", member) for member in MEMBERS])
    fleet.await_all()
    dropped = finished(fleet.settings, *STATE, "--drop")

    assert switched[0] == 0
    assert (after[0], after[1].startswith("nothing to do: the state is of generation 2 since")) == (0, True)
    assert units(fleet) == dict.fromkeys(MEMBERS, Decimal(22))
    assert dropped[1].endswith("4 changelogs of other generations deleted; the present one is 2\n")
    worker.program.restart()
    worker.said("is ready")
    assert finished(fleet.settings, *STATE)[0] == 0


def test_states_that_differ_are_not_switched(fleet: Fleet) -> None:
    worker = fleet.worker("only")
    fleet.send([*map(register, MEMBERS), *ends_of(MEMBERS)])
    fleet.await_all()
    assert finished(fleet.settings, *STATE, "--build")[0] == 0
    worker.program.end()
    owner = owner_of(STORE, MEMBERS[0])
    key = owner.encode() + OWNER_END + Account.letter + b"default"
    whose = [r for r in committed(fleet.connection, CHANGELOGS["ledgers"], fleet.settings) if r.key == key]
    account = msgspec.msgpack.decode(whose[-1].value or b"", type=Account)
    wrong = msgspec.msgpack.encode(changed(account, available=Decimal(500)))
    producer = Producer(fleet.connection.producer())
    producer.produce(fleet.connection.topic(CHANGELOGS["ledgers"]), wrong, key, whose[-1].partition)
    assert producer.flush(30) == 0

    code, said = finished(fleet.settings, *STATE, "--switch")

    assert code == 1
    assert f"{owner}: Account differs" in said
    assert "47 entries are the same, 1 differ" in said
    assert "not switched: the states differ" in said
    assert read_state_version(fleet.connection).number == 1


@contextmanager
def renewal(fleet: Fleet, layout: StateSchema) -> Iterator[StateBuild]:
    """Of the next release, on a disk of its own."""
    with hold_folder(fleet.settings) as folder:
        place = find_build(fleet.connection, folder, layout) or begin_build(fleet.connection, folder, layout)
        publisher = ChangelogWriter(replace(fleet.connection, generation=version_number(place)), TRANSACTION)
        yield StateBuild(
            fleet.connection, fleet.settings, place, publisher, stores={STORE: SETTINGS}.get, layout=layout
        )


def test_another_layout_is_switched_to_where_it_says_what_is_new_and_other_releases_end(
    fleet: Fleet,
) -> None:
    worker = fleet.worker("only")
    fleet.send([*map(register, MEMBERS), *ends_of(MEMBERS)])
    fleet.await_all()
    api = Program(
        "api",
        "api",
        fleet.folder / "api",
        {
            "KAFKA_BOOTSTRAP_SERVERS": fleet.connection.bootstrap_servers,
            "LOYALTY_TOPIC_PREFIX": fleet.settings.topic_prefix,
            "LOYALTY_API_PORT": "0",
            "LOYALTY_API_KEY_HASHES": "0" * 64,
        },
    )
    api.start()
    eventually(lambda: "is ready" in api.console.read_text(), api.console.read_text)
    worker.program.end()

    with renewal(fleet, StateSchema(STATE_SCHEMA.number + 1, doubled)) as silent:
        refused = switch(silent, fleet.connection, fleet.settings, lambda *_: None, lambda _: None)
    with renewal(fleet, StateSchema(STATE_SCHEMA.number + 1, doubled, frozenset({"Lot.returns"}))) as saying:
        switched = switch(saying, fleet.connection, fleet.settings, lambda *_: None, lambda _: None)
    await_end(api)
    code, said = finished(fleet.settings, "worker")

    assert (refused, silent.found.different) == (None, {"Lot": len(MEMBERS)})
    assert switched is not None
    assert saying.found.different.total() == 0
    assert "the state was switched to generation 2" in api.endings[0].reason
    assert (code, "The state has layout 2, this release works on 1" in said) == (2, True)
    api.destroy()
