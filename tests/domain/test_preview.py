"""The preview of announcements: what it lists is what will be told, if nothing else happens until then."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from streams.codec.avro import decode, encode
from streams.domain.commands import AdvanceClock, DeactivateMember, UseCoupon
from streams.domain.events import RewardBought, UnitsExpiryAnnounced
from streams.domain.preview import ANNOUNCEMENT_KINDS, Announcement, AnnouncementKind, AnnouncementPreview
from streams.domain.state import Member
from streams.domain.store import StoreSettings
from streams.stages.context import Clock, StreamClock, WallClock
from tests.domain.making import made
from tests.domain.test_crashes import STEPS, Step, stream
from tests.domain.whole_store import WHOLE
from tests.driver import Pipeline, instant
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, buy, register, spend, uid
from tests.scenarios import SETTINGS as SCENES
from tests.scenarios import in_order_of_issue

WARSAW = replace(SETTINGS, time_zone="Europe/Warsaw")


def previewed(run: Pipeline, now: datetime, first: date, days: int, limit: int = 1000) -> AnnouncementPreview:
    """Of all members of the pipeline, whose state stays as it is."""
    preview = AnnouncementPreview(run.settings[STORE], first, days, limit)
    owners, _ = run.tables.slice(Member, f"{STORE}/", b"", 100_000)
    for owner, _ in owners:
        preview.look(run.tables.of(owner), owner.partition("/")[2], now)
    run.tables.abort()
    return preview


def pipeline(store: StoreSettings = SETTINGS, clock: Clock | None = None) -> Pipeline:
    return Pipeline(decode(StoreSettings, *encode(store)), now=NOON, clock=clock or WallClock())


def announced(run: Pipeline) -> list[Announcement]:
    found: list[Announcement] = [e for kind in ANNOUNCEMENT_KINDS for e in run.facts(kind)]
    return sorted(found, key=lambda e: (e.occurred_at, e.member_id, e.event_id))


@given(STEPS)
def test_what_is_foreseen_is_told_to_the_letter(steps: list[Step]) -> None:
    run = pipeline(WHOLE, StreamClock())
    *commands, _ = stream(steps)
    run.when(*commands)
    now = max(c.issued_at for c in commands)
    already = {e.event_id for e in announced(run)}

    preview = previewed(run, now, now.date(), 70)
    run.when(AdvanceClock(command_id=uid(1), issued_at=preview.end - timedelta(microseconds=1)))

    told = [e for e in announced(run) if e.event_id not in already]
    assert preview.shown == told
    assert preview.total == len(told)


def test_all_scenarios_are_foreseen() -> None:
    run = pipeline(SCENES, StreamClock())
    commands = in_order_of_issue()
    run.when(*commands)
    now = commands[-1].issued_at
    already = {e.event_id for e in announced(run)}

    preview = previewed(run, now, now.date(), 200)
    run.when(AdvanceClock(command_id=uid(1), issued_at=preview.end - timedelta(microseconds=1)))

    told = [e for e in announced(run) if e.event_id not in already]
    assert preview.shown == told
    assert {ANNOUNCEMENT_KINDS[type(e)] for e in told} == {"units", "coupons", "tiers"}


def counted(preview: AnnouncementPreview) -> dict[str, dict[AnnouncementKind, int]]:
    return {f"{day}": {**count} for day, count in preview.counts.items() if count}


def test_each_day_counts_what_is_told_on_it_and_every_day_is_there() -> None:
    run = pipeline(replace(SETTINGS, units_expiring_days=(10, 5), coupons_expiring_days=(5,)))
    run.when(register(), add("150", expires_in_days=20), register(BORIS), add("7", BORIS, expires_in_days=20))
    run.when(buy())

    preview = previewed(run, NOON, date(2026, 3, 12), 20)

    # Units end on 22 March, the coupon of 30 days on 1 April.
    assert counted(preview) == {
        "2026-03-12": {"units": 2},
        "2026-03-17": {"units": 2},
        "2026-03-27": {"coupons": 1},
    }
    assert len(preview.counts) == 20
    assert preview.total == 5


def test_amounts_are_what_remains_and_what_is_gone_is_not_listed() -> None:
    run = pipeline(replace(SETTINGS, coupons_expiring_days=(5,)))
    run.when(register(), add("150", expires_in_days=20), buy(), spend("20"))
    run.when(register(BORIS), add("7", BORIS, expires_in_days=20), spend("7", BORIS))
    (bought,) = run.facts(RewardBought)
    assert bought.coupon
    run.when(made(UseCoupon, code=bought.coupon.code))

    (only,) = previewed(run, NOON, date(2026, 3, 2), 60).shown

    assert isinstance(only, UnitsExpiryAnnounced)
    assert (only.member_id, only.units, only.remaining) == (ANNA, Decimal(150), Decimal(30))


def test_nobody_is_listed_whose_account_is_closed_nor_what_was_told_already() -> None:
    run = pipeline()
    run.when(register(), add("5", expires_in_days=20), register(BORIS), add("7", BORIS, expires_in_days=20))
    run.when(made(DeactivateMember, BORIS))

    before = previewed(run, NOON, date(2026, 3, 2), 60)
    run.at(instant("2026-03-13"))
    after = previewed(run, run.now, date(2026, 3, 13), 60)

    assert [e.member_id for e in before.shown] == [ANNA]
    assert after.shown == []


def test_what_is_overdue_is_told_today_and_of_tomorrow_nothing_of_it_is_left() -> None:
    run = pipeline()
    run.when(register(), add("5", expires_in_days=20))
    now = instant("2026-03-15T08:00:00")

    today, tomorrow = (previewed(run, now, date(2026, 3, day), 1) for day in (15, 16))

    assert [e.occurred_at for e in today.shown] == [now]
    assert tomorrow.total == 0


def test_it_follows_the_settings_of_now_whether_or_not_timers_do_already() -> None:
    run = pipeline()
    run.when(register(), add("5", expires_in_days=20))
    run.settings[STORE] = replace(SETTINGS, units_expiring_days=(3,))

    assert counted(previewed(run, NOON, date(2026, 3, 2), 60)) == {"2026-03-19": {"units": 1}}


def test_days_are_those_of_the_store() -> None:
    """A lot's last second on 29 March in Warsaw is 21:59:59 in UTC; the day before it is 22:59:59."""
    run = pipeline(replace(WARSAW, units_expiring_days=(1,)))
    run.when(register(), add("5", expires_in_days=27))

    (told,) = previewed(run, NOON, date(2026, 3, 28), 1).shown

    assert told.occurred_at == instant("2026-03-28T22:59:59")
    assert previewed(run, NOON, date(2026, 3, 29), 1).total == 0


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_earliest_are_kept_to_be_shown_and_all_are_counted(limit: int) -> None:
    run = pipeline()
    run.when(*(c for n in range(1, 9) for c in _member(n)))

    preview = previewed(run, NOON, date(2026, 3, 2), 60, limit)

    assert [e.member_id for e in preview.shown] == [uid(8), uid(7), uid(6)][:limit]
    assert preview.total == 8


def _member(number: int) -> Any:
    """The lower its number, the later its units end."""
    return register(uid(number)), add("1", uid(number), expires_in_days=30 - number)
