"""What a worker restores, and that nothing of a partition is handled before."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import Settings
from streams.topics import EVENTS, REJECTIONS
from tests.kafka.fleet import Fleet, eventually, one_unit_each, registrations
from tests.kafka.processes import environment
from tests.samples import spend, uid

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
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_all()
    tail = sum(first.restored.values())
    whole = fleet.changelog()
    first.program.kill(wipe=True)
    fleet.send(one_unit_each(MEMBERS))
    fleet.await_all()

    assert sum(second.restored.values()) == before
    assert 0 < tail == after - before
    assert sum(first.restored.values()) == whole


def test_nothing_of_a_partition_is_handled_before_it_is_restored(fleet: Fleet) -> None:
    worker = fleet.worker("first")
    fleet.send([*registrations(MEMBERS), *one_unit_each(MEMBERS)])
    fleet.await_all()
    worker.program.end()
    before = events(fleet)
    fleet.send(spend("1", uid(n)) for n in range(1, MEMBERS + 1))

    with subprocess.Popen(
        [sys.executable, "-m", "tests.kafka.held_worker", "1"],
        cwd=Path(__file__).parents[2],
        env=environment(fleet.settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            eventually(
                lambda: all(events(fleet)[n] == before[n] * 3 // 2 for n in (0, 2)),
                lambda: f"the others have not spent: {before} {events(fleet)}",
            )
            while_held = events(fleet)[1]
            assert process.stdin is not None
            process.stdin.write("go on\n" * 1000)
            process.stdin.flush()
            fleet.await_all()
            process.terminate()
            assert process.stdout is not None
            said = process.stdout.read().splitlines()
            assert process.wait(30) == 0
        finally:
            process.kill()

    assert while_held == before[1]
    held = next(n for n, line in enumerate(said) if line.startswith("held"))
    assert held < said.index("handles 1")
    # Who is not restored yet has no unit to spend.
    assert fleet.outcomes.count(REJECTIONS) == 0


def events(fleet: Fleet) -> list[int]:
    """How many there are, by partition."""
    fleet.outcomes.read(0.1)
    return [len(records) for _, records in sorted(fleet.outcomes.records[EVENTS.name].items())]
