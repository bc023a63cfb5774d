"""What timers follow of a store's settings, and the timers of what is there when these change."""

from datetime import datetime
from hashlib import sha256

import msgspec

from streams.domain import coupon, ledger, tier
from streams.domain.state import IssuedReward, Lot, Standing, State
from streams.domain.store import StoreSettings

PlannedEntry = Lot | IssuedReward | Standing
PLANNED_KINDS: tuple[type[PlannedEntry], ...] = (Lot, IssuedReward, Standing)
"""Kinds whose timers follow the settings, one a table."""


def timer_rules_digest(store: StoreSettings, kind: type[PlannedEntry]) -> str:
    """A digest of all that the timers of that kind follow."""
    followed: object
    if kind is Lot:
        followed = store.units_expiring_days, [(w.code, w.expiring_days) for w in store.wallets]
    elif kind is IssuedReward:
        followed = store.coupons_expiring_days
    else:
        followed = store.tiers_expiring_days, store.tier_sets
    return sha256(msgspec.json.encode((store.time_zone, followed))).hexdigest()


def replan_timer(state: State, entry: PlannedEntry, store: StoreSettings, now: datetime) -> PlannedEntry:
    """The entry as its timer is under the settings of now. What they make overdue is due at once."""
    match entry:
        case Lot():
            return ledger.schedule_lot(entry, store)
        case IssuedReward():
            return coupon.schedule_coupon(entry, store)
        case Standing(recalculated_at=at) if at is not None and at <= now:
            # It is about to be recalculated, and planned anew with that.
            return entry
        case Standing():
            return tier.replan_standing(state, entry, store, now)
