"""What a state made from facts takes over: with it, it is the running one, byte by byte."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from streams.domain.commands import ActivateMember, BlockUnits, Command, DeactivateMember
from streams.domain.events import Event
from streams.domain.evolve import evolve
from streams.domain.state import Account, Change, Held, Lot, State
from streams.domain.store import StoreSettings
from streams.migration.carry_over import carry_over
from streams.migration.compare import Comparison
from streams.stages.commands import owner_of
from streams.stages.loyalty import LoyaltyStage
from streams.stages.rebuild import data_key_lookup, rebuild
from streams.stages.state_schema import StateSchema
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import EVENTS, WEBHOOK_EVENTS
from tests.driver import Pipeline
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, purchase, register, spend, uid

LATER = NOON + timedelta(days=21)
"""Ten days before the lots' end, which is announced then, have begun."""
NOBODY = frozenset[str]()


def happened() -> Pipeline:
    """Anna is told of an end. Boris is not, for his account is closed then; what he has is blocked since."""
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(ANNA), register(BORIS), add("50", ANNA, expires_in_days=30))
    run.when(add("50", BORIS, expires_in_days=30), told(DeactivateMember, 1))
    run.at(LATER)
    run.when(told(ActivateMember, 2), told(BlockUnits, 3, units=Decimal(20)), purchase("30.00", "A/1"))
    return run


def told(kind: type[Command], number: int, **fields: object) -> Command:
    return kind(command_id=uid(90_000 + number), store=STORE, member_id=BORIS, issued_at=LATER, **fields)


def made(run: Pipeline, layout: StateSchema) -> Tables:
    tables = Tables(MemoryStore(table_families(LoyaltyStage.kinds)), LoyaltyStage.kinds)
    rebuild(tables, run.log[EVENTS.name], run.settings.get, data_key_lookup(run.tables), layout)
    tables.commit(list(tables.changelog()), {})
    return tables


def carry(run: Pipeline, into: Tables, layout: StateSchema) -> Comparison:
    found = Comparison(layout)
    into.commit(list(carry_over(found, into, run.tables, NOBODY)), {})
    into.index()
    return found


def test_with_what_it_takes_over_it_is_the_running_state() -> None:
    run, layout = happened(), StateSchema(2, evolve)
    tables = made(run, layout)
    held = next(tables.of(owner_of(STORE, BORIS)).scan(Held))
    assert [pledge.lot.announced for pledge in held.pledges] == [()]

    found = carry(run, tables, layout)

    assert found.differences == []
    assert list(tables.entries()) == list(run.tables.entries())
    held = next(tables.of(owner_of(STORE, BORIS)).scan(Held))
    assert [pledge.lot.announced for pledge in held.pledges] == [(10,)]
    assert list(carry_over(Comparison(layout), tables, run.tables, NOBODY)) == []


def test_run_in_the_others_place_it_tells_nothing_twice_and_answers_repeats_as_before() -> None:
    run, layout = happened(), StateSchema(2, evolve)
    again, refused = add("5", ANNA), spend("500", ANNA)
    run.when(again, refused)
    tables = made(run, layout)
    carry(run, tables, layout)
    before = len(run.log[WEBHOOK_EVENTS.name])

    run.tables = tables
    run.when(again, refused)
    run.at(LATER + timedelta(days=1))

    assert run.log[WEBHOOK_EVENTS.name][before:] == []
    account = run.tables.of(owner_of(STORE, ANNA)).get(Account, b"default")
    assert account is not None
    # The purchase gave 300.
    assert account.available == Decimal(355)


def doubled(state: State, event: Event, store: StoreSettings) -> Iterator[Change]:
    """Rules by which each lot has returned once more."""
    for change in evolve(state, event, store):
        yield replace(change, returns=change.returns + 1) if isinstance(change, Lot) else change


def test_a_layout_that_makes_other_entries_differs_unless_it_says_what_it_has_added() -> None:
    run = happened()
    other = StateSchema(2, doubled)
    knows = StateSchema(2, doubled, added=frozenset({"Lot.returns"}))

    refused = carry(run, made(run, other), other)
    tables = made(run, knows)
    taken = carry(run, tables, knows)

    assert refused.different["Lot"] == 3
    assert f"{owner_of(STORE, ANNA)}: Lot differs" in refused.differences
    assert taken.differences == []
    lots = list(tables.of(owner_of(STORE, BORIS)).scan(Lot))
    assert [(lot.returns > 0, lot.announced) for lot in lots] == [(True, (10,))]
