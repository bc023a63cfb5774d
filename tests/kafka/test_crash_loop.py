"""A record that ends the worker, on a real broker: the worker is started again, puts it aside and goes on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.codec.avro import decode
from streams.rejections import PoisonRecord
from streams.settings import Settings
from streams.topics import EVENTS, POISON
from tests.kafka.faulty_worker import BROKEN
from tests.kafka.fleet import Fleet, registrations
from tests.kafka.processes import environment

ROOT = Path(__file__).parents[2]
MEMBERS = 20


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    yield made
    made.close()


def test_a_supervised_worker_gets_past_a_record_that_ends_it(fleet: Fleet, tmp_path: Path) -> None:
    good = registrations(MEMBERS)
    fleet.send([*good[:10], replace(good[0], store=BROKEN), *good[10:]])
    log = tmp_path / "faulty.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.kafka.faulty_worker", "--supervise"],
            cwd=ROOT,
            env=environment(fleet.settings),
            stdout=errors,
            stderr=errors,
        )
    try:
        fleet.await_all()
    finally:
        process.terminate()
        code = process.wait(30)

    said = log.read_text()
    assert code == 0
    assert fleet.outcomes.count(EVENTS) == MEMBERS
    (aside,) = [r for by in fleet.outcomes.records[POISON.name].values() for r in by]
    poison = decode(PoisonRecord, aside.value, aside.schema)
    assert poison.topic == "commands"
    assert poison.key == f"{BROKEN}/{good[0].member_id}".encode()
    assert poison.cause.startswith("ended the process 3 times: ZeroDivisionError: the bug\n")
    assert ", in __getitem__\n" in poison.cause
    assert said.count("worker: ends: ZeroDivisionError: the bug (stack in ") == 3
    assert said.count("supervisor: ended with exit code 1: started again in ") == 3
    assert "Traceback" not in said
