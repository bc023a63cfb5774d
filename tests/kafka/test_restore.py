"""What a worker restores, and that nothing is handled before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.kafka.fleet import Fleet, one_unit_each, registrations

MEMBERS = 200


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    yield made
    made.close()


def test_an_intact_disk_restores_the_tail_and_a_wiped_one_everything(fleet: Fleet) -> None:
    first = fleet.worker("first")
    fleet.send([*registrations(MEMBERS), *one_unit_each(MEMBERS)])
    fleet.await_all()
    first.program.end()
    before = fleet.changelog()
    second = fleet.worker("second")
    fleet.await_owners(second)
    fleet.send(one_unit_each(50))
    fleet.await_all()
    second.program.end()
    after = fleet.changelog()

    first.program.start()
    fleet.await_owners(first)
    first.said("partition 0: restored")
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_all()
    tail = sum(first.restored.values())
    first.program.kill(wipe=True)
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_all()

    assert sum(second.restored.values()) == before
    assert 0 < tail == after - before
    assert after < sum(first.restored.values()) <= fleet.changelog()
