"""`loyalty expiring preview` on a real broker: from the changelogs alone, the second time from their tail."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.settings import Settings
from tests.kafka.fleet import Fleet
from tests.kafka.processes import LOYALTY, environment
from tests.samples import STORE, add, register, spend, uid

MEMBERS = 30
COMMAND = (LOYALTY, "expiring", "preview")


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    yield made
    made.close()


def asked(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(settings, COLUMNS="150"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def restored(done: subprocess.CompletedProcess[str]) -> int:
    return sum(map(int, re.findall(r"restored (\d+) changelog records", done.stderr)))


def test_it_lists_who_will_be_told_from_the_state_and_reads_only_what_is_new(fleet: Fleet) -> None:
    fleet.worker("only")
    fleet.send(c for n in range(MEMBERS) for c in (register(uid(n)), add("5", uid(n), expires_in_days=30)))
    fleet.await_all()

    first = asked(fleet.settings, "--store", STORE, "--days", "40", "--json", "--limit", "3")
    fleet.send([spend("5", uid(1)), spend("2", uid(0))])
    fleet.await_all()
    second = asked(fleet.settings, "--store", STORE, "--days", "40", "--json")
    nobody = asked(fleet.settings, "--store", "NONE")
    table = asked(fleet.settings, "--store", STORE, "--days", "40", "--limit", "2")

    seen, seen_again = (json.loads(done.stdout) for done in (first, second))
    assert (seen["members"], seen["total"], len(seen["announcements"])) == (MEMBERS, MEMBERS, 3)
    assert len(seen["days"]) == 40
    assert sum(day["units"] for day in seen["days"]) == MEMBERS
    units: dict[Any, Any] = {one["member_id"]: one["units"] for one in seen_again["announcements"]}
    assert units == {uid(n): 5 for n in range(2, MEMBERS)} | {uid(0): 3}
    assert 0 < restored(second) < 20 < restored(first)
    assert restored(table) == 0
    assert f"29 announcements to {MEMBERS} members looked at; 27 more are not shown" in table.stdout
    assert "3 units in default" in table.stdout
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert f"There is no store 'NONE': valid: {STORE}" in nobody.stderr
