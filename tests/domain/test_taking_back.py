"""A return takes the units that its purchase gave: pending ones, then active ones, then as the store says."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from streams.domain.commands import (
    ActivateUnits,
    BlockUnits,
    CancelTransfer,
    RecordTransaction,
    RegisterTransaction,
    TransferUnits,
)
from streams.domain.events import (
    CampaignApplied,
    DebtPaid,
    TransactionUnmatched,
    UnitsBlocked,
    UnitsEarned,
    UnitsTakenBack,
)
from streams.domain.rules import Campaign, Effect
from streams.domain.state import Account, Lot, PendingLot
from streams.domain.store import StoreSettings
from streams.domain.values import Buyer, Item
from streams.stages.commands import owner_of
from tests.domain.making import document, made
from tests.driver import Pipeline, all_of
from tests.samples import (
    ANNA,
    BORIS,
    NOON,
    SETTINGS,
    STORE,
    TEN_A_DOLLAR,
    WALLET_TYPE,
    add,
    purchase,
    register,
    spend,
    subscription,
    uid,
)

DAY = timedelta(days=1)
LOCKING = replace(SETTINGS, wallets=(replace(WALLET_TYPE, locked_for_days=14),))
BACK = Campaign(
    campaign_id=uid(702),
    name="Ten a dollar back",
    trigger="return_transaction",
    effects=(Effect(type="deduct_unit", points_per_currency_unit=Decimal(10)),),
)
Shortfall = Literal["waived", "debt"]


def begun(store: StoreSettings = SETTINGS, **fields: Any) -> Pipeline:
    run = Pipeline(replace(store, **fields), now=NOON)
    run.subscribe(subscription("AvailablePointsAmountChanged"))
    run.when(register(), register(BORIS))
    return run


def back(amount: str, number: str, of: str | None = "D1", **fields: Any) -> RegisterTransaction:
    sold = purchase(amount, number)
    return replace(sold, document_type="return", linked_document_number=of, **fields)


def wallet(run: Pipeline, member: str = ANNA) -> Account:
    return run.tables.of(owner_of(STORE, member)).get(Account, b"default") or Account(wallet="default")


def held(run: Pipeline) -> tuple[float, float]:
    """What can be spent, and what is pending."""
    now = wallet(run)
    state = run.tables.of(owner_of(STORE, ANNA))
    assert now.spendable == sum(lot.remaining for lot in state.scan(Lot))
    assert now.pending == sum(p.lot.units for p in state.scan(PendingLot))
    return float(now.available), float(now.pending)


def taken(run: Pipeline) -> list[dict[str, Any]]:
    return [b["takenBack"] for b in run.bodies("AvailablePointsAmountChanged") if "takenBack" in b]


def says(**places: int | str) -> dict[str, Any]:
    nothing = {"pending": 0, "active": 0, "blocked": 0, "owed": 0, "waived": 0}
    return {"purchaseDocumentNumber": "D1", **nothing, **places}


@pytest.mark.parametrize("store", [LOCKING, replace(LOCKING, campaigns=(TEN_A_DOLLAR, BACK))])
def test_units_that_are_still_locked_are_taken_and_do_not_come_to_life_later(store: StoreSettings) -> None:
    run = begun(store)
    run.when(purchase("10", "D1"), back("10", "R1"))

    assert held(run) == (0, 0)
    run.at(NOON + 30 * DAY)

    assert held(run) == (0, 0)
    assert taken(run) == [says(pending=100)]


def test_a_return_that_names_no_purchase_takes_pending_units_too_where_a_campaign_takes_any() -> None:
    run = begun(replace(LOCKING, campaigns=(TEN_A_DOLLAR, BACK)))
    run.when(purchase("10", "D1"), add("5", expires_in_days=9), back("10", "R1", of=None))

    run.at(NOON + 30 * DAY)

    # Units that were given by hand are no purchase's.
    assert all_of(run.facts(UnitsTakenBack), "units") == [100]
    assert wallet(run).earned == 5
    (applied,) = run.facts(CampaignApplied)[1:]
    assert all_of(applied.effects, "points") == [100]


def test_a_campaign_takes_nothing_more_where_the_return_has_taken_what_its_purchase_gave() -> None:
    run = begun(campaigns=(TEN_A_DOLLAR, BACK))
    run.when(add("1000"), purchase("10", "D1"), back("10", "R1"))

    assert held(run) == (1000, 0)
    assert all_of(run.facts(CampaignApplied), "campaign_name") == ["Ten a dollar"]


def test_active_units_are_taken_and_others_stand_in_for_those_that_were_spent() -> None:
    run = begun()
    run.when(purchase("10", "D1"), add("50"), spend("70"), back("10", "R1"))

    assert held(run) == (0, 0)
    assert taken(run) == [says(active=80, waived=20)]


def test_pending_units_go_before_active_ones() -> None:
    half = replace(TEN_A_DOLLAR, points_per_currency_unit=Decimal(0))
    both = (
        Effect(type="give_points", points=Decimal(30), locked_for_days=5),
        Effect(type="give_points", points=Decimal(20)),
    )
    run = begun(campaigns=(replace(half, effects=both),))
    run.when(purchase("10", "D1"), back("5", "R1", items=pieces(("CD", 1, "5"))))

    assert held(run) == (10, 15)
    assert taken(run) == [says(pending=15, active=10)]


def pieces(*lines: tuple[str, int, str]) -> tuple[Item, ...]:
    return tuple(
        Item(sku=sku, name=sku, quantity=quantity, gross_value=Decimal(value))
        for sku, quantity, value in lines
    )


def two(number: str) -> RegisterTransaction:
    return replace(purchase("10", number), items=pieces(("CD", 2, "10")))


@pytest.mark.parametrize("order", list(permutations(["1", "3.33", "5.67"])))
def test_parts_of_a_purchase_sum_to_what_it_gave_whatever_their_order(order: tuple[str, ...]) -> None:
    third = replace(TEN_A_DOLLAR, points_per_currency_unit=Decimal("0.333333"))
    run = begun(campaigns=(third,))
    run.when(replace(purchase("10", "D1"), items=pieces(("CD", 3, "10"))))
    (given,) = run.facts(UnitsEarned)

    run.when(*(back(amount, f"R{amount}") for amount in order))

    assert run.rejections() == []
    assert sum(all_of(run.facts(UnitsTakenBack), "units")) == given.units == Decimal("3.33333")
    assert held(run) == (0, 0)


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([("CD", 1, "10.01")], "items 10.01 of 'CD' is more than the 10 left of purchase D1"),
        ([("CD", 3, "10")], "items 3 of 'CD' is more than the 2 left of purchase D1"),
        ([("LP", 1, "1")], "items LP is no item of purchase D1"),
        ([("CD", 1, "5"), ("CD", 2, "5")], "items 3 of 'CD' is more than the 2 left of purchase D1"),
    ],
)
def test_a_return_of_more_than_was_bought_is_refused(items: list[Any], sentence: str) -> None:
    run = begun()
    run.when(replace(purchase("10", "D1"), items=pieces(("CD", 2, "10"))))

    run.when(back("1", "R1", items=pieces(*items)))

    assert run.rejections() == [sentence]
    assert held(run) == (100, 0)


def test_a_return_of_more_than_is_left_is_refused() -> None:
    run = begun()
    run.when(replace(purchase("10", "D1"), items=pieces(("CD", 2, "10"))))
    run.when(back("6", "R1", items=pieces(("CD", 1, "6"))))

    run.when(back("6", "R2", items=pieces(("CD", 1, "6"))), back("4", "R3"))
    run.when(back("1", "R4"))

    assert run.rejections() == [
        "items 6 of 'CD' is more than the 4 left of purchase D1",
        "items 1 of 'CD' is more than the 0 left of purchase D1",
    ]
    assert held(run) == (0, 0)


@pytest.mark.parametrize("number", ["D9", "R1"])
def test_a_return_of_what_the_member_did_not_buy_is_refused(number: str) -> None:
    run = begun()
    run.when(purchase("10", "D1"), purchase("10", "D9", BORIS), back("4", "R1"), back("4", "R2", of=number))

    reason = "is a return itself" if number == "R1" else "is no purchase of this member"
    assert run.rejections() == [f"linked_document_number {number} {reason}"]


def test_what_has_expired_is_gone_and_not_taken_from_other_units() -> None:
    run = begun()
    run.when(purchase("10", "D1"), spend("40"))
    run.at(NOON + 100 * DAY)
    run.when(replace(add("500"), issued_at=run.now))

    run.when(back("10", "R1"))

    # 60 have expired; 40 were spent, for which others stand in.
    assert held(run) == (460, 0)
    assert taken(run) == [says(active=40)]


def test_what_was_cancelled_by_hand_is_not_taken_again() -> None:
    run = begun()
    run.when(purchase("10", "D1"), add("500"))
    run.when(made(CancelTransfer, transfer_id=run.facts(UnitsEarned)[0].transfer_id))

    run.when(back("10", "R1"))

    assert held(run) == (500, 0)


def test_what_a_return_took_is_not_cancelled_by_hand_again() -> None:
    run = begun()
    run.when(two("D1"), add("500"), back("4", "R1"))
    lot = run.facts(UnitsEarned)[0].transfer_id

    run.when(made(CancelTransfer, transfer_id=lot))
    run.when(back("6", "R2"))

    assert run.rejections() == []
    assert held(run) == (500, 0)


def test_blocked_units_of_the_purchase_are_taken_before_others() -> None:
    run = begun()
    run.when(purchase("10", "D1"), made(BlockUnits, units=Decimal(70)), add("500"))

    run.when(back("10", "R1"))
    run.when(made(CancelTransfer, transfer_id=run.facts(UnitsBlocked)[0].transfer_id))

    assert taken(run) == [says(active=30, blocked=70)]
    assert wallet(run).blocked == 0
    assert held(run) == (500, 0)


def test_units_that_were_given_away_are_taken_from_others_and_the_receiver_keeps_them() -> None:
    run = begun()
    run.when(purchase("10", "D1"), made(TransferUnits, receiver_id=BORIS, units=Decimal(100)), add("60"))

    run.when(back("10", "R1"))

    assert held(run) == (0, 0)
    assert wallet(run, BORIS).available == 100
    assert taken(run) == [says(active=60, waived=40)]


def test_units_that_were_activated_by_hand_are_taken() -> None:
    run = begun(LOCKING)
    run.when(purchase("10", "D1"))
    run.when(made(ActivateUnits, transfer_id=run.facts(UnitsEarned)[0].transfer_id))

    run.when(back("10", "R1"))

    assert held(run) == (0, 0)


@pytest.mark.parametrize(("shortfall", "left"), [("waived", 100), ("debt", 30)])
def test_what_is_missing_is_waived_or_paid_by_the_next_units(shortfall: Shortfall, left: int) -> None:
    run = begun(return_shortfall=shortfall)
    run.when(purchase("10", "D1"), spend("70"), back("10", "R1"))
    assert taken(run) == [says(active=30, **{"owed" if shortfall == "debt" else "waived": 70})]
    assert wallet(run).owed == (70 if shortfall == "debt" else 0)

    run.when(add("40"), add("60"))

    assert held(run) == (left, 0)
    assert wallet(run).owed == 0
    assert all_of(run.facts(DebtPaid), "units") == ([40, 30] if shortfall == "debt" else [])


def test_a_debt_is_paid_when_locked_units_come_to_life_or_others_give_some() -> None:
    run = begun(replace(LOCKING, return_shortfall="debt"))
    run.when(purchase("10", "D1"))
    run.when(made(ActivateUnits, transfer_id=run.facts(UnitsEarned)[0].transfer_id), spend("100"))
    run.when(purchase("5", "D2"), back("10", "R1"))
    assert held(run) == (0, 50)

    run.at(NOON + 15 * DAY)
    assert held(run) == (0, 0)
    assert wallet(run).owed == 50
    run.when(replace(add("80", BORIS), issued_at=run.now))
    run.at(NOON + 30 * DAY)
    run.when(made(TransferUnits, BORIS, run.now, receiver_id=ANNA, units=Decimal(80)))

    assert held(run) == (30, 0)
    assert wallet(run).owed == 0


def test_each_wallet_gives_back_what_the_purchase_gave_there() -> None:
    gold = replace(WALLET_TYPE, wallet_type_id=uid(801), code="gold", is_default=False)
    second = Campaign(
        campaign_id=uid(704),
        name="Gold",
        effects=(Effect(type="give_points", points=Decimal(7), wallet="gold"),),
    )
    more = replace(TEN_A_DOLLAR, campaign_id=uid(705), points_per_currency_unit=Decimal(1))
    run = begun(wallets=(WALLET_TYPE, gold), campaigns=(TEN_A_DOLLAR, second, more))
    run.when(two("D1"))

    run.when(back("5", "R1"), back("5", "R2"))

    facts = run.facts(UnitsTakenBack)
    assert [(f.wallet, f.units) for f in facts] == 2 * [("default", 55), ("gold", Decimal("3.5"))]
    assert held(run) == (0, 0)


def test_documents_that_find_their_member_themselves_are_returned_alike() -> None:
    run = begun(LOCKING)
    run.when(register(uid(3), email="anna@example.com"))

    def recorded(number: str, amount: str, of: str | None = None) -> RecordTransaction:
        return made(
            RecordTransaction,
            document(number),
            document_number=number,
            purchased_at=NOON,
            items=purchase(amount, number).items,
            buyer=Buyer(email="anna@example.com"),
            document_type="return" if of else "sell",
            linked_document_number=of,
        )

    run.when(recorded("D1", "10"), recorded("R1", "10", "D1"), recorded("R2", "1", "D1"))

    assert taken(run) == [says(pending=100)]
    (refused,) = run.facts(TransactionUnmatched)
    assert (refused.document_number, refused.reason) == (
        "R2",
        "of 'CD' is more than the 0 left of purchase D1",
    )


def test_a_purchase_of_nothing_gives_its_units_back_once_every_piece_is_back() -> None:
    fixed = replace(
        TEN_A_DOLLAR,
        points_per_currency_unit=Decimal(0),
        effects=(Effect(type="give_points", points=Decimal(9)),),
    )
    run = begun(campaigns=(fixed,))
    run.when(replace(purchase("0", "D1"), items=pieces(("CD", 2, "0"))))

    run.when(back("0", "R1"))
    assert held(run) == (9, 0)
    run.when(back("0", "R2"))

    assert held(run) == (0, 0)
