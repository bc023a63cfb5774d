"""The store in which all scenarios happen."""

from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from streams.domain.rules import Campaign, Condition, Effect
from streams.domain.store import WalletType
from streams.domain.tier_set import Tier, TierCondition, TierSet
from streams.domain.values import Attribute
from tests.samples import SETTINGS as PLAIN
from tests.samples import TEN_A_DOLLAR, VOUCHER, uid

BRONZE, SILVER, GOLD = uid(951), uid(952), uid(953)
STATUS = TierSet(
    tier_set_id=uid(950),
    name="Status",
    conditions=(TierCondition(condition_id=uid(954), measure="active_units"),),
    tiers=(
        Tier(level_id=BRONZE, name="Bronze", thresholds=(Decimal(0),)),
        Tier(level_id=SILVER, name="Silver", thresholds=(Decimal(1000),)),
        Tier(level_id=GOLD, name="Gold", thresholds=(Decimal(5000),)),
    ),
    downgrade="periodic",
    period="annual_recalculation_on_chosen_dates",
    recalculation_dates=("05-01",),
)
MILES = WalletType(
    wallet_type_id=uid(801),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    code="miles",
    name="Miles",
    is_default=False,
    expiry="at_the_end_of_the_month",
)
WELCOME = Campaign(
    campaign_id=uid(701),
    name="Welcome",
    trigger="internal_event",
    event="CustomerRegistered",
    conditions=(Condition(subject="member_attribute", name="club", operator="is", values=("yes",)),),
    effects=(Effect(type="give_points", points=Decimal(5), expiry="never_expires"),),
)
BACK = Campaign(
    campaign_id=uid(702),
    name="Ten a dollar back",
    trigger="return_transaction",
    effects=(Effect(type="deduct_unit", points_per_currency_unit=Decimal(10)),),
)
REVIEW = Campaign(
    campaign_id=uid(703),
    name="Thanks for the review",
    trigger="custom_event",
    event="review",
    conditions=(Condition(subject="event_attribute", name="stars", operator="at_least", values=("4",)),),
    effects=(
        Effect(type="give_reward", reward_id=VOUCHER),
        Effect(type="assign_member_custom_attribute", attribute=Attribute(key="critic", value="yes")),
    ),
)
SETTINGS = replace(
    PLAIN,
    wallets=(*PLAIN.wallets, MILES),
    campaigns=(TEN_A_DOLLAR, WELCOME, BACK, REVIEW),
    tier_sets=(STATUS,),
    coupons_expiring_days=(5,),
    tiers_expiring_days=(10,),
)
