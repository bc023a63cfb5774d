"""Rules of accounts: when a member joined, what closing and opening again brings, what is refused."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.domain.commands import (
    ActivateMember,
    AddUnits,
    AssignTier,
    Command,
    DeactivateMember,
    RegisterMember,
    RemoveManualTier,
    SignUpMember,
    TransferUnits,
    UpdateMember,
)
from streams.domain.events import (
    MemberActivated,
    TierChanged,
    TierExpiryAnnounced,
    TierRecalculated,
    UnitsEarned,
    UnitsExpiryAnnounced,
)
from streams.domain.ledger import MAX_HELD_DRAWS
from streams.domain.state import Account, Lot, Standing
from streams.domain.values import Profile
from streams.stages.commands import owner_of
from streams.topics import WEBHOOK_EVENTS
from tests.domain.making import made
from tests.domain.whole_store import FALLING, JOINED, WHOLE
from tests.driver import Pipeline, all_of, instant
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, register, spend, uid

DAY = timedelta(days=1)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "when",
    [datetime.min, datetime.max, datetime(1899, 12, 31, 23, 59), datetime(2200, 1, 1)],  # noqa: DTZ001, DTZ901
)
@pytest.mark.parametrize("kind", [RegisterMember, SignUpMember, UpdateMember])
def test_who_joined_outside_the_calendar_is_refused(kind: type[Command], when: datetime, zone: str) -> None:
    run = Pipeline(replace(WHOLE, time_zone=zone), now=NOON)
    run.when(register())
    at = when.replace(tzinfo=UTC)

    run.when(made(kind, ANNA if kind is UpdateMember else BORIS, profile=Profile(), registered_at=at))

    (reason,) = run.rejections()
    assert reason == f"registered_at {at.isoformat()} must lie between 1900-01-01 and 2199-12-31"


@pytest.mark.parametrize("when", [datetime(1900, 1, 1), datetime(2199, 12, 31, 23, 59)])  # noqa: DTZ001
def test_who_joined_at_an_end_of_the_calendar_lives_through_many_anniversaries(when: datetime) -> None:
    run = Pipeline(replace(WHOLE, time_zone="America/New_York"), now=NOON)

    run.when(made(RegisterMember, profile=Profile(), registered_at=when.replace(tzinfo=UTC)))
    run.at(NOON + 800 * DAY)

    assert run.rejections() == []
    assert len({e.event_id for e in run.facts(TierRecalculated)}) == len(run.facts(TierRecalculated))


def test_a_member_who_joins_earlier_after_all_reaches_the_next_tier_on_the_new_day() -> None:
    run = Pipeline(replace(WHOLE, tier_sets=(JOINED,)), now=NOON)
    run.when(register())

    run.when(made(UpdateMember, profile=Profile(), registered_at=NOON - 27 * DAY))
    run.at(NOON + 4 * DAY)

    assert all_of(run.facts(TierChanged), "level_id") == [uid(301), uid(302)]


def test_the_anniversary_follows_the_day_of_registration() -> None:
    run = Pipeline(replace(WHOLE, tier_sets=(JOINED,)), now=NOON)
    run.when(register())

    run.when(made(UpdateMember, profile=Profile(), registered_at=NOON - 300 * DAY))

    (standing,) = run.tables.of(owner_of(STORE, ANNA)).scan(Standing)
    assert standing.recalculated_at == instant("2026-05-06")


def test_a_date_set_twice_is_announced_with_ids_of_their_own() -> None:
    """A tier by hand, so that a fall is ahead; the anniversary goes away and comes back."""
    run = Pipeline(replace(WHOLE, tier_sets=(JOINED,), tiers_expiring_days=(365,)), now=NOON)
    run.when(register(), made(AssignTier, level_id=uid(303)))
    state = run.tables.of(owner_of(STORE, ANNA))
    # As a floor that is gone from one moment to the next would leave it.
    (standing,) = state.scan(Standing)
    state.apply(replace(standing, floor_id=None))
    run.tables.commit(list(run.tables.changelog()), {})

    for days in (1, 2, 1):
        run.when(made(UpdateMember, profile=Profile(), registered_at=NOON - days * DAY))
        run.at(NOON)

    ids = all_of(run.facts(TierExpiryAnnounced), "event_id")
    assert len(ids) >= 3
    assert len(set(ids)) == len(ids)


def test_a_member_closed_before_being_active_is_welcomed_when_active_at_last() -> None:
    run = Pipeline(WHOLE, now=NOON)

    run.when(made(SignUpMember, profile=Profile()), made(DeactivateMember), made(ActivateMember))
    run.when(made(DeactivateMember), made(ActivateMember))

    assert all_of(run.facts(MemberActivated), "first") == [True, False]
    assert all_of(run.facts(UnitsEarned), "units") == [5]


def test_nothing_is_announced_to_a_closed_account_nor_made_up_for_once_it_is_open_again() -> None:
    run = Pipeline(replace(SETTINGS, units_expiring_days=(10, 3)), now=NOON)
    run.when(register(), add("5", expires_in_days=20), made(DeactivateMember))

    run.at(NOON + 12 * DAY)
    run.when(made(ActivateMember, at=run.now))
    run.at(NOON + 18 * DAY)

    assert all_of(run.facts(UnitsExpiryAnnounced), "days") == [3]


def test_a_closed_accounts_tier_is_left_alone() -> None:
    run = Pipeline(WHOLE, now=NOON)
    run.when(register(), made(AssignTier, level_id=uid(103)), made(DeactivateMember))
    before = len(run.facts(TierChanged))

    run.when(made(RemoveManualTier, tier_set_id=FALLING.tier_set_id))

    assert len(run.facts(TierChanged)) == before
    assert run.rejections() == [f"member_id {ANNA} is deactivated in store 'DEFAULT'"]


def test_units_whose_day_is_over_cost_the_tier_though_the_spend_is_refused_and_no_timer_was_there() -> None:
    run = Pipeline(replace(WHOLE, campaigns=(), tier_sets=(FALLING,)), now=NOON)
    run.when(register(), add("60", expires_in_days=1))
    run.now = NOON + 5 * DAY

    run.when(spend("1", at=run.now))

    assert all_of(run.facts(TierChanged), "level_id") == [uid(101), uid(102), uid(101)]
    assert len(run.rejections()) == 1


@pytest.mark.parametrize("units", ["30", "100"])
def test_a_refused_transfer_leaves_everything_as_it_was_but_for_the_refusal(units: str) -> None:
    run = Pipeline(WHOLE, now=NOON)
    run.when(
        register(), register(BORIS), made(DeactivateMember, BORIS), add("40"), add("60", expires_in_days=30)
    )
    before, told = books(run), len(run.log[WEBHOOK_EVENTS.name])

    run.when(made(TransferUnits, receiver_id=BORIS, units=Decimal(units)))

    assert books(run) == before
    assert len(run.log[WEBHOOK_EVENTS.name]) == told
    assert run.rejections() == [f"receiver_id {BORIS} is no active member of store 'DEFAULT'"]


def books(run: Pipeline) -> list[object]:
    """Without how often lots came back: nobody is told of that."""
    state = run.tables.of(owner_of(STORE, ANNA))
    accounts = [replace(account, returns=0) for account in state.scan(Account)]
    return [*accounts, *(replace(lot, returns=0) for lot in state.scan(Lot))]


def test_more_lots_than_one_entry_keeps_are_not_set_aside_at_once() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), register(BORIS))
    lots = MAX_HELD_DRAWS + 1
    state = run.tables.of(owner_of(STORE, ANNA))
    for number in range(lots):
        state.apply(
            Lot(
                wallet="default",
                lot_id=uid(number),
                units=Decimal(1),
                remaining=Decimal(1),
                earned_at=NOON,
                expires_at=None,
            )
        )
    state.apply(Account(wallet="default", available=Decimal(lots), earned=Decimal(lots)))
    run.tables.commit(list(run.tables.changelog()), {})

    run.when(made(TransferUnits, receiver_id=BORIS, units=Decimal(lots)))
    assert run.rejections() == [f"units {lots} lies in {lots} lots; at most 10000 can be set aside at once"]

    run.when(made(TransferUnits, receiver_id=BORIS, units=Decimal(lots - 1)))
    assert run.poison() == []
    account = run.tables.of(owner_of(STORE, BORIS)).get(Account, b"default")
    assert account is not None
    assert account.available == lots - 1


def test_huge_and_tiny_numbers_of_days_stay_in_the_calendar() -> None:
    far = datetime(2199, 12, 31, tzinfo=UTC)
    run = Pipeline(SETTINGS, now=far)
    run.when(register(at=far))

    run.when(made(AddUnits, at=far, units=Decimal(1), expires_in_days=36_500, locked_for_days=36_500))

    (earned,) = run.facts(UnitsEarned)
    assert earned.expires_at is not None
    assert earned.expires_at.year == 2399
