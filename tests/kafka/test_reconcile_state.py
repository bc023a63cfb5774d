"""Two members with one identifier: what a stage that came back empty does is found, and mended."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.domain.commands import UpdateMember
from streams.domain.values import Identifier, Profile
from streams.settings import Settings
from streams.stages.identity import identifier_key
from streams.tables.owner_entries import OWNER_END
from streams.topics import CHANGELOGS, REJECTIONS
from tests.kafka.fleet import Fleet, eventually
from tests.kafka.processes import finished
from tests.samples import NOON, STORE, register, uid

ANNA, BORIS, CARLA = uid(1), uid(2), uid(3)


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings.model_copy(update={"partitions": 1}), tmp_path)
    yield made
    made.close()


def forgotten(fleet: Fleet, email: str) -> None:
    """The identity stage's changelog has lost who is known by it."""
    key = identifier_key(STORE, Identifier(kind="email", value=email)).encode() + OWNER_END + b"i"
    producer = Producer(fleet.connection.producer())
    producer.produce(fleet.connection.topic(CHANGELOGS["identifiers"]), None, key, 0)
    assert producer.flush(30) == 0


def has_email(member: str, email: str | None, number: int) -> UpdateMember:
    return UpdateMember(
        command_id=uid(number), store=STORE, member_id=member, issued_at=NOON, profile=Profile(email=email)
    )


def checked(fleet: Fleet) -> tuple[int, list[str]]:
    code, said = finished(fleet.settings, "reconcile", "--state")
    return code, said.splitlines()


def test_an_identifier_of_two_members_or_of_nobody_is_named_until_it_is_mended(fleet: Fleet) -> None:
    worker = fleet.worker("only")
    fleet.send([register(ANNA, email="a@example.com"), register(BORIS, email="b@example.com")])
    fleet.await_all()
    assert checked(fleet)[0] == 0
    worker.program.end()
    forgotten(fleet, "a@example.com")
    forgotten(fleet, "b@example.com")
    worker.program.kill(wipe=True)
    fleet.send([register(CARLA, email="a@example.com")])
    fleet.await_all()

    code, said = checked(fleet)

    assert code == 1
    assert f"DEFAULT/email/a@example.com is claimed by {ANNA} and {CARLA}; known by it is {CARLA}" in said
    assert f"DEFAULT/email/b@example.com of {BORIS}: nobody is known by it" in said
    assert "2 identifiers that are not one member's" in said

    fleet.send([has_email(CARLA, "c@example.com", 71)])
    for number, member, email in ((72, ANNA, "a@example.com"), (74, BORIS, "b@example.com")):
        fleet.send([has_email(member, f"{number}@example.com", number), has_email(member, email, number + 1)])

    eventually(lambda: checked(fleet)[0] == 0, lambda: f"{checked(fleet)} {worker.log}")
    assert fleet.outcomes.count(REJECTIONS) == 0
