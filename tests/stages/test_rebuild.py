"""The state follows from the facts: made again of them alone it is the same, and what differs is named."""

from datetime import timedelta

from streams.domain.state import Account
from streams.migration.compare import COMPARED_KINDS, Comparison
from streams.stages.commands import owner_of
from streams.stages.rebuild import data_key_lookup, rebuild
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import EVENTS
from tests.driver import Pipeline
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, buy, purchase, register, spend


def happened() -> Pipeline:
    """Members, purchases, rewards and units, some of which have expired since."""
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(ANNA), register(BORIS), purchase("30.00", "A/1"), add("50", BORIS, expires_in_days=3))
    run.when(buy(ANNA), spend("20", BORIS))
    run.at(NOON + timedelta(days=5))
    return run


def rebuilt(run: Pipeline) -> Tables:
    tables = Tables(MemoryStore(table_families(COMPARED_KINDS)), COMPARED_KINDS)
    rebuild(tables, run.log[EVENTS.name], run.settings.get, data_key_lookup(run.tables))
    tables.commit(list(tables.changelog()), {})
    return tables


def compared(run: Pipeline, again: Tables, moved: frozenset[str] = frozenset()) -> Comparison:
    found = Comparison()
    found.compare(again, run.tables, moved)
    return found


def test_the_state_made_of_the_facts_is_the_running_one() -> None:
    run = happened()

    found = compared(run, rebuilt(run))

    assert found.differences == []
    assert {"Member", "Account", "Lot", "IssuedReward", "Transaction"} <= found.same.keys()


def test_an_entry_that_differs_or_is_on_one_side_only_is_named() -> None:
    run = happened()
    again = rebuilt(run)
    owner = owner_of(STORE, BORIS)
    account = next(again.of(owner).scan(Account))
    run.when(add("1", BORIS))

    found = compared(run, again)

    assert found.different["Account"] == 1
    assert f"{owner}: Account differs" in found.differences
    assert f"{owner}: Lot is not rebuilt" in found.differences
    assert account.wallet


def test_of_whom_more_has_happened_meanwhile_is_passed_over() -> None:
    run = happened()
    again = rebuilt(run)
    run.when(add("1", BORIS))

    found = compared(run, again, frozenset({owner_of(STORE, BORIS)}))

    assert found.differences == []
    assert found.passed_over["Account"] == 1
