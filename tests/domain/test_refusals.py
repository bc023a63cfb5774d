"""What is refused, in words that name the field, the value and what would be valid; and what is not."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.domain.commands import Command, RegisterTransaction
from streams.domain.events import RewardBought, TransactionRecorded, UnitsEarned, UnitsSpent
from streams.domain.values import MAX_AMOUNT
from tests.driver import Pipeline, all_of, instant
from tests.samples import (
    ANNA,
    BORIS,
    NOON,
    SETTINGS,
    STORE,
    TEN_A_DOLLAR,
    VOUCHER,
    WALLET_TYPE,
    add,
    buy,
    purchase,
    register,
    spend,
    uid,
)

VOUCHER_TYPE = SETTINGS.rewards[0]
RANGE = f"must be more than 0 and at most {MAX_AMOUNT}, with at most six decimals"


def with_anna(*, units: str = "100") -> Pipeline:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), add(units))
    return run


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (add("0"), f"units 0 {RANGE}"),
        (add("-5"), f"units -5 {RANGE}"),
        (add(f"{MAX_AMOUNT}.000001"), f"units {MAX_AMOUNT}.000001 {RANGE}"),
        (add(str(MAX_AMOUNT)), f"units {MAX_AMOUNT} would lift wallet 'default' above {MAX_AMOUNT}"),
        (spend("0"), f"units 0 {RANGE}"),
        (spend("-5"), f"units -5 {RANGE}"),
        (spend("100.000001"), "units 100.000001 is more than the 100 available in wallet 'default'"),
        (
            replace(spend("1"), wallet="gold"),
            "wallet gold is no active wallet of store 'DEFAULT'; it has 'default'",
        ),
        (
            replace(add("1"), wallet="gold"),
            "wallet gold is no active wallet of store 'DEFAULT'; it has 'default'",
        ),
        (buy(reward_id=uid(1)), f"reward_id {uid(1)} is no active reward of store 'DEFAULT'"),
        (buy(quantity=2), "cost 200 is more than the 100 available in wallet 'default'"),
        (register(), f"member_id {ANNA} is already registered in store 'DEFAULT'"),
        (add("1", BORIS), f"member_id {BORIS} is not registered in store 'DEFAULT'"),
        (spend("1", BORIS), f"member_id {BORIS} is not registered in store 'DEFAULT'"),
        (buy(BORIS), f"member_id {BORIS} is not registered in store 'DEFAULT'"),
        (purchase("1", "X", BORIS), f"member_id {BORIS} is not registered in store 'DEFAULT'"),
        (
            replace(purchase("1", "X"), items=()),
            "items [] must hold at least one item",
        ),
        (
            purchase("-1", "X"),
            f"items[0].gross_value -1.000000 must lie between 0 and {MAX_AMOUNT}, with at most six decimals",
        ),
    ],
)
def test_a_refusal_names_the_field_the_value_and_what_is_valid(command: Command, reason: str) -> None:
    run = with_anna()

    run.when(command)

    assert run.rejections() == [reason]
    assert len(run.log["events"]) == 2


def test_a_purchase_of_more_than_an_amount_holds_is_refused_whole() -> None:
    run = with_anna()
    (item,) = purchase(str(MAX_AMOUNT), "X").items

    run.when(replace(purchase("1", "X"), items=(item, item)))

    assert run.rejections() == [f"items {2 * MAX_AMOUNT}.000000 sum to more than {MAX_AMOUNT}"]
    assert run.facts(TransactionRecorded) == []


def test_a_document_number_is_taken_once_in_the_store_whichever_member_comes_with_it() -> None:
    run = with_anna()
    run.when(register(BORIS), purchase("1", "CD-1"))
    (first,) = run.facts(TransactionRecorded)

    run.when(purchase("2", "CD-1"), purchase("3", "CD-1", BORIS), purchase("4", "CD-2", BORIS))

    assert run.rejections() == [
        f"document_number CD-1 is already registered, as transaction {first.transaction_id}",
        "document_number CD-1 is already registered in store 'DEFAULT', as another purchase",
    ]
    assert all_of(run.facts(TransactionRecorded), "member_id") == [ANNA, BORIS]


def test_what_a_wallet_cannot_take_does_not_refuse_the_purchase() -> None:
    run = with_anna()

    run.when(purchase(str(MAX_AMOUNT), "X"))

    assert run.rejections() == []
    assert all_of(run.facts(TransactionRecorded), "gross_value") == [MAX_AMOUNT]
    assert len(run.facts(UnitsEarned)) == 1


def test_a_campaign_that_promises_more_than_can_be_written_gives_nothing() -> None:
    boundless = replace(TEN_A_DOLLAR, points_per_currency_unit=MAX_AMOUNT)
    run = Pipeline(replace(SETTINGS, campaigns=(boundless,)), now=NOON)

    run.when(register(), purchase(str(MAX_AMOUNT), "X"))

    assert len(run.facts(TransactionRecorded)) == 1
    assert run.facts(UnitsEarned) == []


def test_a_campaign_gives_down_to_the_sixth_decimal_and_never_more_than_promised() -> None:
    third = replace(TEN_A_DOLLAR, points_per_currency_unit=Decimal("0.333333"))
    run = Pipeline(replace(SETTINGS, campaigns=(third,)), now=NOON)

    run.when(register(), purchase("0.99", "A"), purchase("0.000001", "B"))

    assert all_of(run.facts(UnitsEarned), "units") == [Decimal("0.329999")]


def test_campaigns_give_in_the_stores_order_and_only_active_ones() -> None:
    campaigns = tuple(
        replace(TEN_A_DOLLAR, campaign_id=uid(700 + n), points_per_currency_unit=Decimal(n), active=n != 2)
        for n in (3, 2, 1)
    )
    run = Pipeline(replace(SETTINGS, campaigns=campaigns), now=NOON)

    run.when(register(), purchase("1", "A"))

    assert all_of(run.facts(UnitsEarned), "units") == [3, 1]


def test_a_return_earns_nothing() -> None:
    run = with_anna()
    sale = purchase("10", "R-1")
    assert isinstance(sale, RegisterTransaction)

    run.when(replace(sale, document_type="return"))

    assert all_of(run.facts(TransactionRecorded), "document_type") == ["return"]
    assert len(run.facts(UnitsEarned)) == 1


def test_a_refused_command_can_be_sent_anew_once_its_reason_is_gone() -> None:
    run = with_anna(units="50")
    run.when(buy())

    run.when(add("50"), buy())

    assert len(run.rejections()) == 1
    assert len(run.facts(RewardBought)) == 1


def test_an_inactive_reward_cannot_be_bought() -> None:
    run = with_anna()
    run.settings[STORE] = replace(SETTINGS, rewards=(replace(VOUCHER_TYPE, active=False),))

    run.when(buy())

    assert run.rejections() == [f"reward_id {VOUCHER} is no active reward of store 'DEFAULT'"]


def test_a_reward_bought_several_times_is_paid_for_and_issued_as_often() -> None:
    run = with_anna(units="350")

    run.when(buy(quantity=3))

    bought, spent = run.facts(RewardBought), run.facts(UnitsSpent)
    assert all_of(spent, "units") == [100, 100, 100]
    assert all_of(bought, "transfer_id") == all_of(spent, "transfer_id")
    assert len({b.coupon.code for b in bought if b.coupon}) == 3


def test_a_coupon_starts_after_its_inactive_days_and_lasts_from_then_on() -> None:
    run = with_anna()
    late = replace(VOUCHER_TYPE, days_inactive=3)
    run.settings[STORE] = replace(SETTINGS, rewards=(late,), time_zone="Europe/Warsaw")

    run.when(buy())

    (bought,) = run.facts(RewardBought)
    assert bought.coupon is not None
    assert bought.coupon.active_from == instant("2026-03-05T12:00:00")
    # 30 days on, the clocks have gone forward.
    assert bought.coupon.active_to == instant("2026-04-04T21:59:59")


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"days_valid": None}, lambda b: b.coupon.active_to is None),
        ({"coupon_value": None}, lambda b: b.coupon is None),
        ({"cost": Decimal(0)}, lambda b: b.transfer_id is None and b.cost == 0),
    ],
    ids=["valid for ever", "no coupon", "free"],
)
def test_a_reward_may_be_for_ever_without_a_coupon_or_free(
    change: dict[str, object], check: Callable[[RewardBought], bool]
) -> None:
    run = with_anna()
    run.settings[STORE] = replace(SETTINGS, rewards=(replace(VOUCHER_TYPE, **change),))

    run.when(buy())

    (bought,) = run.facts(RewardBought)
    assert check(bought)


def test_points_that_end_sooner_are_spent_first_though_they_were_earned_later() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), add("1", expires_in_days=60))
    run.at(instant("2026-03-05"))
    run.when(add("1", expires_in_days=12))
    long, short = run.facts(UnitsEarned)

    run.when(spend("2"))

    (spent,) = run.facts(UnitsSpent)
    assert all_of(spent.draws, "lot_id") == [short.transfer_id, long.transfer_id]


@pytest.mark.parametrize(
    ("now", "refused"),
    [("2026-03-11T23:59:58.999999", []), ("2026-03-11T23:59:59", ["units 1 is more than the 0 available"])],
)
def test_points_can_be_spent_up_to_the_last_second_of_their_day_and_not_in_it(
    now: str, refused: list[str]
) -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), add("1", expires_in_days=9))
    run.now = instant(now)

    run.when(spend("1"))

    assert [reason.split(" in wallet")[0] for reason in run.rejections()] == refused


def test_points_that_never_expire_are_spent_last_and_ties_go_by_lot_id() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), add("1"), add("1", expires_in_days=9), add("1", expires_in_days=9))
    forever, *same = run.facts(UnitsEarned)

    run.when(spend("3"))

    (spent,) = run.facts(UnitsSpent)
    assert all_of(spent.draws, "lot_id") == [*sorted(all_of(same, "transfer_id")), forever.transfer_id]


def test_wallets_keep_their_units_apart() -> None:
    gold = replace(WALLET_TYPE, wallet_type_id=uid(801), code="default-gold", is_default=False)
    run = Pipeline(replace(SETTINGS, wallets=(WALLET_TYPE, gold)), now=NOON)

    run.when(register(), add("5"), replace(add("9"), wallet="default-gold"), spend("6"))
    run.when(replace(spend("6"), wallet="default-gold"))

    assert run.rejections() == ["units 6 is more than the 5 available in wallet 'default'"]
    assert [(s.wallet, s.units) for s in run.facts(UnitsSpent)] == [("default-gold", Decimal(6))]
