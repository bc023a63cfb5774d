"""A store's settings: wallets, tiers, campaigns, rewards and lead times."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Annotated, Literal
from zoneinfo import available_timezones

from msgspec import Meta

from streams.domain import identifiers
from streams.domain.calendar import Calendar
from streams.domain.ids import derived_id
from streams.domain.instants import INSTANT_RANGE, is_in_range
from streams.domain.rules import Campaign, Days
from streams.domain.text import find_text_flaw
from streams.domain.tier_set import MonthDay, Tier, TierSet
from streams.domain.values import MAX_AMOUNT, Code, Instant, Text, Uuid, Value, is_amount

_calendar = cache(Calendar)
RESERVED_CODES = {"admin", "token", "login", "logout", "static", ".", ".."}
"""Codes that no store may have: path segments of the API and the panel, and relative paths."""
# Cached, as each call reads the disk.
_zones = cache(available_timezones)
LeadTimes = Annotated[tuple[Days, ...], Meta(max_length=20)]


class WalletLabel(Value):
    """The name and units of a wallet type, as webhooks show them."""

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


class WalletType(WalletLabel):
    """The rules of a wallet type.

    Units expire at the end of a day: `expires_after_days` after they become spendable, or as `expiry` says:
    at the end of that month, of the year `expires_after_years` later, or of the next `expires_on`. Without
    any of these they never expire. `locked_for_days` is how long they are pending first. `spending_order`
    applies to units earned after its change.
    """

    expiry: (
        Literal[
            "all_time_active",
            "after_x_days",
            "at_the_end_of_the_month",
            "at_the_end_of_the_x_th_year",
            "at_the_end_of_the_chosen_date",
        ]
        | None
    ) = None
    expires_after_years: Annotated[int, Meta(ge=0, le=100)] = 0
    expires_on: MonthDay | None = None
    locked_for_days: Days | None = None
    expiring_days: LeadTimes | None = None
    """Lead times of its units in days; empty: off; None: the store's."""
    spending_order: Literal["earliest_expiring", "oldest_created"] = "earliest_expiring"

    def problems(self) -> Iterator[str]:
        """What is wrong with it, each beginning with the field."""
        if self.expiry == "after_x_days" and self.expires_after_days is None:
            yield "expires_after_days must be given for expiry 'after_x_days'"
        if self.expiry == "at_the_end_of_the_chosen_date" and self.expires_on is None:
            yield "expires_on must be a month and day such as '08-24'"

    def expires_at(self, start: datetime, calendar: Calendar) -> datetime | None:
        """When units that are spendable from `start` on expire, or None."""
        match self.expiry:
            case "all_time_active":
                return None
            case "at_the_end_of_the_month":
                return calendar.end_of_month(start)
            case "at_the_end_of_the_x_th_year":
                return calendar.end_of_year(start, self.expires_after_years)
            case "at_the_end_of_the_chosen_date" if self.expires_on:
                return calendar.next_end_of_day(start, self.expires_on)
            case _:
                days = self.expires_after_days
                return calendar.end_of_day(start, days) if days else None


class Reward(Value):
    """A reward of the catalogue. It has a coupon unless `coupon_value` is None."""

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
    price: Decimal | None = None
    tax: Decimal | None = None
    tax_price_value: Decimal | None = None


