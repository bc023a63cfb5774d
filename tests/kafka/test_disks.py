"""A worker's disk that is damaged, stale, of another topic, ahead of its own, or wrong is not worked on."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from streams.domain.state import Account, Lot, Member
from streams.kafka.topic_config import Difference, apply_config
from streams.projections.member_replica import MemberStateReader
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.stages.loyalty import LoyaltyStage
from streams.tables.checkpoints import offset_writes
from streams.tables.owner_entries import OWNER_END
from streams.tables.store import RocksStore
from streams.tables.tables import table_families
from streams.topics import CHANGELOGS, REJECTIONS
from tests.kafka.fleet import TABLES, Fleet, Worker, eventually, one_unit_each, registrations
from tests.kafka.processes import finished
from tests.samples import STORE, add, spend, uid

MEMBERS = 30
LEDGERS = CHANGELOGS["ledgers"]


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings.model_copy(update={"partitions": 1}), tmp_path)
    yield made
    made.close()


@pytest.fixture
def worker(fleet: Fleet) -> Worker:
    """It has handled a registration and a unit of each member, and has ended."""
    worker = fleet.worker("only")
    fleet.send([*registrations(MEMBERS), *one_unit_each(MEMBERS)])
    fleet.await_all()
    worker.program.end()
    return worker


def disk(worker: Worker, fleet: Fleet) -> Path:
    role = f"{fleet.settings.topic_prefix}loyalty"
    return worker.program.home / "disk" / "state" / role / worker.program.name / "0"


def store_of(place: Path) -> RocksStore:
    return RocksStore(place, table_families(LoyaltyStage.kinds))


def each_spends_one(fleet: Fleet) -> None:
    fleet.send(spend("1", uid(n)) for n in range(1, MEMBERS + 1))
    fleet.await_all()


def ends_with(worker: Worker, pattern: str) -> None:
    worker.program.start()
    worker.said(pattern)
    worker.program.destroy()


def lots_of(place: Path) -> list[tuple[bytes, bytes]]:
    store = store_of(place)
    try:
        return [(key, raw) for key, raw in store.scan("ledgers", b"") if is_a(Lot, key)]
    finally:
        store.close()


def is_a(kind: type[Account | Lot], key: bytes) -> bool:
    return key.partition(OWNER_END)[2].startswith(kind.letter)


def test_a_damaged_disk_is_set_aside_and_the_partition_restored(fleet: Fleet, worker: Worker) -> None:
    whole, place = fleet.changelog(), disk(worker, fleet)
    (place / "CURRENT").write_bytes(b"")

    worker.program.start()
    each_spends_one(fleet)

    assert worker.said(r"WARNING .*0 is damaged: .*: set aside as (\S+);")
    assert sum(worker.restored.values()) == whole
    assert len(list(place.parent.glob("0.damaged-*"))) == 1
    assert fleet.outcomes.count(REJECTIONS) == 0


def test_damage_that_shows_while_it_runs_is_mended_by_the_next_start(fleet: Fleet, worker: Worker) -> None:
    """A file is read where its entries are asked for, not at the start."""
    place = disk(worker, fleet)
    # To open it once more writes all of it into files.
    store_of(place).close()
    for file in place.glob("*.sst"):
        # Entries come first; what is read of a file when it is opened stands at its end.
        file.write_bytes(os.urandom(50) + file.read_bytes()[50:])

    worker.program.start()
    fleet.send(spend("1", uid(n)) for n in range(1, MEMBERS + 1))
    worker.said(r"CRITICAL .*ends: .*0 is damaged")
    worker.program.start()
    fleet.await_all()

    worker.said("set aside as")
    assert fleet.outcomes.count(REJECTIONS) == 0


@pytest.mark.usefixtures("worker")
def test_a_damaged_copy_of_the_api_is_set_aside_and_made_again(fleet: Fleet, tmp_path: Path) -> None:
    before = asyncio.run(seen(fleet, tmp_path / "api"))
    (tmp_path / "api" / "0" / "CURRENT").write_bytes(b"")
    after = asyncio.run(seen(fleet, tmp_path / "api"))

    assert before == after == [uid(n) for n in range(1, MEMBERS + 1)]
    assert len(list((tmp_path / "api").glob("0.damaged-*"))) == 1


async def seen(fleet: Fleet, folder: Path) -> list[str]:
    """The members that an API's copies hold."""
    copies = MemberStateReader(fleet.connection, folder, 1)
    await copies.start(lambda *_: None)
    try:
        ids = [uid(n) for n in range(1, MEMBERS + 1)]
        return [id_ for id_ in ids if copies.state(owner_of(STORE, id_)).get(Member)]
    finally:
        await copies.stop()


