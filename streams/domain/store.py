"""What a store sets: its wallets, campaigns, rewards, and how long before expiry a member is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta

from streams.domain.values import Code, Instant, Text, Uuid, Value

Days = Annotated[int, Meta(ge=1, le=36_500)]


class WalletType(Value):
    """A currency of the programme. `expires_after_days` None: its units never expire."""

    wallet_type_id: Uuid
    created_at: Instant
    code: Code = "default"
    name: Text = "Points"
    unit_singular_name: Text = "point"
    unit_plural_name: Text = "points"
    active: bool = True
    is_default: bool = True
    expires_after_days: Days | None = None
    allow_negative_balance: bool = False


class Campaign(Value):
    """Gives `points_per_currency_unit` for each unit of money that a transaction is worth."""

    campaign_id: Uuid
    name: Text
    points_per_currency_unit: Decimal
    trigger: Literal["transaction"] = "transaction"
    active: bool = True
    wallet: Code | None = None
    expires_after_days: Days | None = None


class Reward(Value):
    """An offer of the catalogue. A coupon comes with it unless `coupon_value` is None."""

    reward_id: Uuid
    name: Text
    cost: Decimal
    reward_type: Literal["static_coupon", "dynamic_coupon", "conversion_coupon", "material"] = (
        "dynamic_coupon"
    )
    active: bool = True
    wallet: Code | None = None
    coupon_value: Decimal | None = None
    coupon_value_type: Literal["money", "percentage"] = "money"
    days_inactive: Annotated[int, Meta(ge=0, le=36_500)] = 0
    days_valid: Days | None = None


class StoreSettings(Value):
    """Key of its record: the store's code. The lead times are days; empty means off."""

    store: Code
    wallets: tuple[WalletType, ...]
    time_zone: Text = "UTC"
    campaigns: tuple[Campaign, ...] = ()
    rewards: tuple[Reward, ...] = ()
    units_expiring_days: tuple[Days, ...] = ()
    coupons_expiring_days: tuple[Days, ...] = ()
    tiers_expiring_days: tuple[Days, ...] = ()

    def wallet(self, code: str | None) -> WalletType | None:
        """The active wallet type of that code; without a code, the default one."""
        for wallet in self.wallets:
            if wallet.active and (wallet.code == code or (code is None and wallet.is_default)):
                return wallet
        return None

    def reward(self, reward_id: str) -> Reward | None:
        return next((r for r in self.rewards if r.active and r.reward_id == reward_id), None)

    def end_of_day(self, start: datetime, days: int) -> datetime:
        """23:59:59 in the store's zone, `days` calendar days after the day of `start`."""
        zone = ZoneInfo(self.time_zone)
        day = (start.astimezone(zone) + timedelta(days=days)).replace(
            hour=23, minute=59, second=59, microsecond=0, fold=0
        )
        return day.astimezone(UTC)

    def days_before(self, end: datetime, days: int) -> datetime:
        """The same time of day in the store's zone, `days` calendar days before `end`."""
        zone = ZoneInfo(self.time_zone)
        return (end.astimezone(zone) - timedelta(days=days)).astimezone(UTC)
