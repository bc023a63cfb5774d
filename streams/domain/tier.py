"""Rules of tiers: a higher tier is reached at once; when a tier is lost depends on the tier set."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from streams.domain import lead_times
from streams.domain.commands import AssignTier, RemoveManualTier
from streams.domain.event_context import EventContext
from streams.domain.events import Event, TierChanged, TierExpiryAnnounced, TierFloorRemoved, TierRecalculated
from streams.domain.ids import derived_id
from streams.domain.ledger import get_account
from streams.domain.member import is_active, require_active_member
from streams.domain.state import Member, Standing, State
from streams.domain.store import StoreSettings
from streams.domain.tier_set import TierCondition, TierSet
from streams.errors import Rejected


def move_tiers(state: State, context: EventContext, store: StoreSettings) -> Iterator[Event]:
    """Moves the member up to the tier that was reached, and also down if the tier set says so. If the tier
    comes into danger after a lead time, that is announced now."""
    for tiers in store.tier_sets:
        if tiers.active and is_active(state):
            yield from _move_tier(state, tiers, context, store, falls=tiers.downgrade == "automatic")


def _move_tier(
    state: State, tiers: TierSet, context: EventContext, store: StoreSettings, *, falls: bool
) -> Iterator[Event]:
    standing = get_standing(state, tiers)
    now = tiers.position(standing.level_id if standing else None)
    then = _reached_position(state, tiers, standing, context.now, store)
    if then > now or (then < now and then >= 0 and falls):
        yield _tier_changed(tiers, then, standing, context, up=then > now)
    elif standing and standing.safe and 0 <= then < now:
        yield from _announce_fall(standing, tiers, then, context, store)


def _tier_changed(
    tiers: TierSet,
    position: int,
    standing: Standing | None,
    context: EventContext,
    *,
    up: bool,
    manual: bool = False,
) -> TierChanged:
    tier = tiers.tiers[position]
    moved = standing.moves if standing else 0
    return TierChanged(
        **context.stamp(f"TierChanged/{tiers.tier_set_id}", moved),
        tier_set_id=tiers.tier_set_id,
        level_id=tier.level_id,
        level_name=tier.name,
        previous_level_id=standing.level_id if standing else None,
        up=up,
        manual=manual,
    )


def _reached_position(
    state: State, tiers: TierSet, standing: Standing | None, now: datetime, store: StoreSettings
) -> int:
    """The position of the highest tier that is reached, or of the manually assigned one if that is higher."""
    values = measure_progress(state, tiers, standing, now, store)
    reached = -1
    for position, tier in enumerate(tiers.tiers):
        if all(value >= least for value, least in zip(values, tier.thresholds, strict=True)):
            reached = position
    return max(reached, tiers.position(standing.floor_id) if standing else -1)


def measure_progress(
    state: State, tiers: TierSet, standing: Standing | None, now: datetime, store: StoreSettings
) -> list[Decimal]:
    """The member's value for each of the tier set's conditions."""
    return [_measure_condition(state, condition, standing, now, store) for condition in tiers.conditions]


def _measure_condition(
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


def assign_tier(
    state: State, command: AssignTier, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    require_active_member(state, context)
    found = store.tier(command.level_id)
    if found is None:
        raise Rejected("level_id", command.level_id, f"is no tier of an active set of store {store.store!r}")
    tiers, _ = found
    standing = get_standing(state, tiers)
    before, after = tiers.position(standing.level_id if standing else None), tiers.position(command.level_id)
    if standing and before == after:
        raise Rejected("level_id", command.level_id, "is the member's tier already")
    yield _tier_changed(tiers, after, standing, context, up=after > before, manual=True)


def remove_manual_tier(
    state: State, command: RemoveManualTier, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    require_active_member(state, context)
    standing = state.get(Standing, command.tier_set_id.encode())
    if standing is None or standing.floor_id is None:
        raise Rejected(
            "tier_set_id", command.tier_set_id, "has no tier that was assigned to the member by hand"
        )
    yield TierFloorRemoved(**context.stamp("TierFloorRemoved"), tier_set_id=command.tier_set_id)
    tiers = store.tier_set(command.tier_set_id)
    if tiers and tiers.active:
        yield from _move_tier(state, tiers, context, store, falls=True)


def run_standing_timer(
    state: State, standing: Standing, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """The events of a tier's timer: announcements of a downgrade, the recalculation, or another month of
    membership."""
    tiers = store.tier_set(standing.tier_set_id)
    if tiers is None or not tiers.active or not is_active(state):
        return
    at = standing.recalculated_at
    if at is None or at > context.now:
        then = _reached_position(state, tiers, standing, context.now, store)
        if 0 <= then < tiers.position(standing.level_id):
            yield from _announce_fall(standing, tiers, then, context, store)
        yield from _move_tier(state, tiers, context, store, falls=tiers.downgrade == "automatic")
        return
    yield from _move_tier(state, tiers, context, store, falls=True)
    yield TierRecalculated(
        **_period_context(context, standing.tier_set_id, at).stamp("TierRecalculated"),
        tier_set_id=tiers.tier_set_id,
        due_at=at,
    )


def _period_context(context: EventContext, tier_set_id: str, end: datetime) -> EventContext:
    """The context with the ending period as its cause, so that each period has events with ids of its own."""
    return context.with_cause(derived_id(tier_set_id, end.isoformat()))


def _announce_fall(
    standing: Standing, tiers: TierSet, then: int, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """Announces a fall to position `then`, for each lead time that has started and was not announced."""
    if standing.recalculated_at is None or standing.recalculated_at <= context.now:
        return
    now, future = tiers.position(standing.level_id), tiers.tiers[then]
    for days in _reached_days(_unannounced_days(standing, store), standing, store, context.now):
        yield TierExpiryAnnounced(
            **_period_context(context, standing.tier_set_id, standing.recalculated_at).stamp(
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


def _unannounced_days(standing: Standing, store: StoreSettings) -> list[int]:
    return lead_times.unannounced_days(store.tiers_expiring_days, standing.announced)


def _unchecked_days(standing: Standing, store: StoreSettings) -> list[int]:
    """Lead times at which it was not checked yet whether the tier is in danger."""
    return [days for days in _unannounced_days(standing, store) if days not in standing.safe]


def _reached_days(days: Iterable[int], standing: Standing, store: StoreSettings, now: datetime) -> list[int]:
    return lead_times.reached_days(days, standing.recalculated_at, now, store.calendar)


def skip_announcements(state: State, standing: Standing, store: StoreSettings, now: datetime) -> Standing:
    """The standing after its timer announced nothing: at the lead times passed, the tier was safe."""
    passed = _reached_days(_unchecked_days(standing, store), standing, store, now)
    return schedule_standing(state, replace(standing, safe=(*standing.safe, *passed)), store, now)


def get_standing(state: State, tiers: TierSet) -> Standing | None:
    return state.get(Standing, tiers.tier_set_id.encode())


def next_recalculation(
    state: State, standing: Standing, tiers: TierSet, after: datetime, store: StoreSettings
) -> datetime | None:
    """The first recalculation after `after`, or None if the tier set has none."""
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
    """The standing with its next recalculation. If that date has changed, its lead times are announced
    again."""
    tiers = store.tier_set(standing.tier_set_id)
    at = next_recalculation(state, standing, tiers, after, store) if tiers else None
    if at != standing.recalculated_at:
        standing = replace(standing, recalculated_at=at, announced=(), safe=(), plans=standing.plans + 1)
    return schedule_standing(state, standing, store, after)


def schedule_standing(state: State, standing: Standing, store: StoreSettings, now: datetime) -> Standing:
    """The standing with the next due time of its timer."""
    tiers = store.tier_set(standing.tier_set_id)
    if tiers is None or not tiers.active or not is_active(state):
        return replace(standing, due_at=None)
    instants = []
    end = standing.recalculated_at
    if end is not None:
        instants.append(lead_times.next_timer_at(_unchecked_days(standing, store), end, now, store.calendar))
    member = state.get(Member)
    if member and any(c.measure == "months_since_joining" for c in tiers.conditions):
        months = store.calendar.whole_months(member.registered_at, now) + 1
        instants.append(store.calendar.months_later(member.registered_at, months))
    return replace(standing, due_at=min(instants, default=None))
