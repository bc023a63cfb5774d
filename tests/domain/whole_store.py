"""A store in which everything happens: two wallets, three tier sets, campaigns that give and take."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from streams.domain.rules import Campaign, Effect
from streams.domain.store import StoreSettings
from streams.domain.tier_set import Measure, Tier, TierCondition, TierSet
from streams.domain.values import Attribute, TriggerType
from tests.samples import SETTINGS, TEN_A_DOLLAR, VOUCHER, WALLET_TYPE, uid

GOLD = replace(
    WALLET_TYPE,
    wallet_type_id=uid(801),
    code="gold",
    is_default=False,
    expires_after_days=20,
    spending_order="oldest_created",
)


def tiers(number: int, measure: Measure, steps: tuple[int, ...], **fields: Any) -> TierSet:
    """A tier of `uid(number + 1)` and on for each step."""
    return TierSet(
        tier_set_id=uid(number),
        name=measure,
        conditions=(TierCondition(condition_id=uid(number + 50), measure=measure),),
        tiers=tuple(
            Tier(level_id=uid(number + 1 + i), name=f"{measure} {least}", thresholds=(Decimal(least),))
            for i, least in enumerate(steps)
        ),
        **fields,
    )


FALLING = tiers(100, "active_units", (0, 50, 200), downgrade="automatic")
MONTHLY = tiers(
    200,
    "cumulated_earned_units",
    (0, 100, 300),
    downgrade="periodic",
    period="recalculation_every_month_after_tier_promotion",
    recalculation_months=1,
)
JOINED = tiers(
    300, "months_since_joining", (0, 1, 3), downgrade="periodic", period="registration_anniversary"
)
TIER_SETS = (FALLING, MONTHLY, JOINED)


def campaign(number: int, trigger: TriggerType, *effects: Effect, **fields: Any) -> Campaign:
    return Campaign(
        campaign_id=uid(700 + number), name=f"{trigger} {number}", trigger=trigger, effects=effects, **fields
    )


WHOLE: StoreSettings = replace(
    SETTINGS,
    wallets=(WALLET_TYPE, GOLD),
    campaigns=(
        TEN_A_DOLLAR,
        campaign(1, "return_transaction", Effect(type="deduct_unit", points_per_currency_unit=Decimal(10))),
        campaign(
            2,
            "custom_event",
            Effect(type="give_points", points=Decimal(30), wallet="gold", locked_for_days=2),
            Effect(type="give_reward", reward_id=VOUCHER),
            Effect(type="assign_member_custom_attribute", attribute=Attribute(key="seen", value="yes")),
            event="visit",
            per_member_limit=3,
        ),
        campaign(
            3,
            "internal_event",
            Effect(type="give_points", points=Decimal(5)),
            event="CustomerRegistered",
        ),
    ),
    units_expiring_days=(10, 3),
    coupons_expiring_days=(7, 1),
    tiers_expiring_days=(14, 2),
    tier_sets=TIER_SETS,
)
