"""Applies facts about tiers."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from streams.domain import tier
from streams.domain.events import (
    MemberUpdated,
    TierChanged,
    TierExpiryAnnounced,
    TierFloorRemoved,
    TierRecalculated,
)
from streams.domain.ledger import get_account
from streams.domain.state import Change, Standing, State
from streams.domain.store import StoreSettings

TierEvent = TierChanged | TierFloorRemoved | TierRecalculated | TierExpiryAnnounced


def evolve_tier(state: State, event: TierEvent, store: StoreSettings) -> Iterator[Change]:
    standing = state.get(Standing, event.tier_set_id.encode())
    match event:
        case TierChanged():
            after = _moved_standing(standing, event)
            yield tier.replan_standing(state, after, store, event.occurred_at)
            return
    if standing is None:
        raise LookupError(f"member {event.member_id} has no tier of set {event.tier_set_id}")
    match event:
        case TierFloorRemoved():
            yield replace(standing, floor_id=None)
        case TierExpiryAnnounced():
            told = replace(standing, announced=(*standing.announced, event.days))
            yield tier.schedule_standing(state, told, store, event.occurred_at)
        case TierRecalculated():
            passed = replace(
                standing, earned_base=_units_earned(state, event.tier_set_id, store), recalculated_at=None
            )
            yield tier.replan_standing(state, passed, store, max(event.due_at, event.occurred_at))


def rejoined(state: State, event: MemberUpdated, store: StoreSettings) -> Iterator[Change]:
    """Replans tiers after a change of `registered_at`, which anniversaries and months of membership depend
    on."""
    for standing in list(state.scan(Standing)):
        tiers = store.tier_set(standing.tier_set_id)
        if tiers and tiers.period == "registration_anniversary":
            yield tier.replan_standing(state, standing, store, event.occurred_at)
        else:
            yield tier.schedule_standing(state, standing, store, event.occurred_at)


def _moved_standing(standing: Standing | None, event: TierChanged) -> Standing:
    if standing is None:
        return Standing(
            tier_set_id=event.tier_set_id,
            level_id=event.level_id,
            since=event.occurred_at,
            moves=1,
            floor_id=event.level_id if event.manual else None,
        )
    return replace(
        standing,
        level_id=event.level_id,
        # A downgrade does not start a new period, which is counted from the last promotion.
        since=event.occurred_at if event.up else standing.since,
        moves=standing.moves + 1,
        floor_id=event.level_id if event.manual else standing.floor_id,
    )


def _units_earned(state: State, tier_set_id: str, store: StoreSettings) -> Decimal:
    """Units earned so far in the wallet that the set counts by period."""
    tiers = store.tier_set(tier_set_id)
    counted = (c for c in tiers.conditions if c.measure == "cumulated_earned_units") if tiers else ()
    wallet = store.wallet(next((c.wallet for c in counted), None))
    return get_account(state, wallet.code).earned if wallet else Decimal(0)
