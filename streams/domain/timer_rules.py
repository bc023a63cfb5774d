"""Which settings timers depend on, and how an existing timer changes with them."""

from datetime import datetime
from hashlib import sha256

import msgspec

from streams.domain import coupon, ledger, tier
from streams.domain.state import IssuedReward, Lot, Standing, State
from streams.domain.store import StoreSettings

PlannedEntry = Lot | IssuedReward | Standing
PLANNED_KINDS: tuple[type[PlannedEntry], ...] = (Lot, IssuedReward, Standing)
"""The kinds of entries whose timers depend on settings, one per table."""


def timer_rules_digest(store: StoreSettings, kind: type[PlannedEntry]) -> str:
    """A digest of all settings that timers of that kind depend on."""
    followed: object
    if kind is Lot:
        followed = store.units_expiring_days, [(w.code, w.expiring_days) for w in store.wallets]
    elif kind is IssuedReward:
        followed = store.coupons_expiring_days
    else:
        followed = store.tiers_expiring_days, store.tier_sets
    return sha256(msgspec.json.encode((store.time_zone, followed))).hexdigest()


def replan_timer(state: State, entry: PlannedEntry, store: StoreSettings, now: datetime) -> PlannedEntry:
    """The entry with its timer by the current settings. A timer that becomes overdue is due at once."""
    match entry:
        case Lot():
            return ledger.schedule_lot(entry, store)
        case IssuedReward():
            return coupon.schedule_coupon(entry, store)
        case Standing(recalculated_at=at) if at is not None and at <= now:
            # It is due for recalculation, which replans it.
            return entry
        case Standing():
            return tier.replan_standing(state, entry, store, now)
