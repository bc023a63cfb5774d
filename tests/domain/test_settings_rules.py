"""What a store may not set, in words that name the field and what would be valid."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from streams.domain.rules import Effect
from streams.domain.store import StoreSettings
from streams.domain.values import MAX_AMOUNT
from tests.domain.whole_store import FALLING, MONTHLY, WHOLE, campaign
from tests.samples import TEN_A_DOLLAR

RANGE = f"must lie between 0 and {MAX_AMOUNT}, with six decimals at most"
VOUCHER_TYPE = WHOLE.rewards[0]
WRONG = [
    Decimal("-0.01"),
    MAX_AMOUNT + 1,
    Decimal("0.1234567"),
    Decimal("NaN"),
    Decimal("Infinity"),
    Decimal("1E+40"),
]


def rewarding(**fields: Any) -> StoreSettings:
    return replace(WHOLE, rewards=(replace(VOUCHER_TYPE, **fields),))


def thresholds(least: Decimal) -> StoreSettings:
    tiers = (replace(FALLING.tiers[0], thresholds=(least,)),)
    return replace(WHOLE, tier_sets=(replace(FALLING, tiers=tiers),))


def giving(**fields: Any) -> StoreSettings:
    return replace(WHOLE, campaigns=(campaign(1, "transaction", Effect(type="give_points", **fields)),))


@pytest.mark.parametrize("amount", WRONG, ids=str)
def test_an_amount_that_no_schema_could_write_or_that_is_less_than_nothing_is_refused(
    amount: Decimal,
) -> None:
    fields = ("cost", "coupon_value", "price", "tax", "tax_price_value")
    wrong = {f"rewards[0].{field}": rewarding(**{field: amount}) for field in fields}
    wrong["campaigns[0].effects[0].points"] = giving(points=amount)
    wrong["campaigns[0].effects[0].points_per_currency_unit"] = giving(points_per_currency_unit=amount)
    wrong["tier_sets[0].tiers[0].thresholds[0]"] = thresholds(amount)
    short = replace(TEN_A_DOLLAR, points_per_currency_unit=amount)
    wrong["campaigns[0].points_per_currency_unit"] = replace(WHOLE, campaigns=(short,))

    for field, settings in wrong.items():
        with pytest.raises(ValueError, match="must lie between") as refused:
            settings.check()
        assert str(refused.value) == f"{field} {RANGE}"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (replace(WHOLE, campaigns=(TEN_A_DOLLAR, TEN_A_DOLLAR)), "campaigns: the campaign_ids must differ"),
        (replace(WHOLE, rewards=(VOUCHER_TYPE, VOUCHER_TYPE)), "rewards: the reward_ids must differ"),
        (
            replace(WHOLE, tier_sets=(FALLING, replace(MONTHLY, tier_set_id=FALLING.tier_set_id))),
            "tier_sets: the tier_set_ids must differ",
        ),
        (
            replace(WHOLE, tier_sets=(FALLING, replace(MONTHLY, tiers=FALLING.tiers))),
            "tier_sets: the level_ids of all sets must differ",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ids_by_which_members_entries_are_kept_must_differ(settings: StoreSettings, reason: str) -> None:
    with pytest.raises(ValueError, match="must differ") as refused:
        settings.check()

    assert str(refused.value) == reason


def test_a_store_in_which_everything_happens_is_in_order() -> None:
    WHOLE.check()