class StoreSettings(Value):
    """A store's settings. Key of its record: the store's code.

    Lead times are in days; empty means off. Events before `quiet_before` have no webhooks. `phone_region` is
    the ISO 3166 code of the country whose phone numbers may lack the +. `card_pattern` is a regular
    expression for a whole card number. `return_shortfall` says what happens if a member has spent units that
    a return should take. `campaign_time` selects the time that a campaign's dates are compared with.
    `revision` grows by one with each accepted change.
    """

    store: Code
    wallets: tuple[WalletType, ...]
    time_zone: Text = "UTC"
    campaigns: Annotated[tuple[Campaign, ...], Meta(max_length=1000)] = ()
    rewards: tuple[Reward, ...] = ()
    units_expiring_days: LeadTimes = ()
    coupons_expiring_days: LeadTimes = ()
    tiers_expiring_days: LeadTimes = ()
    tier_sets: tuple[TierSet, ...] = ()
    quiet_before: Instant | None = None
    phone_region: Text | None = None
    card_pattern: Text | None = None
    return_shortfall: Literal["waived", "debt"] = "waived"
    campaign_time: Literal["event", "processing"] = "event"
    revision: Annotated[int, Meta(ge=0)] = 0

    def check(self) -> None:
        """Raises ValueError, naming settings that contradict each other."""
        if self.store.lower() in RESERVED_CODES:
            raise ValueError(f"store {self.store!r} is not valid: addresses of the API or the panel begin so")
        if self.time_zone not in _zones():
            raise ValueError(
                f"time_zone {self.time_zone!r} is no zone of the tz database, such as Europe/Warsaw"
            )
        codes = [wallet.code for wallet in self.wallets]
        if len(set(codes)) < len(codes):
            raise ValueError(f"wallets: the codes {codes} must differ")
        if sum(wallet.is_default and wallet.active for wallet in self.wallets) != 1:
            raise ValueError("wallets: exactly one active wallet must have is_default true")
        identifiers.require_rules(self.identifier_rules)
        for problem in chain(_value_problems(self, ""), self._duplicate_ids(), self._contradictions()):
            raise ValueError(problem)

    def _duplicate_ids(self) -> Iterator[str]:
        """Duplicate ids: members' entries are stored by them, and two things with one id would share
        entries."""
        groups = {
            "campaigns: the campaign_ids": [c.campaign_id for c in self.campaigns],
            "rewards: the reward_ids": [r.reward_id for r in self.rewards],
            "tier_sets: the tier_set_ids": [t.tier_set_id for t in self.tier_sets],
            "tier_sets: the level_ids of all sets": [t.level_id for s in self.tier_sets for t in s.tiers],
        }
        for name, ids in groups.items():
            if len(set(ids)) < len(ids):
                yield f"{name} must differ"

    def _contradictions(self) -> Iterator[str]:
        groups: dict[str, Sequence[WalletType | Campaign | TierSet]] = {
            "wallets": self.wallets,
            "campaigns": self.campaigns,
            "tier_sets": self.tier_sets,
        }
        for group, parts in groups.items():
            for index, part in enumerate(parts):
                yield from (f"{group}[{index}].{problem}" for problem in part.problems())
        yield from self._unknown_references()

    def _unknown_references(self) -> Iterator[str]:
        """References to wallets and rewards that do not exist."""
        for i, campaign in enumerate(self.campaigns):
            yield from self._unknown_wallets(f"campaigns[{i}]", campaign.wallet)
            for j, effect in enumerate(campaign.effects):
                yield from self._unknown_wallets(f"campaigns[{i}].effects[{j}]", effect.wallet)
                if effect.type == "give_reward" and not any(
                    r.reward_id == effect.reward_id for r in self.rewards
                ):
                    yield f"campaigns[{i}].effects[{j}].reward_id {effect.reward_id!r} is none of rewards"
        for i, tiers in enumerate(self.tier_sets):
            for j, condition in enumerate(tiers.conditions):
                yield from self._unknown_wallets(f"tier_sets[{i}].conditions[{j}]", condition.wallet)
        for i, reward in enumerate(self.rewards):
            yield from self._unknown_wallets(f"rewards[{i}]", reward.wallet)

    def _unknown_wallets(self, place: str, code: str | None) -> Iterator[str]:
        if self.wallet(code) is None:
            yield f"{place}.wallet {code!r} is none of {[w.code for w in self.wallets if w.active]}"

    def has_webhooks_for(self, occurred_at: datetime) -> bool:
        return self.quiet_before is None or occurred_at >= self.quiet_before

    def wallet(self, code: str | None) -> WalletType | None:
        """The active wallet type of that code, or the default one without a code."""
        for wallet in self.wallets:
            if wallet.active and (wallet.code == code or (code is None and wallet.is_default)):
                return wallet
        return None

    def wallet_type(self, code: str) -> WalletType:
        """The wallet type of that code, active or not. A type that was removed from the settings may still
        hold units whose expiry must be announced: it is described by its code alone."""
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

    def tier_set(self, tier_set_id: str) -> TierSet | None:
        """The tier set of that id, active or not."""
        return next((tiers for tiers in self.tier_sets if tiers.tier_set_id == tier_set_id), None)

    def tier(self, level_id: str) -> tuple[TierSet, Tier] | None:
        """The tier of that id in an active set."""
        for tiers in self.tier_sets:
            position = tiers.position(level_id)
            if tiers.active and position >= 0:
                return tiers, tiers.tiers[position]
        return None

    def units_lead_times(self, code: str) -> tuple[int, ...]:
        """The lead times, in days, of the wallet type of that code."""
        own = self.wallet_type(code).expiring_days
        return self.units_expiring_days if own is None else own

    @property
    def identifier_rules(self) -> identifiers.Rules:
        """The rules for reading phone numbers and card numbers."""
        return identifiers.Rules(self.phone_region, self.card_pattern)

    @property
    def calendar(self) -> Calendar:
        return _calendar(self.time_zone)


def _value_problems(part: object, path: str) -> Iterator[str]:
    """Yields amounts that are negative or exceed the schema, texts with control characters, and instants out
    of range; each text begins with the field."""
    match part:
        case datetime():
            if not is_in_range(part):
                yield f"{path} {part.isoformat()} {INSTANT_RANGE}"
        case Decimal():
            if not is_amount(part):
                yield f"{path} must lie between 0 and {MAX_AMOUNT}, with six decimals at most"
        case str() if problem := find_text_flaw(part):
            yield f"{path} {problem}"
        case Value():
            for name in part.__struct_fields__:
                yield from _value_problems(getattr(part, name), f"{path}.{name}" if path else name)
        case tuple():
            for index, each in enumerate(part):
                yield from _value_problems(each, f"{path}[{index}]")
        case _:
            pass
