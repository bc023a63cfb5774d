"""How long before an end members are told of it, as the contract's settings say it."""

from typing import Annotated

from msgspec.structs import replace
from pydantic import Field

from api.fields import Days, Model
from streams.domain.store import StoreSettings

LeadTimes = Annotated[list[Days], Field(max_length=20)]
FIELDS = {
    "expire_points_notification_days": "units_expiring_days",
    "expire_coupons_notification_days": "coupons_expiring_days",
    "expire_levels_notification_days": "tiers_expiring_days",
}
"""The contract's names, and those of the store's settings."""


class NotificationDays(Model):
    """Days, or several of them; null: members are not told. What is absent stays as it is."""

    expire_points_notification_days: Days | LeadTimes | None = None
    expire_coupons_notification_days: Days | LeadTimes | None = None
    expire_levels_notification_days: Days | LeadTimes | None = None


def changed(store: StoreSettings, body: NotificationDays) -> StoreSettings:
    given = body.model_fields_set
    return replace(store, **{FIELDS[name]: _days(getattr(body, name)) for name in given})


def _days(said: int | list[int] | None) -> tuple[int, ...]:
    if said is None:
        return ()
    return (said,) if isinstance(said, int) else tuple(said)


def shown(store: StoreSettings) -> dict[str, int | list[int] | None]:
    """One number where there is one, as in the contract."""
    values = {name: getattr(store, field) for name, field in FIELDS.items()}
    return {
        NotificationDays.model_fields[name].alias or name: days[0] if len(days) == 1 else list(days) or None
        for name, days in values.items()
    }
