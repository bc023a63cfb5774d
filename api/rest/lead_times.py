"""How long before an end members are told of it, as the contract's settings say it."""

from typing import Annotated

from msgspec.structs import replace
from pydantic import Field

from api.contract.fields import CODE_PATTERN, BodyModel, Days
from api.problems import Complaint, Invalid
from api.problems import shorten_json as quoted
from streams.domain.store import StoreSettings

LeadTimes = Annotated[list[Days], Field(max_length=20)]
DaysOrOff = Annotated[int, Field(ge=0, le=36_500)]
LeadTimeValue = DaysOrOff | LeadTimes | None
LEAD_TIME_FIELDS = {
    "expire_points_notification_days": "units_expiring_days",
    "expire_coupons_notification_days": "coupons_expiring_days",
    "expire_levels_notification_days": "tiers_expiring_days",
}
"""The contract's names, and those of the store's settings."""
DAYS_BY_WALLET = "expirePointsNotificationDaysByWallet"


class NotificationDays(BodyModel):
    """Days, or several of them; 0, none or null: members are not told. What is absent stays as it is."""

    expire_points_notification_days: LeadTimeValue = None
    expire_coupons_notification_days: LeadTimeValue = None
    expire_levels_notification_days: LeadTimeValue = None
    expire_points_notification_days_by_wallet: dict[
        Annotated[str, Field(pattern=CODE_PATTERN)], DaysOrOff | LeadTimes | None
    ] = Field(
        default_factory=dict,
        max_length=100,
        description="By the wallet's code, where one has days of its own; null: as the others have.",
    )


def with_lead_times(store: StoreSettings, body: NotificationDays) -> StoreSettings:
    """Raises Invalid for a wallet that is not there."""
    given = {
        LEAD_TIME_FIELDS[name]: _days(getattr(body, name))
        for name in body.model_fields_set & LEAD_TIME_FIELDS.keys()
    }
    own = body.expire_points_notification_days_by_wallet
    codes = [wallet.code for wallet in store.wallets]
    unknown = [
        Complaint(
            f"settings.{DAYS_BY_WALLET}.{code}",
            f"There is no wallet {quoted(code)}; valid: {', '.join(codes)}",
            "unknown",
        )
        for code in own
        if code not in codes
    ]
    if unknown:
        raise Invalid(*unknown)
    wallets = (
        replace(wallet, expiring_days=None if own[wallet.code] is None else _days(own[wallet.code]))
        if wallet.code in own
        else wallet
        for wallet in store.wallets
    )
    return replace(store, **given, wallets=tuple(wallets))


def _days(said: LeadTimeValue) -> tuple[int, ...]:
    if isinstance(said, int):
        return (said,) if said else ()
    return tuple(said or ())


def shown(store: StoreSettings) -> dict[str, object]:
    """One number where there is one, as in the contract."""
    values = {
        NotificationDays.model_fields[name].alias or name: _shown(getattr(store, field)) or None
        for name, field in LEAD_TIME_FIELDS.items()
    }
    own = {w.code: _shown(w.expiring_days) for w in store.wallets if w.expiring_days is not None}
    return values | ({DAYS_BY_WALLET: own} if own else {})


def _shown(days: tuple[int, ...]) -> int | list[int]:
    return days[0] if len(days) == 1 else list(days)
