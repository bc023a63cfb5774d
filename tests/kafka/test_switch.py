"""The state made anew from facts and put in the running one's place, on a real broker with real workers."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.codec import decode
from streams.kafka.generations import present
from streams.kafka.topics import CHANGELOGS, REJECTIONS, WEBHOOK_EVENTS
from streams.refusals import CommandRejected
from streams.settings import Settings
from streams.stages.commands import owner_of
from tests.kafka.fleet import Fleet, eventually
from tests.kafka.processes import LOYALTY, environment, finished
from tests.kafka.test_poison import committed
from tests.samples import STORE, add, register, spend, uid

MEMBERS = 12
STATE = ("replay", "state")


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    yield made
    made.close()


def told(fleet: Fleet, settings: Settings) -> list[tuple[str, str]]:
    """Webhook events so far, each as its name and its owner."""
    return [
        ((r.schema or "").rpartition(".v")[0], (r.key or b"").decode())
        for r in committed(fleet.connection, WEBHOOK_EVENTS, settings)
    ]


def test_switched(fleet: Fleet, settings: Settings) -> None:
    worker = fleet.worker("only")
    # Told of at once: the end is within the lead time.
    soon = [add("5", uid(n), expires_in_days=9) for n in range(1, MEMBERS)]
    fleet.send([*(register(uid(n)) for n in range(1, MEMBERS)), *soon])
    fleet.await_all()
    code, said = finished(settings, *STATE, "--build")
    print(said)
    assert code == 0, said
    refused = spend("500", uid(1))
    fleet.send([refused, spend("1", uid(2)), register(uid(MEMBERS))])
    fleet.await_all()
    worker.program.end()
    code, said = finished(settings, *STATE, "--switch")
    print(said)
    assert code == 0, said
