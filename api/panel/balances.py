"""What a member has, as a page shows it: wallets, lots by their end, what is out of reach, tiers, coupons."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice

from api.contract.listing import MAX_PAGES
from api.contract.member_bodies import wallet_codes
from api.panel.charts import BarChart, bar_chart
from streams.domain.coupon import VOID_STATUSES
from streams.domain.ledger import get_account
from streams.domain.state import Account, IssuedReward, Lot, State
from streams.domain.store import StoreSettings, WalletType
from streams.domain.tier import get_standing, measure_progress
from streams.domain.tier_set import Measure, TierSet

MAX_DAYS_BY_DAY = 45
"""What ends within them is shown by day, all else by month."""
MAX_MONTHS = 24
MAX_SERIES = 3
MEASURE_TEXTS: dict[Measure, str] = {
    "active_units": "Units that can be spent",
    "total_earned_units": "Units earned so far",
    "cumulated_earned_units": "Units earned in this period",
    "total_spending": "Money spent",
    "months_since_joining": "Months as a member",
}


@dataclass(frozen=True, slots=True)
class WalletBalance:
    type: WalletType
    sums: Account


@dataclass(frozen=True, slots=True)
class TierStep:
    """How far the member is on the way to the next tier; `least` None: there is no higher one."""

    label: str
    value: Decimal
    least: Decimal | None


@dataclass(frozen=True, slots=True)
class TierProgress:
    tier_set: str
    tier: str | None
    next: str | None
    since: datetime | None
    by_hand: bool
    recalculated_at: datetime | None
    steps: tuple[TierStep, ...]


def wallet_balances(state: State, store: StoreSettings) -> list[WalletBalance]:
    return [
        WalletBalance(store.wallet_type(code), get_account(state, code))
        for code in wallet_codes(state, store)
    ]


def open_lots(state: State) -> list[Lot]:
    """What is left, in the order in which it ends; of 10,000 lots at most."""
    return sorted(islice(state.scan(Lot), MAX_PAGES), key=lambda lot: (*_end(lot.expires_at), lot.lot_id))


def _end(moment: datetime | None) -> tuple[bool, float]:
    return moment is None, moment.timestamp() if moment else 0.0


def expiry_chart(held: Sequence[Lot], store: StoreSettings, now: datetime) -> BarChart | None:
    """What expires when, in whole units, a bar for each wallet; None where nothing ever does."""
    ends = [(store.calendar.day(lot.expires_at), lot) for lot in held if lot.expires_at]
    if not ends:
        return None
    today = store.calendar.day(now)
    places = list(_places(today, max(day for day, _ in ends)))
    codes = list(dict.fromkeys(lot.wallet for _, lot in ends))
    series = codes if len(codes) <= MAX_SERIES else codes[: MAX_SERIES - 1]
    names = [store.wallet_type(code).name for code in series]
    sums = {name: [Decimal(0)] * len(places) for name in [*series, ""]}
    columns = {label: n for n, label in enumerate(places)}
    for day, lot in ends:
        column = columns.get(_place(max(day, today), places), len(places) - 1)
        sums[lot.wallet if lot.wallet in series else ""][column] += lot.remaining
    rows = [sums[code] for code in series]
    if len(series) < len(codes):
        rows, names = [*rows, sums[""]], [*names, "Other wallets"]
    return bar_chart(places, names, [[_whole(value) for value in row] for row in rows])


def _places(first: date, last: date) -> Iterator[str]:
    if last - first < timedelta(days=MAX_DAYS_BY_DAY):
        yield from ((first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1))
        return
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    for n in range(min(months, MAX_MONTHS)):
        year, month = divmod(first.year * 12 + first.month - 1 + n, 12)
        yield f"{year}-{month + 1:02}"
    if months > MAX_MONTHS:
        yield "later"


def _place(day: date, places: Sequence[str]) -> str:
    return day.isoformat()[: len(places[0])]


def _whole(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_UP))


def tier_progress(state: State, store: StoreSettings, now: datetime) -> list[TierProgress]:
    """How far the member has come in each active tier set."""
    return [_rung(state, tiers, store, now) for tiers in store.tier_sets if tiers.active]


def _rung(state: State, tiers: TierSet, store: StoreSettings, now: datetime) -> TierProgress:
    standing = get_standing(state, tiers)
    position = tiers.position(standing.level_id if standing else None)
    above = tiers.tiers[position + 1] if position + 1 < len(tiers.tiers) else None
    values = measure_progress(state, tiers, standing, now, store)
    least = above.thresholds if above else [None] * len(values)
    conditions = zip(tiers.conditions, values, least, strict=True)
    return TierProgress(
        tiers.name,
        tiers.tiers[position].name if position >= 0 else None,
        above.name if above else None,
        standing.since if standing else None,
        bool(standing and standing.floor_id),
        standing.recalculated_at if standing else None,
        tuple(TierStep(MEASURE_TEXTS[c.measure], value, least) for c, value, least in conditions),
    )


def issued_coupons(state: State) -> list[IssuedReward]:
    """Rewards that the member was issued, the newest first; of 10,000 at most."""
    found: Iterable[IssuedReward] = islice(state.scan(IssuedReward), MAX_PAGES)
    return sorted(found, key=lambda reward: (reward.issued_at, reward.issued_reward_id), reverse=True)


def coupon_status(reward: IssuedReward, now: datetime) -> str:
    """In a word or two; of a reward without a coupon, how far its redemption is."""
    coupon = reward.coupon
    if coupon is None or reward.status in VOID_STATUSES:
        return reward.status.replace("_", " ")
    if reward.used_at:
        return "used"
    if reward.expired or (coupon.active_to and coupon.active_to <= now):
        return "expired"
    return "not active yet" if coupon.active_from > now else "can be used"
