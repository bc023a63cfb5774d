"""Units that come back to lots that are gone: each part ends once, and nothing is taken back twice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.domain.commands import BlockUnits, CancelTransfer, ExpireUnits, TransferUnits
from streams.domain.events import (
    UnitsBlocked,
    UnitsCancelled,
    UnitsEarned,
    UnitsExpired,
    UnitsExpiryAnnounced,
    UnitsReceived,
)
from streams.domain.state import Lot
from streams.stages.commands import owner_of
from streams.webhooks.events import AvailablePointsAmountChanged
from tests.domain.making import made
from tests.driver import Pipeline, all_of
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, register, spend

DAY = timedelta(days=1)


def with_lot(units: str = "100", days: int = 12) -> Pipeline:
    run = Pipeline(replace(SETTINGS, units_expiring_days=(10, 5)), now=NOON)
    run.when(register(), register(BORIS), add(units, expires_in_days=days))
    return run


def block(run: Pipeline, units: str) -> str:
    run.when(made(BlockUnits, at=run.now, units=Decimal(units)))
    return run.facts(UnitsBlocked)[-1].transfer_id


def cancel(run: Pipeline, transfer: str) -> None:
    run.when(made(CancelTransfer, at=run.now, transfer_id=transfer))


def distinct(run: Pipeline) -> bool:
    facts = [*run.facts(UnitsExpired), *run.facts(UnitsExpiryAnnounced)]
    told = run.webhook_events(AvailablePointsAmountChanged)
    return all(
        len(set(ids)) == len(ids) for ids in (all_of(facts, "event_id"), all_of(told, "webhook_event_id"))
    )


def test_parts_of_a_lot_that_come_back_one_by_one_after_its_day_end_one_by_one() -> None:
    run = with_lot()
    first, second = block(run, "60"), block(run, "40")

    run.at(NOON + 20 * DAY)
    cancel(run, first)
    run.at(NOON + 21 * DAY)
    cancel(run, second)
    run.at(NOON + 22 * DAY)

    assert all_of([e.lot for e in run.facts(UnitsExpired)], "units") == [60, 40]
    assert distinct(run)


def test_a_part_that_comes_back_is_told_of_anew_each_time_it_came_back() -> None:
    run = with_lot(days=12)
    first, second = block(run, "60"), block(run, "40")

    run.at(NOON + 3 * DAY)
    cancel(run, first)
    run.at(NOON + 3 * DAY)
    run.when(spend("60", at=run.now))
    cancel(run, second)
    run.at(NOON + 4 * DAY)

    assert all_of(run.facts(UnitsExpiryAnnounced), "remaining") == [60, 40]
    assert distinct(run)


def test_a_transfer_taken_back_while_part_of_it_was_blocked_is_not_taken_back_twice() -> None:
    run = with_lot()
    run.when(add("100"))
    given, _ = run.facts(UnitsEarned)
    blocked = block(run, "60")

    cancel(run, given.transfer_id)
    cancel(run, blocked)
    cancel(run, given.transfer_id)

    assert all_of(run.facts(UnitsCancelled), "units") == [100]
    assert [reason.split(" ", 2)[2][:11] for reason in run.rejections()] == ["is no trans"]


def test_a_lot_expired_by_hand_while_part_of_it_was_blocked_is_not_taken_back_whole() -> None:
    run = with_lot()
    run.when(add("500"))
    given, _ = run.facts(UnitsEarned)
    blocked = block(run, "60")

    run.when(made(ExpireUnits, transfer_id=given.transfer_id))
    cancel(run, blocked)
    cancel(run, given.transfer_id)

    assert run.facts(UnitsCancelled) == []
    assert len(run.rejections()) == 1
    assert sum(lot.remaining for lot in run.tables.of(owner_of(STORE, ANNA)).scan(Lot)) == 560


def test_units_of_another_member_are_not_cancellable_because_they_were_blocked_once() -> None:
    run = with_lot()
    run.when(made(TransferUnits, receiver_id=BORIS, units=Decimal(30)))
    (received,) = run.facts(UnitsReceived)
    (lot,) = run.tables.of(owner_of(STORE, BORIS)).scan(Lot)
    run.when(made(BlockUnits, BORIS, units=Decimal(30)))
    run.when(made(CancelTransfer, BORIS, transfer_id=run.facts(UnitsBlocked)[-1].transfer_id))

    for transfer in (received.transfer_id, lot.lot_id):
        run.when(made(CancelTransfer, BORIS, transfer_id=transfer))

    assert run.facts(UnitsCancelled) == []
    assert len(run.rejections()) == 2


@pytest.mark.parametrize("back", ["first", "second"])
def test_whichever_part_comes_back_first_the_lot_is_whole_again(back: str) -> None:
    run = with_lot()
    held = {"first": block(run, "60"), "second": block(run, "40")}

    cancel(run, held.pop(back))
    cancel(run, *held.values())

    (lot,) = run.tables.of(owner_of(STORE, ANNA)).scan(Lot)
    assert (lot.units, lot.remaining) == (Decimal(100), Decimal(100))