def test_a_disk_that_has_rested_longer_than_tombstones_are_kept_is_restored_whole(
    fleet: Fleet, worker: Worker, tmp_path: Path
) -> None:
    """Its spent units would be there again, once Kafka has removed what says that they were spent."""
    place = disk(worker, fleet)
    shutil.copytree(place, tmp_path / "older")
    worker.program.start()
    each_spends_one(fleet)
    worker.program.end()
    shutil.rmtree(place)
    shutil.copytree(tmp_path / "older", place)
    apply_config(fleet.connection, [Difference(topic, "delete.retention.ms", "", "100") for topic in TABLES])
    whole = fleet.changelog()

    worker.program.start()
    fleet.send([spend("1", uid(1)), add("5", uid(2))])
    fleet.await_all()

    worker.said(r"the disk was whole last at .* UTC, and \S+-changelog keeps what was deleted for 0:00:00.1")
    assert sum(worker.restored.values()) == whole
    assert fleet.outcomes.count(REJECTIONS) == 1


def test_a_disk_is_as_good_as_new_however_old_while_nothing_was_written_since(
    fleet: Fleet, worker: Worker
) -> None:
    apply_config(fleet.connection, [Difference(topic, "delete.retention.ms", "", "100") for topic in TABLES])

    worker.program.start()
    each_spends_one(fleet)

    assert "restored from zero" not in worker.log
    assert fleet.outcomes.count(REJECTIONS) == 0


def test_a_disk_of_topics_that_were_deleted_and_made_again_is_restored_whole(
    fleet: Fleet, worker: Worker
) -> None:
    admin = AdminClient(fleet.connection.admin())
    names = [fleet.connection.topic(topic) for topic in TABLES]
    for future in admin.delete_topics(names).values():
        future.result(30)
    eventually(lambda: not set(names) & set(admin.list_topics(timeout=10).topics), lambda: "still there")

    worker.program.start()
    fleet.send([spend("1", uid(1))])
    fleet.await_all()

    worker.said("partition 0: .*-changelog is another topic than it was: restored from zero")
    # With the topics all that was known is gone.
    assert fleet.outcomes.count(REJECTIONS) == 1


def test_a_disk_that_is_ahead_of_its_topic_is_neither_used_nor_cleared(fleet: Fleet, worker: Worker) -> None:
    place = disk(worker, fleet)
    store = store_of(place)
    store.write(offset_writes({"ledgers": 1_000_000}))
    store.close()

    ends_with(worker, "Partition 0 is not served: the disk has come to offset 1000000 of .*ledgers-changelog")

    assert len(lots_of(place)) == MEMBERS


def test_lots_that_do_not_add_up_are_restored_whole(fleet: Fleet, worker: Worker) -> None:
    place = disk(worker, fleet)
    (key, _), *_ = lots_of(place)
    shutil.copytree(place, place.with_name("older"))
    worker.program.start()
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_all()
    worker.program.end()
    shutil.rmtree(place)
    place.with_name("older").rename(place)
    store = store_of(place)
    store.write([("ledgers", key, None)])
    store.close()

    worker.program.start()
    fleet.send(spend("2", uid(n)) for n in range(1, MEMBERS + 1))
    fleet.await_all()

    worker.said(r"partition 0: .*, wallet 'default': spendable is 2, its entries add up to 1: set aside as")
    assert fleet.outcomes.count(REJECTIONS) == 0


def test_a_changelog_that_does_not_add_up_is_not_served_until_the_facts_have_mended_it(
    fleet: Fleet, worker: Worker
) -> None:
    place, owner = disk(worker, fleet), owner_of(STORE, uid(7)).encode()
    ((key, _),) = [pair for pair in lots_of(place) if pair[0].startswith(owner)]
    producer = Producer(fleet.connection.producer())
    producer.produce(fleet.connection.topic(LEDGERS), None, key, 0)
    assert producer.flush(30) == 0

    ends_with(worker, "Partition 0 is not served: .*, even where all was read from Kafka")
    code, said = finished(fleet.settings, "reconcile", "--state")
    assert code == 1
    assert f"{owner.decode()}: wallet 'default': spendable is 1, its entries add up to 0" in said
    assert "1 lots missing\n1 wallets whose entries do not add up\n" in said
    mended = [
        finished(fleet.settings, "replay", "state", *step)
        for step in (("--build",), ("--build", "--mend"), ("--switch", "--evict"), ("--switch", "--mend"))
    ]
    assert [code for code, _ in mended] == [1, 0, 1, 0]
    worker.program.start()
    each_spends_one(fleet)

    assert fleet.outcomes.count(REJECTIONS) == 0
    code, said = finished(fleet.settings, "reconcile", "--state")
    assert (code, "the state is sound" in said) == (0, True), said
