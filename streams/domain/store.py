"""What a store sets: its wallets, campaigns, rewards, and how long before expiry a member is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Meta

from streams.domain.ids import derived_id
from streams.domain.values import MOST, UNIT, Code, Instant, Text, Uuid, Value

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

    def check(self) -> None:
        """Raises ValueError naming what does not fit together."""
        if self.time_zone not in available_timezones():
            raise ValueError(
                f"time_zone {self.time_zone!r} is no zone of the tz database, such as Europe/Warsaw"
            )
        codes = [wallet.code for wallet in self.wallets]
        if len(set(codes)) < len(codes):
            raise ValueError(f"wallets: the codes {codes} must differ")
        if sum(wallet.is_default and wallet.active for wallet in self.wallets) != 1:
            raise ValueError("wallets: exactly one active wallet must have is_default true")
        for index, campaign in enumerate(self.campaigns):
            self._check_wallet(f"campaigns[{index}].wallet", campaign.wallet)
            if campaign.points_per_currency_unit <= 0:
                raise ValueError(f"campaigns[{index}].points_per_currency_unit must be more than 0")
        for index, reward in enumerate(self.rewards):
            self._check_wallet(f"rewards[{index}].wallet", reward.wallet)
            if not 0 <= reward.cost <= MOST or reward.cost % UNIT:
                raise ValueError(
                    f"rewards[{index}].cost must lie between 0 and {MOST}, with six decimals at most"
                )

    def _check_wallet(self, field: str, code: str | None) -> None:
        if self.wallet(code) is None:
            raise ValueError(f"{field} {code!r} is none of {[w.code for w in self.wallets if w.active]}")

    def wallet(self, code: str | None) -> WalletType | None:
        """The active wallet type of that code; without a code, the default one."""
        for wallet in self.wallets:
            if wallet.active and (wallet.code == code or (code is None and wallet.is_default)):
                return wallet
        return None

    def wallet_type(self, code: str) -> WalletType:
        """The wallet type of that code, active or not. One that was removed from the settings still holds
        units, whose end must be told of: it is described by its code alone."""
        for wallet in self.wallets:
            if wallet.code == code:
                return wallet
        return WalletType(
            wallet_type_id=derived_id(self.store, "wallet-type", code),
            created_at=datetime.fromtimestamp(0, UTC),
            code=code,
            name=code,
            active=False,
            is_default=False,
        )

    def reward(self, reward_id: str) -> Reward | None:
        return next((r for r in self.rewards if r.active and r.reward_id == reward_id), None)

    def end_of_day(self, start: datetime, days: int) -> datetime:
        """The last 23:59:59 in the store's zone of the day that is `days` calendar days after `start`'s."""
        zone = ZoneInfo(self.time_zone)
        day = (start.astimezone(zone) + timedelta(days=days)).replace(
            hour=23, minute=59, second=59, microsecond=0, fold=1
        )
        return day.astimezone(UTC)

    def days_before(self, end: datetime, days: int) -> datetime:
        """The same time of day in the store's zone, `days` calendar days before `end`."""
        zone = ZoneInfo(self.time_zone)
        return (end.astimezone(zone) - timedelta(days=days)).astimezone(UTC)
