"""What is personal in a state's next generation: all of it of who is there, nothing of who is erased."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from streams.domain.commands import EraseMember, UpdateMember
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.topics import CHANGELOGS, ERASURES, REJECTIONS, VERSIONED_TABLES, WEBHOOK_EVENTS
from tests.domain.making import made
from tests.domain.test_erasure import life, profile
from tests.kafka.fleet import SESSION, TRANSACTION, Fleet, eventually
from tests.kafka.processes import finished
from tests.kafka.test_erasure import NEWCOMERS, compact_at_once, raw
from tests.kafka.test_poison import committed
from tests.kafka.test_switch import MEMBERS, STATE, names
from tests.samples import BORIS, STORE, add, purchase, register, uid

EARLY, BETWEEN, SINCE, KEPT = "Xyzzy", "Plover", "Frotz", "Plugh"


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    """Of one partition."""
    mine = {"session_timeout": SESSION, "transaction_timeout": TRANSACTION, "partitions": 1}
    one = Fleet(settings.model_copy(update=mine), tmp_path)
    yield one
    one.close()


def held(fleet: Fleet, generation: int) -> set[str]:
    """Whose marks stand in the changelogs of a generation, whoever reads them."""
    cluster = replace(fleet.connection, generation=generation)
    found = b"".join(
        chain.from_iterable(raw(cluster, cluster.topic(CHANGELOGS[t])) for t in VERSIONED_TABLES)
    )
    return {mark for mark in (EARLY, BETWEEN, SINCE, KEPT) if mark.lower().encode() in found}


def about(fleet: Fleet, member: str) -> list[bytes]:
    """What webhooks of the member's purchases hold, in small letters."""
    found = committed(fleet.connection, WEBHOOK_EVENTS, fleet.settings)
    bought = (r for r in found if (r.schema or "").startswith("TransactionAssignedToCustomer."))
    return [(r.value or b"").lower() for r in bought if r.key == owner_of(STORE, member).encode()]


def erase(fleet: Fleet, member: str) -> None:
    """It and its document."""
    before = len(committed(fleet.connection, ERASURES, fleet.settings))
    fleet.send([made(EraseMember, member)])

    def erasures() -> int:
        return len(committed(fleet.connection, ERASURES, fleet.settings)) - before

    eventually(lambda: erasures() == 2, lambda: f"{erasures()} erasures")


def test_what_is_personal_comes_along_and_who_is_erased_stays_so(fleet: Fleet) -> None:
    early, between, kept = MEMBERS[2:5]
    worker = fleet.worker("only")
    fleet.send([register(BORIS), *life(early, EARLY), *life(between, BETWEEN), *life(kept, KEPT)])
    eventually(lambda: all(len(about(fleet, m)) == 2 for m in (early, between, kept)), lambda: worker.log)
    erase(fleet, early)

    built = finished(fleet.settings, *STATE, "--build")
    in_it = held(fleet, 2)
    fleet.send([made(UpdateMember, between, profile=profile(SINCE))])
    erase(fleet, between)
    worker.program.end()
    switched = finished(fleet.settings, *STATE, "--switch")
    # Its key was gone when the fact was taken.
    since = held(fleet, 2)
    worker.program.start()
    compact_at_once(replace(fleet.connection, generation=2))
    fleet.send(
        [purchase("30.00", "B/1", kept), add("5", early), add("5", between), *life(MEMBERS[5], "Nobody")]
    )
    eventually(lambda: len(about(fleet, kept)) == 3, lambda: worker.log)
    dropped = finished(fleet.settings, *STATE, "--drop")

    assert (built[0], switched[0], dropped[0]) == (0, 0, 0)
    assert in_it == since == {BETWEEN, KEPT}
    assert names(fleet, REJECTIONS) == {early: ["CommandRejected"], between: ["CommandRejected"]}
    assert b"plugh@example.com" in about(fleet, kept)[-1]
    eventually(lambda: stirred(fleet) == {KEPT}, worker.program.last_words)
    assert finished(fleet.settings, *STATE)[1].endswith(" 0 differ\n")
    topics = AdminClient(fleet.connection.admin()).list_topics(timeout=30).topics
    assert not topics.keys() & {fleet.connection.topic(CHANGELOGS[table]) for table in VERSIONED_TABLES}


def stirred(fleet: Fleet) -> set[str]:
    """`held` after more has come: the cleaner leaves alone where nothing has."""
    number = next(NEWCOMERS)
    fleet.send([register(uid(number), email=f"{number}@example.com"), add("1", uid(number))])
    return held(fleet, 2)
