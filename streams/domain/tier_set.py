"""The settings of tier sets: tiers in ascending order, with the conditions to reach them."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from streams.domain.values import Code, Text, Uuid, Value

MonthDay = Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")]
Measure = Literal[
    "active_units",
    "total_earned_units",
    "cumulated_earned_units",
    "total_spending",
    "months_since_joining",
]


class TierCondition(Value):
    """What is measured. Units are those of the given wallet, or of the default one; `cumulated_earned_units`
    are counted from the last recalculation; money is purchases less returns."""

    condition_id: Uuid
    measure: Measure
    wallet: Code | None = None


class Tier(Value):
    """`thresholds` are the minimum values for the set's conditions, in their order. All must be reached."""

    level_id: Uuid
    name: Text
    thresholds: tuple[Decimal, ...]


class TierSet(Value):
    """Tiers from the lowest to the highest. A higher tier is reached at once; `downgrade` says when a member
    falls: never, at once, or at the end of a period. `recalculation_dates` are month and day, such as
    `07-01`."""

    tier_set_id: Uuid
    name: Text
    conditions: Annotated[tuple[TierCondition, ...], Meta(min_length=1, max_length=10)]
    tiers: Annotated[tuple[Tier, ...], Meta(min_length=1, max_length=50)]
    active: bool = True
    downgrade: Literal["none", "automatic", "periodic"] = "none"
    period: (
        Literal[
            "registration_anniversary",
            "annual_recalculation_on_chosen_dates",
            "recalculation_every_month_after_tier_promotion",
        ]
        | None
    ) = None
    recalculation_dates: Annotated[tuple[MonthDay, ...], Meta(max_length=12)] = ()
    recalculation_months: Annotated[int, Meta(ge=1, le=120)] | None = None

    def position(self, level_id: str | None) -> int:
        """The tier's position, 0 for the lowest; -1 for None and for a tier that was removed."""
        return next((i for i, tier in enumerate(self.tiers) if tier.level_id == level_id), -1)

    def problems(self) -> Iterator[str]:
        """What is wrong with it, each beginning with the field."""
        ids = [tier.level_id for tier in self.tiers]
        if len(set(ids)) < len(ids):
            yield "tiers: the level_ids must differ"
        for index, tier in enumerate(self.tiers):
            if len(tier.thresholds) != len(self.conditions):
                yield f"tiers[{index}].thresholds must be {len(self.conditions)}, one for each condition"
            elif index and any(
                low > high
                for low, high in zip(self.tiers[index - 1].thresholds, tier.thresholds, strict=False)
            ):
                yield f"tiers[{index}].thresholds must not be lower than those of the tier below"
        if (self.downgrade == "periodic") != (self.period is not None):
            yield f"period must be given for downgrade 'periodic' and for no other, not {self.downgrade!r}"
        if self.period == "annual_recalculation_on_chosen_dates" and not self.recalculation_dates:
            yield "recalculation_dates must hold at least one month and day, such as '07-01'"
        if self.period == "recalculation_every_month_after_tier_promotion" and not self.recalculation_months:
            yield "recalculation_months must be 1 or more"
        for date in self.recalculation_dates:
            if not _is_month_day(date):
                yield f"recalculation_dates {date!r} is a day of no year"


def _is_month_day(month_day: str) -> bool:
    try:
        datetime.strptime(f"2000-{month_day}+0000", "%Y-%m-%d%z")
    except ValueError:
        return False
    return True
