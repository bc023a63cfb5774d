"""Tiers: reached at once, lost as the tier set says, recalculated when a period is over."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from streams.domain import lead_times
from streams.domain.commands import AssignTier, RemoveManualTier
from streams.domain.event_context import Act
from streams.domain.events import Event, TierChanged, TierExpiryAnnounced, TierFloorRemoved, TierRecalculated
from streams.domain.ids import derived_id
from streams.domain.ledger import get_account
from streams.domain.member import is_active, require_active_member
from streams.domain.state import Member, Standing, State
from streams.domain.store import StoreSettings
from streams.domain.tier_set import TierCondition, TierSet
from streams.errors import Rejected


def move_tiers(state: State, act: Act, store: StoreSettings) -> Iterator[Event]:
    """Up to what the member has reached; down too, where the tier set falls at once. A tier that came to be
    in danger after its lead time is told of now."""
    for tiers in store.tier_sets:
        if tiers.active and is_active(state):
            yield from _move(state, tiers, act, store, falls=tiers.downgrade == "automatic")


def _move(state: State, tiers: TierSet, act: Act, store: StoreSettings, *, falls: bool) -> Iterator[Event]:
    standing = get_standing(state, tiers)
    now = tiers.position(standing.level_id if standing else None)
    then = _deserved(state, tiers, standing, act.now, store)
    if then > now or (then < now and then >= 0 and falls):
        yield _changed(tiers, then, standing, act, up=then > now)
    elif standing and standing.safe and 0 <= then < now:
        yield from _announcements(standing, tiers, then, act, store)


def _changed(
    tiers: TierSet, position: int, standing: Standing | None, act: Act, *, up: bool, manual: bool = False
) -> TierChanged:
    tier = tiers.tiers[position]
    moved = standing.moves if standing else 0
    return TierChanged(
        **act.stamp(f"TierChanged/{tiers.tier_set_id}", moved),
        tier_set_id=tiers.tier_set_id,
        level_id=tier.level_id,
        level_name=tier.name,
        previous_level_id=standing.level_id if standing else None,
        up=up,
        manual=manual,
    )


def _deserved(
    state: State, tiers: TierSet, standing: Standing | None, now: datetime, store: StoreSettings
) -> int:
    """The position of the highest tier that is reached, or of the one assigned by hand if that is higher."""
    values = measure_progress(state, tiers, standing, now, store)
    reached = -1
    for position, tier in enumerate(tiers.tiers):
        if all(value >= least for value, least in zip(values, tier.thresholds, strict=True)):
            reached = position
    return max(reached, tiers.position(standing.floor_id) if standing else -1)


def measure_progress(
    state: State, tiers: TierSet, standing: Standing | None, now: datetime, store: StoreSettings
) -> list[Decimal]:
    """How far the member has come, for each of the set's conditions."""
    return [_measure(state, condition, standing, now, store) for condition in tiers.conditions]


def _measure(
    state: State, condition: TierCondition, standing: Standing | None, now: datetime, store: StoreSettings
) -> Decimal:
    member = state.get(Member)
    if member is None:
        return Decimal(0)
    match condition.measure:
        case "total_spending":
            return member.purchases
        case "months_since_joining":
            return Decimal(store.calendar.whole_months(member.registered_at, now))
    wallet = store.wallet(condition.wallet)
    units = get_account(state, wallet.code if wallet else condition.wallet or "default")
    match condition.measure:
        case "active_units":
            return units.available
        case "total_earned_units":
            return units.earned
        case "cumulated_earned_units":
            return units.earned - (standing.earned_base if standing else 0)


def assign_tier(state: State, command: AssignTier, act: Act, store: StoreSettings) -> Iterator[Event]:
    require_active_member(state, act)
    found = store.tier(command.level_id)
    if found is None:
        raise Rejected("level_id", command.level_id, f"is no tier of an active set of store {store.store!r}")
    tiers, _ = found
    standing = get_standing(state, tiers)
    before, after = tiers.position(standing.level_id if standing else None), tiers.position(command.level_id)
    if standing and before == after:
        raise Rejected("level_id", command.level_id, "is the member's tier already")
    yield _changed(tiers, after, standing, act, up=after > before, manual=True)


def remove_manual_tier(
    state: State, command: RemoveManualTier, act: Act, store: StoreSettings
) -> Iterator[Event]:
    require_active_member(state, act)
    standing = state.get(Standing, command.tier_set_id.encode())
    if standing is None or standing.floor_id is None:
        raise Rejected(
            "tier_set_id", command.tier_set_id, "has no tier that was assigned to the member by hand"
        )
    yield TierFloorRemoved(**act.stamp("TierFloorRemoved"), tier_set_id=command.tier_set_id)
    tiers = store.tier_set(command.tier_set_id)
    if tiers and tiers.active:
        yield from _move(state, tiers, act, store, falls=True)


