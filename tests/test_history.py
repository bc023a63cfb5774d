"""A history played quietly, then live without a gap: nobody is told of the past, and all of the present."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace as but
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from connectors import cdnow
from connectors.cdnow.history import purchase_commands
from connectors.cdnow.reader import purchases
from streams.codec.avro import decode
from streams.domain.commands import AdvanceClock, Command, MemberCommand
from streams.domain.events import UnitsExpired, UnitsExpiryAnnounced
from streams.domain.store import StoreSettings
from streams.stages.context import StreamClock, WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.tables.store import RocksStore
from streams.tables.tables import table_families
from streams.topics import EVENTS, WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent
from tests.driver import Pipeline, instant
from tests.samples import ANNA, BORIS, NOON, SETTINGS, add, purchase, register, spend, uid
from tests.test_cdnow_balances import (
    AFTER_THE_LAST_EXPIRY,
    AFTER_THE_LAST_PURCHASE,
    SHOP,
    Sum,
    by_the_pipeline,
    on_paper,
)

INSTANT = instant("1998-06-01")
LIVE = datetime.combine(AFTER_THE_LAST_EXPIRY, time(12), UTC)


def go_live(run: Pipeline, now: datetime) -> None:
    """The worker is started again, with the other clock."""
    run.loyalty = LoyaltyStage(run.settings, WallClock(), timedelta(hours=24))
    run.at(now)


def told(run: Pipeline) -> list[WebhookEvent]:
    names = ((r, r.kind) for r in run.log[WEBHOOK_EVENTS.name])
    return [decode(CATALOGUE[name].event, r.value, r.schema) for r, name in names]


def facts(run: Pipeline) -> list[bytes | None]:
    return [record.value for record in run.log[EVENTS.name]]


def history() -> list[MemberCommand]:
    with cdnow.find_purchases_file().open() as lines:
        made = list(purchase_commands(purchases(lines), SHOP, until=AFTER_THE_LAST_PURCHASE))
    return [command for command in made if isinstance(command, get_args(MemberCommand))]


def thanks(members: list[str]) -> list[Command]:
    """What comes once it is live."""
    given = (add("5", member, at=LIVE, expires_in_days=30) for member in members)
    return [replace(one, store=SHOP.store, command_id=uid(70_000 + n)) for n, one in enumerate(given)]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Pipeline, Pipeline]]:
    """A run that tells all, and one that is quiet before the instant."""

    def run(name: str, store: StoreSettings) -> Iterator[Pipeline]:
        with closing(RocksStore(tmp_path / name, table_families(LoyaltyStage.kinds))) as disk:
            yield Pipeline(store, now=NOON, clock=StreamClock(), store=disk)

    for loud in run("loud", SHOP):
        for quiet in run("quiet", replace(SHOP, quiet_before=INSTANT)):
            yield loud, quiet


def test_after_a_quiet_history_exactly_what_happened_since_the_instant_was_told(
    two: tuple[Pipeline, Pipeline],
) -> None:
    loud, quiet = two
    past = history()
    members = list(on_paper(AFTER_THE_LAST_PURCHASE))

    for run in two:
        run.when(*past)
    loud.when(AdvanceClock(command_id=uid(1), issued_at=LIVE), *thanks(members[:50]))
    go_live(quiet, LIVE)
    quiet.when(*thanks(members[:50]))

    assert facts(quiet) == facts(loud)
    since = [event for event in told(loud) if event.created_at >= INSTANT]
    assert told(quiet) == since
    assert 0 < len(since) < len(told(loud))
    assert quiet.poison() == []


def test_every_balance_after_a_quiet_history_is_that_on_paper(two: tuple[Pipeline, Pipeline]) -> None:
    _, run = two
    members = list(on_paper(AFTER_THE_LAST_PURCHASE))

    run.when(*history())
    go_live(run, LIVE)

    assert _untold(by_the_pipeline(run, members)) == _untold(on_paper(AFTER_THE_LAST_EXPIRY))


def _untold(sums: dict[str, Sum]) -> dict[str, Sum]:
    """Without what is counted from webhooks."""
    return {member: but(one, warnings=0, rewards=0) for member, one in sums.items()}


def played(quiet_before: datetime | None = None) -> Pipeline:
    """Two members, units that end on 4 and on 9 March; history ends at noon of 2 March."""
    run = Pipeline(replace(SETTINGS, quiet_before=quiet_before), now=NOON, clock=StreamClock())
    run.when(register(ANNA, NOON), register(BORIS, NOON))
    run.when(add("10", ANNA, expires_in_days=7), add("20", BORIS, expires_in_days=2))
    return run


def test_what_was_due_between_history_and_now_happened_at_its_own_time_and_in_its_order() -> None:
    run = played()

    go_live(run, instant("2026-06-01"))

    ended = [(fact.member_id, fact.occurred_at) for fact in run.facts(UnitsExpired)]
    assert ended == [
        (BORIS, instant("2026-03-04T23:59:59")),
        (ANNA, instant("2026-03-09T23:59:59")),
    ]


def test_a_command_that_waits_is_handled_after_what_was_due_before_going_live() -> None:
    run = played()
    run.loyalty = LoyaltyStage(run.settings, WallClock(), timedelta(hours=24))
    run.now = instant("2026-06-01")

    run.when(spend("10", ANNA))

    assert [fact.lot.units for fact in run.facts(UnitsExpired)] == [Decimal(20), Decimal(10)]
    assert len(run.rejections()) == 1


def test_live_time_is_the_clock_s_again() -> None:
    run = played()
    go_live(run, instant("2026-03-05"))
    run.when(purchase("1.00", "A/1", at=NOON))

    run.at(instant("2026-03-20"))

    # Due on the 9th, while nobody was there.
    assert [fact.occurred_at for fact in run.facts(UnitsExpired)][1:] == [instant("2026-03-20")]


def test_an_announcement_of_before_the_instant_is_a_fact_that_nobody_is_told() -> None:
    run = played(quiet_before=instant("2026-03-05"))

    go_live(run, instant("2026-03-04"))

    assert [fact.days for fact in run.facts(UnitsExpiryAnnounced)] == [10, 10]
    assert told(run) == []


def test_the_instant_itself_is_told() -> None:
    at = instant("2026-03-04T23:59:59")

    for quiet_before, count in ((at, 1), (at + timedelta(microseconds=1), 0)):
        run = played(quiet_before)
        go_live(run, instant("2026-03-05"))
        assert [type(event).__name__ for event in told(run)] == ["AvailablePointsAmountChanged"] * count


def test_history_that_goes_on_after_it_went_live_too_early_is_played_on() -> None:
    run = played()
    go_live(run, NOON + timedelta(hours=1))
    run.loyalty = LoyaltyStage(run.settings, StreamClock(), timedelta(hours=24))

    run.when(register(uid(3), instant("2026-04-01")))
    go_live(run, instant("2026-06-01"))

    assert [fact.occurred_at.day for fact in run.facts(UnitsExpired)] == [4, 9]
