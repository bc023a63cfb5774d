"""A restore while the leader of a changelog is gone: the partition waits, and is then served whole."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from streams.domain.state import Account, Entry, Handled, Lot, Member
from streams.domain.values import Profile
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics
from streams.runtime.restore import restore_tables
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.stages.loyalty import LoyaltyStage
from streams.stages.restore_proof import LedgerCheck
from streams.tables.owner_entries import OWNER_END
from streams.tables.tables import open_tables
from streams.topics import CHANGELOGS
from tests.kafka.three_brokers import ThreeBrokers
from tests.samples import NOON, STORE, uid

MEMBERS, LOTS, COMMANDS = 209, 9_483 - 209, 14_221
"""As many as the run had that came back empty."""
WHOLE = {"Member": MEMBERS, "Account": MEMBERS, "Lot": LOTS, "Handled": COMMANDS}
LEDGERS = CHANGELOGS["ledgers"]
Trouble = Callable[[ThreeBrokers, int], None]
SILENT_FOR = 5.0
"""Seconds for which a broker that goes on leading answers no client: longer than a question waits."""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, libraries: Path) -> Iterator[ThreeBrokers]:
    with ThreeBrokers(tmp_path_factory.mktemp("three"), libraries, session=2.0) as brokers:
        yield brokers


@pytest.fixture(scope="module")
def cluster(three: ThreeBrokers, tmp_path_factory: pytest.TempPathFactory) -> Connection:
    home = tmp_path_factory.mktemp("home")
    settings = Settings(
        bootstrap_servers=three.bootstrap_servers, topic_prefix="r.", home=home, partitions=1, replication=3
    )
    made = connection(settings, three.bootstrap_servers)
    create_topics(made, settings)
    fill(made)
    return made


def fill(cluster: Connection) -> None:
    producer = Producer(cluster.producer())
    for owner, entry in entries():
        key = owner.encode() + OWNER_END + entry.letter + entry.key()
        producer.produce(cluster.topic(CHANGELOGS[entry.table]), msgspec.msgpack.encode(entry), key, 0)
        producer.poll(0)
    assert producer.flush(60) == 0


def entries() -> Iterator[tuple[str, Entry]]:
    owners = [owner_of(STORE, uid(n)) for n in range(MEMBERS)]
    sums: Counter[str] = Counter()
    for n in range(LOTS):
        owner = owners[n % MEMBERS]
        sums[owner] += 1
        yield owner, lot(n)
    for owner in owners:
        yield owner, Member(profile=Profile(), registered_at=NOON, command_id=uid(1))
        yield owner, Account(wallet="default", available=Decimal(sums[owner]))
    for n in range(COMMANDS):
        yield owners[n % MEMBERS], Handled(command_id=uid(n), forget_at=NOON + timedelta(days=3))


def lot(number: int) -> Lot:
    one = Decimal(1)
    return Lot(
        wallet="default", lot_id=uid(number), units=one, remaining=one, earned_at=NOON, expires_at=None
    )


def silent(three: ThreeBrokers, number: int) -> None:
    """No client reaches it, and it goes on leading: nobody else can answer. It comes back after a while."""
    three.cut_off(number, whole=False)
    threading.Timer(SILENT_FOR, three.reconnect, (number,)).start()


def restored(cluster: Connection, folder: Path) -> tuple[dict[str, int], str | None]:
    """How many entries of each kind, and what is wrong with them."""
    names = {(kind.table, kind.letter): kind.__name__ for kind in LoyaltyStage.kinds}
    proof = LedgerCheck()
    with closing(open_tables(folder, LoyaltyStage.kinds)) as tables:
        assert restore_tables(cluster, 0, tables, lambda: False, lambda *_: None, heard=proof.hear)
        return Counter(names[table, key[:1]] for table, _, key, _ in tables.entries()), proof.flaw(tables)


@pytest.mark.parametrize(
    ("trouble", "cure"),
    [
        (ThreeBrokers.kill, ThreeBrokers.start),
        (ThreeBrokers.freeze, ThreeBrokers.thaw),
        (ThreeBrokers.cut_off, ThreeBrokers.reconnect),
        (silent, ThreeBrokers.reconnect),
    ],
    ids=["killed", "frozen", "cut off", "silent"],
)
def test_while_the_leader_of_the_ledgers_is_gone_the_partition_waits_and_is_then_whole(
    three: ThreeBrokers, cluster: Connection, trouble: Trouble, cure: Trouble, tmp_path: Path
) -> None:
    three.await_all()
    leader = three.leader_of(cluster.topic(LEDGERS), 0)

    trouble(three, leader)
    found = restored(cluster, tmp_path / "0")
    cure(three, leader)

    assert found == (WHOLE, None)
