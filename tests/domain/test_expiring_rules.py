"""Rules of announcements of a coming end: when, of what, with which amounts, and of what never."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import pytest
from msgspec.structs import replace

from streams.domain.commands import (
    AddUnits,
    AssignTier,
    BlockUnits,
    CancelTransfer,
    ChangeRedemptionStatus,
    DeactivateMember,
    ExpireUnits,
    ReinstateCoupon,
    RemoveManualTier,
    UseCoupon,
)
from streams.domain.events import (
    CouponExpired,
    CouponExpiryAnnounced,
    RewardBought,
    TierChanged,
    TierExpiryAnnounced,
    UnitsEarned,
    UnitsExpired,
    UnitsExpiryAnnounced,
)
from streams.domain.store import StoreSettings
from tests.domain.making import made
from tests.driver import Pipeline, all_of, instant
from tests.samples import NOON, SETTINGS, STORE, add, buy, register, spend, subscription
from tests.scenarios.store import GOLD, SILVER, STATUS

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
WARSAW = replace(SETTINGS, time_zone="Europe/Warsaw", campaigns=())
# Recalculated on 1 May, which begins on 30 April at 22:00 in UTC.
TIERS = replace(WARSAW, tier_sets=(STATUS,), units_expiring_days=())
Downgrade = Literal["none", "automatic", "periodic"]
Announcement = type[UnitsExpiryAnnounced] | type[CouponExpiryAnnounced] | type[TierExpiryAnnounced]


def pipeline(store: StoreSettings, now: datetime = NOON) -> Pipeline:
    run = Pipeline(store, now=now)
    run.when(register(at=now))
    return run


def pass_days(run: Pipeline, until: datetime) -> None:
    """Day by day: who comes only after the end finds nothing to announce, whatever the rule."""
    while run.now < until:
        run.at(min(run.now + DAY, until))


def assert_told_at(run: Pipeline, kind: Announcement, moment: datetime) -> None:
    """Not a second before, and then once."""
    run.at(moment - SECOND)
    before = list(run.facts(kind))
    run.at(moment)

    assert before == []
    assert all_of(run.facts(kind), "occurred_at") == [moment]
    pass_days(run, moment + 60 * DAY)
    assert len(run.facts(kind)) == 1


@pytest.mark.parametrize(
    ("earned", "days", "lead", "told"),
    [
        # Clocks go forward on 29 March 2026 at 01:00 in UTC, and back on 25 October.
        ("2026-03-02T12:00:00", 26, 1, "2026-03-27T22:59:59"),
        ("2026-03-02T12:00:00", 27, 1, "2026-03-28T22:59:59"),
        ("2026-03-02T12:00:00", 28, 1, "2026-03-29T21:59:59"),
        ("2026-03-02T12:00:00", 40, 30, "2026-03-12T22:59:59"),
        ("2026-10-01T12:00:00", 24, 1, "2026-10-24T21:59:59"),
        ("2026-10-01T12:00:00", 25, 1, "2026-10-25T22:59:59"),
        ("2026-10-01T12:00:00", 40, 30, "2026-10-11T21:59:59"),
    ],
)
def test_units_are_told_of_at_the_same_time_of_day_on_the_stores_clock_over_both_changes(
    earned: str, days: int, lead: int, told: str
) -> None:
    run = pipeline(replace(WARSAW, units_expiring_days=(lead,)), instant(earned))

    run.when(add("5", expires_in_days=days, at=run.now))

    assert_told_at(run, UnitsExpiryAnnounced, instant(told))


@pytest.mark.parametrize(
    ("earned", "zone", "days", "told"),
    [
        # In Warsaw the lot ends at 02:59:59 on 30 March; the day before there is no such time.
        ("2026-03-02T12:00:00", "Atlantic/Cape_Verde", 27, "2026-03-29T01:59:59"),
        # It ends at 02:59:59 on 26 October; the day before that comes twice, and the first counts.
        ("2026-10-01T12:00:00", "America/Noronha", 24, "2026-10-25T00:59:59"),
        # It ends at the second 02:59:59 of 25 October.
        ("2026-10-01T12:00:00", "America/Noronha", 23, "2026-10-24T00:59:59"),
    ],
)
def test_an_hour_that_is_skipped_or_comes_twice_makes_nobody_be_missed_or_told_twice(
    earned: str, zone: str, days: int, told: str
) -> None:
    """Ends stay where they are when a store moves to another zone."""
    run = pipeline(replace(WARSAW, time_zone=zone, units_expiring_days=()), instant(earned))
    run.when(add("5", expires_in_days=days, at=run.now))

    run.settings[STORE] = replace(WARSAW, units_expiring_days=(1,))

    assert_told_at(run, UnitsExpiryAnnounced, instant(told))


def test_a_coupon_is_told_of_on_the_stores_clock_over_the_change() -> None:
    """Bought on 2 March, it ends with 1 April."""
    run = pipeline(replace(WARSAW, units_expiring_days=(), coupons_expiring_days=(10,)))
    run.when(add("100"), buy())

    assert_told_at(run, CouponExpiryAnnounced, instant("2026-03-22T22:59:59"))


@pytest.mark.parametrize(("lead", "told"), [(40, "2026-03-21T23:00:00"), (10, "2026-04-20T22:00:00")])
def test_a_tier_is_told_of_where_the_day_begins_on_the_stores_clock(lead: int, told: str) -> None:
    run = pipeline(replace(TIERS, tiers_expiring_days=(lead,)))
    run.when(add("1000"), spend("500"))

    assert_told_at(run, TierExpiryAnnounced, instant(told))


def test_after_downtime_coupons_and_tiers_are_told_of_late_rather_than_never() -> None:
    run = pipeline(replace(TIERS, coupons_expiring_days=(10,), tiers_expiring_days=(10,)))
    run.when(add("1000"), buy())

    run.at(instant("2026-03-31"))
    run.at(instant("2026-04-30T12:00:00"))

    assert all_of(run.facts(CouponExpiryAnnounced), "occurred_at") == [instant("2026-03-31")]
    assert all_of(run.facts(TierExpiryAnnounced), "occurred_at") == [instant("2026-04-30T12:00:00")]


def test_after_downtime_over_the_end_itself_there_is_nothing_to_announce_any_more() -> None:
    run = pipeline(replace(TIERS, coupons_expiring_days=(10,), tiers_expiring_days=(10,)))
    run.when(add("1000"), buy())

    run.at(instant("2026-05-02"))

    assert run.facts(CouponExpiryAnnounced) == []
    assert run.facts(TierExpiryAnnounced) == []
    assert (len(run.facts(CouponExpired)), run.facts(TierChanged)[-1].level_name) == (1, "Bronze")


def units_store() -> Pipeline:
    run = Pipeline(replace(SETTINGS, campaigns=()), now=NOON)
    run.subscribe(subscription("PointsWillExpire"))
    run.when(register(), add("50", expires_in_days=20))
    return run


def the_lot(run: Pipeline) -> str:
    return run.facts(UnitsEarned)[0].transfer_id


@pytest.mark.parametrize(
    "gone",
    [
        lambda run: spend("50"),
        lambda run: made(BlockUnits, units=Decimal(50)),
        lambda run: made(CancelTransfer, transfer_id=the_lot(run)),
        lambda run: made(ExpireUnits, transfer_id=the_lot(run)),
        lambda run: made(DeactivateMember),
    ],
    ids=["spent", "blocked", "cancelled", "expired by hand", "member deactivated"],
)
def test_units_that_are_out_of_reach_are_not_told_of(gone: object) -> None:
    run = units_store()
    run.when(gone(run))  # type: ignore[operator]

    pass_days(run, NOON + 60 * DAY)

    assert run.rejections() == []
    assert run.deliveries() == []


def test_the_amount_is_what_remains_after_spending_blocking_and_taking_back() -> None:
    run = units_store()
    run.when(add("9", expires_in_days=30))
    run.when(spend("10"), made(BlockUnits, units=Decimal(5)))
    run.when(made(CancelTransfer, transfer_id=run.facts(UnitsEarned)[1].transfer_id))

    run.at(NOON + 12 * DAY)

    (body,) = run.bodies("PointsWillExpire")
    assert (body["points"], body["remainingUnits"]) == (50, 35)


def test_pending_units_are_told_of_once_they_are_active() -> None:
    run = units_store()
    run.when(spend("50"), made(AddUnits, units=Decimal(7), locked_for_days=15, expires_in_days=12))

    run.at(NOON + 15 * DAY)
    pending = run.bodies("PointsWillExpire")
    run.at(NOON + 18 * DAY)

    assert pending == []
    assert [body["remainingUnits"] for body in run.bodies("PointsWillExpire")] == [7]


def with_coupon() -> tuple[Pipeline, RewardBought]:
    run = pipeline(replace(SETTINGS, campaigns=(), units_expiring_days=(), coupons_expiring_days=(5,)))
    run.when(add("100"), buy())
    (bought,) = run.facts(RewardBought)
    return run, bought


def code_of(bought: RewardBought) -> str:
    assert bought.coupon
    return bought.coupon.code


def test_a_used_coupon_is_not_told_of_unless_it_may_be_used_again() -> None:
    run, bought = with_coupon()
    run.when(made(UseCoupon, code=code_of(bought)))

    run.at(NOON + 27 * DAY)
    used = list(run.facts(CouponExpiryAnnounced))
    run.when(made(ReinstateCoupon, at=run.now, code=code_of(bought)))
    run.at(run.now)

    assert used == []
    assert all_of(run.facts(CouponExpiryAnnounced), "occurred_at") == [NOON + 27 * DAY]


@pytest.mark.parametrize("status", ["canceled", "rejected", "returned"])
def test_a_coupon_of_a_redemption_that_came_to_nothing_is_not_told_of(status: str) -> None:
    run, bought = with_coupon()
    run.when(made(ChangeRedemptionStatus, issued_reward_id=bought.issued_reward_id, status=status))

    pass_days(run, NOON + 60 * DAY)

    assert run.facts(CouponExpiryAnnounced) == []


def test_a_closed_accounts_coupon_is_not_told_of() -> None:
    run, _ = with_coupon()
    run.when(made(DeactivateMember))

    pass_days(run, NOON + 60 * DAY)

    assert run.facts(CouponExpiryAnnounced) == []


def tiered(*lead_times: int, downgrade: Downgrade = "periodic", units: str = "6000") -> Pipeline:
    status = replace(STATUS, downgrade=downgrade)
    run = pipeline(replace(TIERS, tier_sets=(status,), tiers_expiring_days=lead_times))
    run.when(add(units))
    return run


def futures(run: Pipeline) -> list[tuple[int, str | None]]:
    return [(event.days, event.future_level_name) for event in run.facts(TierExpiryAnnounced)]


def test_a_tier_that_will_be_kept_is_not_told_of() -> None:
    run = tiered(10)
    run.when(spend("1000"))

    pass_days(run, instant("2026-06-01"))

    assert futures(run) == []
    assert run.facts(TierChanged)[-1].level_id == GOLD


def test_a_tier_that_comes_to_be_in_danger_after_its_lead_time_is_told_of_then_and_once() -> None:
    run = tiered(30, 10)
    run.at(instant("2026-04-12"))
    safe = futures(run)

    run.when(spend("3000", at=run.now), spend("100", at=run.now))
    late = futures(run)
    pass_days(run, instant("2026-06-01"))

    assert safe == []
    assert late == [(30, "Silver")]
    assert futures(run) == [(30, "Silver"), (10, "Silver")]


def test_a_tier_in_danger_only_after_its_day_is_not_told_of() -> None:
    """It falls on that day, or is in danger for the next period: neither is a late notice."""
    run = tiered(10)
    pass_days(run, instant("2026-05-02"))

    run.when(spend("3000", at=run.now))

    assert futures(run) == []


@pytest.mark.parametrize("downgrade", ["none", "automatic"])
def test_where_no_period_ends_there_is_no_fall_to_tell_of(downgrade: Downgrade) -> None:
    run = tiered(10, downgrade=downgrade)
    run.when(spend("5900"))

    pass_days(run, instant("2026-06-01"))

    assert futures(run) == []


def test_the_future_tier_is_that_of_the_moment_and_a_fall_made_good_is_not_told_of_again() -> None:
    run = tiered(30, 20, 10)
    run.when(spend("4000"))

    run.at(instant("2026-04-01"))
    run.when(spend("1500", at=run.now))
    run.at(instant("2026-04-12"))
    run.when(add("5000", at=run.now))
    pass_days(run, instant("2026-05-02"))

    assert futures(run) == [(30, "Silver"), (20, "Bronze")]
    assert run.facts(TierChanged)[-1].level_id == GOLD


def test_a_fall_is_told_of_no_deeper_than_the_tier_assigned_by_hand() -> None:
    run = tiered(10, units="10")
    run.when(made(AssignTier, level_id=SILVER), add("6000"), spend("6000"))

    run.at(instant("2026-04-25"))

    assert futures(run) == [(10, "Silver")]


def test_a_tier_lost_at_once_is_not_told_of_when_its_period_ends() -> None:
    """Without the tier assigned by hand the member falls now: there is nothing left to lose."""
    run = tiered(10, units="10")
    run.when(made(AssignTier, level_id=SILVER), made(RemoveManualTier, tier_set_id=STATUS.tier_set_id))

    pass_days(run, instant("2026-06-01"))

    assert run.facts(TierChanged)[-1].level_name == "Bronze"
    assert futures(run) == []


def test_a_closed_accounts_tier_is_not_told_of() -> None:
    run = tiered(10)
    run.when(spend("6000"), made(DeactivateMember))

    pass_days(run, instant("2026-06-01"))

    assert futures(run) == []


def test_units_that_end_before_the_tier_does_are_missing_from_it_when_it_is_told_of() -> None:
    run = tiered(10, units="100")
    run.when(add("5000", expires_in_days=40))

    run.at(instant("2026-04-20T22:00:00"))

    assert len(run.facts(UnitsExpired)) == 1
    assert futures(run) == [(10, "Bronze")]
