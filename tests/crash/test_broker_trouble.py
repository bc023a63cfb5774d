"""A broker killed, away, or with a full disk: everything waits or starts again, and nothing is lost."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.plan import BROKER, Blow, chosen
from tests.crash.run import run

SEED = 1998
# `OUTAGE_SECONDS=60 pytest tests/crash` for a longer one.
OUTAGE = float(os.environ.get("OUTAGE_SECONDS", "10"))
DISK = "256m"


@pytest.mark.soak
def test_a_broker_killed_under_load_and_one_away_for_a_while_lose_nothing(tmp_path: Path) -> None:
    killed, away = Blow("kill", BROKER), Blow("kill", BROKER, OUTAGE)

    report = run(chosen(SEED, [killed, killed, away, killed]), tmp_path, lambda _: None)

    sys.stdout.write(f"{report}\n")
    assert report.dealt == {"kill broker": 4}
    assert not report.complaints, str(report)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder whose broker has a file system of its own, which can be filled without harm to others."""
    folder = tmp_path / "broker"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    done = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a disk to fill cannot be mounted here: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.crash
def test_a_broker_whose_disk_is_full_loses_nothing_once_there_is_space_again(small_disk: Path) -> None:
    restarted, full = Blow("restart", BROKER), Blow("fill", BROKER)

    report = run(chosen(SEED, [restarted, full, restarted]), small_disk, lambda _: None)

    sys.stdout.write(f"{report}\n")
    assert report.dealt == {"restart broker": 2, "fill broker": 1, "death of a full disk": 1}
    assert not report.complaints, str(report)
