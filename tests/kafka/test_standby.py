"""A warm copy makes a failover short."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import StoreDamaged
from streams.kafka.clients import Connection
from streams.runtime.standby import Standby
from streams.settings import Settings
from streams.stages.loyalty import LoyaltyStage
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import REJECTIONS
from tests.kafka.fleet import Fleet, one_unit_each, registrations
from tests.samples import spend, uid

MEMBERS = 200
TAIL = 20


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    yield made
    made.close()


class Opened:
    """A partition's tables in memory, and what became of them."""

    def __init__(self) -> None:
        self.asked, self.closed = threading.Event(), False

    def __call__(self, _: int) -> Tables:
        self.asked.set()
        return Tables(Closable(self), LoyaltyStage.kinds)


class Closable(MemoryStore):
    def __init__(self, opened: Opened) -> None:
        super().__init__(table_families(LoyaltyStage.kinds))
        self._opened = opened

    def close(self) -> None:
        self._opened.closed = True


def test_where_no_broker_answers_a_copy_is_given_up_within_seconds() -> None:
    opened = Opened()
    standby = Standby(Connection("127.0.0.1:9"), opened)
    standby.keep(0)
    assert opened.asked.wait(10)
    began = time.monotonic()

    tables = standby.take(0)
    standby.keep(0, tables)
    standby.stop()

    assert time.monotonic() - began < 10
    assert opened.closed


class Damaged(MemoryStore):
    def check(self) -> None:
        raise StoreDamaged("a file of it is garbled")


def test_a_copy_whose_damage_somebody_has_met_is_followed_no_more(fleet: Fleet) -> None:
    """Whoever reads it gets errors: the process ends, and its next start makes the copy again."""
    store = Damaged(table_families(LoyaltyStage.kinds))
    standby = Standby(fleet.connection, lambda _: Tables(store, LoyaltyStage.kinds))

    standby.keep(0)

    with pytest.raises(StoreDamaged):
        standby.running.result(30)
    standby.stop()


@pytest.mark.parametrize("standby", ["0", "1"])
def test_a_failover_with_a_standby_restores_the_tail_without_one_everything(
    fleet: Fleet, standby: str
) -> None:
    one = fleet.worker("one")
    fleet.send([*registrations(MEMBERS), *one_unit_each(MEMBERS)])
    fleet.await_all()
    two = fleet.worker("two", LOYALTY_STANDBY=standby)
    fleet.await_owners(one, two)
    theirs = one.partitions
    for number in theirs if standby == "1" else ():
        two.said(rf"partition {number}: a copy is kept")
    whole = fleet.changelog(theirs)
    fleet.send(one_unit_each(TAIL))
    fleet.await_all()
    tail = fleet.changelog(theirs) - whole
    before = two.restored

    one.program.destroy()
    fleet.await_owners(two)
    fleet.send(spend("2", uid(n)) for n in range(1, TAIL + 1))
    fleet.await_all()

    restored = sum(two.restored[n] - before[n] for n in theirs)
    if standby == "1":
        assert restored <= tail < whole
    else:
        assert restored == whole + tail
    assert fleet.outcomes.count(REJECTIONS) == 0


def test_copies_are_followed_through_every_move(fleet: Fleet) -> None:
    """Given up, followed, taken over again: each hand-over goes on from where the tables are."""
    one = fleet.worker("one", LOYALTY_STANDBY="1")
    fleet.send(registrations(MEMBERS))
    fleet.await_all()
    for _ in range(2):
        two = fleet.worker("two", LOYALTY_STANDBY="1")
        fleet.await_owners(one, two)
        fleet.send(one_unit_each(MEMBERS))
        fleet.await_all()
        two.program.end()
        fleet.await_owners(one)
        fleet.send(one_unit_each(MEMBERS))
        fleet.await_all()

    # What it wrote itself it need not read; what the other wrote it has followed, or reads at the end.
    assert sum(one.restored.values()) <= fleet.changelog() // 2
    one.program.restart()
    fleet.send(spend("4", uid(n)) for n in range(1, MEMBERS + 1))
    fleet.await_all()
    assert fleet.outcomes.count(REJECTIONS) == 0
