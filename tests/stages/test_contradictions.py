"""Facts of a worker that went on with a stale disk: a state follows from them all the same, and adds up."""

from decimal import Decimal

import msgspec

from streams.domain.state import Account, Lot
from streams.domain.wallet_invariant import LotShare
from streams.migration.compare import COMPARED_KINDS
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.stages.rebuild import data_key_lookup, rebuild
from streams.stages.restore_proof import LedgerCheck, unbalanced_wallets
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import EVENTS
from tests.driver import Pipeline
from tests.samples import ANNA, NOON, SETTINGS, STORE, add, register, spend

OWNER = owner_of(STORE, ANNA)


def spent_twice(*later: str) -> tuple[Tables, list[str]]:
    """50 units earned and spent; `later` more earned; and the same 50 spent again."""
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(ANNA), add("50"), spend("50"), *map(add, later))
    facts: list[Record] = list(run.log[EVENTS.name])
    twice = next(record for record in facts if record.kind == "UnitsSpent")
    tables = Tables(MemoryStore(table_families(COMPARED_KINDS)), COMPARED_KINDS)
    contradictions = rebuild(tables, [*facts, twice], run.settings.get, data_key_lookup(run.tables))
    tables.commit(list(tables.changelog()), {})
    return tables, contradictions


def test_units_of_a_lot_that_was_spent_are_taken_of_others() -> None:
    tables, contradictions = spent_twice("40", "20")

    (account,) = tables.of(OWNER).scan(Account)
    assert (account.available, account.spent) == (Decimal(10), Decimal(100))
    assert [lot.remaining for lot in tables.of(OWNER).scan(Lot)] == [Decimal(10)]
    assert list(unbalanced_wallets(tables)) == []
    (said,) = contradictions
    assert said.startswith(f"{OWNER}: UnitsSpent: lot ")
    assert said.endswith("; 50 of 50 units were taken of other lots")


def test_where_there_are_too_few_the_rest_is_waived() -> None:
    tables, contradictions = spent_twice("40")

    (account,) = tables.of(OWNER).scan(Account)
    assert (account.available, account.spent) == (Decimal(0), Decimal(90))
    assert list(unbalanced_wallets(tables)) == []
    assert contradictions[0].endswith("; 40 of 50 units were taken of other lots")


def test_where_there_are_none_the_fact_is_passed_over() -> None:
    tables, contradictions = spent_twice()

    (account,) = tables.of(OWNER).scan(Account)
    assert (account.available, account.spent) == (Decimal(0), Decimal(50))
    assert list(unbalanced_wallets(tables)) == []
    assert contradictions[0].endswith("; it was passed over")


def test_a_restore_proves_the_sums_of_those_whose_entries_came() -> None:
    tables, _ = spent_twice("40", "20")
    (lot,) = tables.of(OWNER).scan(Lot)
    key = OWNER.encode() + b"\x00" + lot.letter + lot.key()
    tables.commit([("ledgers", key, None)], {})
    touched, untouched = LedgerCheck(), LedgerCheck()

    touched.hear("ledgers", [(key, None)])
    untouched.hear("members", [(key, None)])

    assert touched.flaw(tables) == (f"{OWNER}, wallet 'default': spendable is 10, its entries add up to 0")
    assert untouched.flaw(tables) is None


def test_a_lot_is_read_in_part_as_it_is_read_whole() -> None:
    tables, _ = spent_twice("40", "20")
    (lot,) = tables.of(OWNER).scan(Lot)

    share = msgspec.msgpack.decode(msgspec.msgpack.encode(lot), type=LotShare)

    assert (share.wallet, share.remaining) == (lot.wallet, lot.remaining)