def run_standing_timer(state: State, standing: Standing, act: Act, store: StoreSettings) -> Iterator[Event]:
    """What a standing's timer brings: announcements of a fall, the recalculation, a month more."""
    tiers = store.tier_set(standing.tier_set_id)
    if tiers is None or not tiers.active or not is_active(state):
        return
    at = standing.recalculated_at
    if at is None or at > act.now:
        then = _deserved(state, tiers, standing, act.now, store)
        if 0 <= then < tiers.position(standing.level_id):
            yield from _announcements(standing, tiers, then, act, store)
        yield from _move(state, tiers, act, store, falls=tiers.downgrade == "automatic")
        return
    yield from _move(state, tiers, act, store, falls=True)
    yield TierRecalculated(
        **_of_period(act, standing.tier_set_id, at).stamp("TierRecalculated"),
        tier_set_id=tiers.tier_set_id,
        due_at=at,
    )


def _of_period(act: Act, tier_set_id: str, end: datetime) -> Act:
    """The cause is the period that ends: each has facts of its own."""
    return act.with_cause(derived_id(tier_set_id, end.isoformat()))


def _announcements(
    standing: Standing, tiers: TierSet, then: int, act: Act, store: StoreSettings
) -> Iterator[Event]:
    """Of a fall to position `then`, for each lead time that has passed and was not told of."""
    if standing.recalculated_at is None or standing.recalculated_at <= act.now:
        return
    now, future = tiers.position(standing.level_id), tiers.tiers[then]
    for days in _passed(_untold(standing, store), standing, store, act.now):
        yield TierExpiryAnnounced(
            **_of_period(act, standing.tier_set_id, standing.recalculated_at).stamp(
                "TierExpiryAnnounced", days + standing.plans * 100_000
            ),
            tier_set_id=tiers.tier_set_id,
            level_id=standing.level_id,
            level_name=tiers.tiers[now].name,
            future_level_id=future.level_id,
            future_level_name=future.name,
            recalculated_at=standing.recalculated_at,
            days=days,
        )


def _untold(standing: Standing, store: StoreSettings) -> list[int]:
    return lead_times.unannounced_days(store.tiers_expiring_days, standing.announced)


def _unseen(standing: Standing, store: StoreSettings) -> list[int]:
    """Lead times at whose moment nobody has looked yet whether the tier is in danger."""
    return [days for days in _untold(standing, store) if days not in standing.safe]


def _passed(days: Iterable[int], standing: Standing, store: StoreSettings, now: datetime) -> list[int]:
    return lead_times.reached_days(days, standing.recalculated_at, now, store.calendar)


def skip_announcements(state: State, standing: Standing, store: StoreSettings, now: datetime) -> Standing:
    """The standing after its timer told of nothing: at the lead times that it passed all was safe."""
    passed = _passed(_unseen(standing, store), standing, store, now)
    return schedule_standing(state, replace(standing, safe=(*standing.safe, *passed)), store, now)


def get_standing(state: State, tiers: TierSet) -> Standing | None:
    return state.get(Standing, tiers.tier_set_id.encode())


def next_recalculation(
    state: State, standing: Standing, tiers: TierSet, after: datetime, store: StoreSettings
) -> datetime | None:
    """The first recalculation after `after`; None where the tier set has none."""
    calendar, member = store.calendar, state.get(Member)
    if tiers.downgrade != "periodic" or member is None:
        return None
    match tiers.period:
        case "annual_recalculation_on_chosen_dates":
            return calendar.next_start_of_day(after, tiers.recalculation_dates)
        case "recalculation_every_month_after_tier_promotion":
            step, start = tiers.recalculation_months or 1, standing.since
        case _:
            step, start = 12, member.registered_at
    passed = calendar.whole_months(start, after) // step
    return next(
        at
        for count in range(passed, passed + 3)
        if (at := calendar.months_later(start, count * step)) > max(after, start)
    )


def replan_standing(state: State, standing: Standing, store: StoreSettings, after: datetime) -> Standing:
    """With its next recalculation after that; lead times of another date are still to be told of."""
    tiers = store.tier_set(standing.tier_set_id)
    at = next_recalculation(state, standing, tiers, after, store) if tiers else None
    if at != standing.recalculated_at:
        standing = replace(standing, recalculated_at=at, announced=(), safe=(), plans=standing.plans + 1)
    return schedule_standing(state, standing, store, after)


def schedule_standing(state: State, standing: Standing, store: StoreSettings, now: datetime) -> Standing:
    """With the next instant at which its timer must look at it."""
    tiers = store.tier_set(standing.tier_set_id)
    if tiers is None or not tiers.active or not is_active(state):
        return replace(standing, due_at=None)
    instants = []
    end = standing.recalculated_at
    if end is not None:
        instants.append(lead_times.next_timer_at(_unseen(standing, store), end, now, store.calendar))
    member = state.get(Member)
    if member and any(c.measure == "months_since_joining" for c in tiers.conditions):
        months = store.calendar.whole_months(member.registered_at, now) + 1
        instants.append(store.calendar.months_later(member.registered_at, months))
    return replace(standing, due_at=min(instants, default=None))
