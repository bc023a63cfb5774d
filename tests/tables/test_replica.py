"""A replica has what the changelogs say, finds entries without their owner, and bears to be told twice."""

from collections.abc import Iterator

import pytest

from streams.domain.state import Account, Handled, Held, Member
from streams.projections.member_replica import KINDS_BY_ID, REPLICA_KINDS
from streams.stages.loyalty import LoyaltyStage
from streams.tables.replica import MemberReplica, Records
from streams.tables.store import MemoryStore, Write
from streams.tables.tables import Tables
from tests.driver import Pipeline
from tests.samples import ANNA, BORIS, NOON, SETTINGS, add, register, spend


class Logged(Pipeline):
    """Keeps the changelogs of the members' tables."""

    def __init__(self) -> None:
        self.changes: list[Write] = []
        super().__init__(SETTINGS, now=NOON)

    def _commit(self, tables: Tables, changes: list[Write]) -> None:  # type: ignore[override]
        super()._commit(tables, changes)
        if tables is self.tables:
            self.changes += changes


@pytest.fixture
def pipeline() -> Logged:
    made = Logged()
    made.when(register(), register(BORIS), add("10"), spend("4"), add("7", BORIS))
    return made


def replica(told: list[tuple[str, Records, int]] | None = None) -> MemberReplica:
    heard = told if told is not None else []
    return MemberReplica(
        MemoryStore(MemberReplica.families(REPLICA_KINDS)),
        REPLICA_KINDS,
        KINDS_BY_ID,
        lambda *telling: heard.append(telling),
    )


def follow(copy: MemberReplica, changes: list[Write], start: int = 0) -> None:
    for number, (table, key, value) in enumerate(changes, start + 1):
        copy.restore(table, [(key, value)], number)


def entries(tables: Tables) -> Iterator[tuple[str, str, bytes, bytes]]:
    return (entry for entry in tables.entries() if entry[0] in {kind.table for kind in LoyaltyStage.kinds})


def test_it_has_what_the_tables_have(pipeline: Logged) -> None:
    copy = replica()

    follow(copy, pipeline.changes)

    assert sorted(entries(copy)) == sorted(entries(pipeline.tables))
    anna = copy.of_owner(f"DEFAULT/{ANNA}")
    account = anna.get(Account, b"default")
    assert account
    assert account.available == 6
    assert [a.wallet for a in anna.scan(Account)] == ["default"]
    assert copy.of_owner("DEFAULT/nobody").get(Member) is None


def test_an_entry_with_an_id_is_found_without_its_owner_until_it_is_gone(pipeline: Logged) -> None:
    copy = replica()
    follow(copy, pipeline.changes)
    member = copy.of_owner(f"DEFAULT/{ANNA}").get(Member)
    assert member
    handled = member.command_id.encode()

    assert list(copy.holders(Handled, handled)) == [f"DEFAULT/{ANNA}"]
    assert list(copy.holders(Handled, handled[:-1])) == []
    assert list(copy.holders(Held, handled)) == []
    (key,) = {k for t, k, _ in pipeline.changes if t == Handled.table and k.endswith(handled)}
    copy.restore(Handled.table, [(key, None)], 10_000)
    assert list(copy.holders(Handled, handled)) == []


def test_told_twice_it_says_the_same(pipeline: Logged) -> None:
    once, twice = replica(), replica()
    follow(once, pipeline.changes)

    follow(twice, pipeline.changes)
    follow(twice, pipeline.changes, len(pipeline.changes))

    assert sorted(twice.entries()) == sorted(once.entries())


def test_it_tells_of_what_came_once_it_can_be_read(pipeline: Logged) -> None:
    told: list[tuple[str, Records, int]] = []
    copy = replica(told)

    follow(copy, pipeline.changes)
    # A look that brought nothing.
    copy.restore(told[-1][0], [], told[-1][2])

    assert [(t, k, v) for t, records, _ in told for k, v in records] == pipeline.changes
