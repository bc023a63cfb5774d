"""Timers follow a store's lead times, however many there are, and wherever the planning was cut off."""

from msgspec.structs import replace

from streams.domain.events import CouponExpiryAnnounced, TierExpiryAnnounced, UnitsExpiryAnnounced
from streams.domain.state import Lot, Plan
from streams.stages.context import StageContext
from tests.driver import Pipeline, instant
from tests.samples import NOON, SETTINGS, STORE, add, buy, register, uid
from tests.scenarios import SETTINGS as WHOLE

MEMBERS = 30


def many() -> Pipeline:
    run = Pipeline(replace(SETTINGS, units_expiring_days=()), now=NOON)
    for number in range(MEMBERS):
        run.when(register(uid(number)), add("50", uid(number), expires_in_days=20))
    return run


def _slice(run: Pipeline, size: int) -> int:
    """One turn without a record that looks at `size` entries; returns how many lots it changed."""
    run.loyalty.play(StageContext(0, run.tables, NOON), (), size)
    changes = list(run.tables.changelog())
    run.tables.commit(changes, {})
    return sum(table == "ledgers" for table, _, _ in changes)


def _due(run: Pipeline) -> set[str]:
    found, _ = run.tables.slice(Lot, STORE, b"", 1000)
    return {f"{lot.due_at:%m-%d}" for _, lot in found}


def test_a_slice_looks_at_so_many_entries_and_the_next_one_goes_on_there() -> None:
    run = many()
    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(1,))

    # An account, a lot and a transfer of each member stand in the table.
    changed = [_slice(run, 36) for _ in range(4)]

    assert changed == [12, 12, 6, 0]
    assert _due(run) == {"03-21"}
    assert not run.loyalty.plans(0)


def test_a_successor_goes_on_where_the_planning_was_cut_off_and_then_plans_nothing_again() -> None:
    run = many()
    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(1,))

    changed = []
    for _ in range(4):
        run.loyalty.revoked(0)
        changed.append(_slice(run, 36))

    assert changed == [12, 12, 6, 0]


def test_settings_changed_in_the_middle_are_what_all_follow_in_the_end() -> None:
    run = many()
    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(1,))
    _slice(run, 36)
    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(2,))

    while run.loyalty.plans(0):
        _slice(run, 36)

    assert _due(run) == {"03-20"}


def test_another_stores_timers_and_other_settings_plan_nothing_anew() -> None:
    run = many()
    run.settings["OTHER"] = replace(SETTINGS, store="OTHER", units_expiring_days=(5,))
    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(), rewards=())

    changed = [_slice(run, 1000) for _ in range(2)]

    assert changed == [0, 0]
    assert {plan.of for plan in run.tables.of("").scan(Plan)} == {"ledgers", "coupons", "members"}


def test_units_earned_while_it_goes_on_are_planned_once() -> None:
    run = many()
    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(30,))
    run.when(add("7", expires_in_days=20))

    run.at(instant("2026-03-03"))

    told = [event.lot_id for event in run.facts(UnitsExpiryAnnounced)]
    assert len(told) == len(set(told)) == MEMBERS + 1


def test_coupons_and_tiers_follow_their_lead_times_too() -> None:
    run = Pipeline(WHOLE, now=NOON)
    run.when(register(), add("1000"))
    run.when(buy())
    silent = run.facts(CouponExpiryAnnounced), run.facts(TierExpiryAnnounced)
    run.settings[STORE] = replace(WHOLE, coupons_expiring_days=(400,), tiers_expiring_days=(400,))

    run.at(instant("2026-03-02T12:00:01"))

    assert silent == ([], [])
    assert [event.days for event in run.facts(CouponExpiryAnnounced)] == [400]
    assert [event.days for event in run.facts(TierExpiryAnnounced)] == [400]
