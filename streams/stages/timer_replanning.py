"""Adapts existing timers when a store changes its lead times, in slices between commands."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from streams.domain.state import Plan
from streams.domain.store import StoreSettings
from streams.domain.timer_rules import PLANNED_KINDS, PlannedEntry, replan_timer, timer_rules_digest
from streams.stages.context import StageContext

NO_OWNER = ""


class TimerReplanner:
    """Replans a partition's timers. The progress is stored in the partition's tables, so that the next owner
    continues there."""

    def __init__(self, stores: Mapping[str, StoreSettings]) -> None:
        self._stores = stores
        self._applied_settings: dict[int, dict[str, StoreSettings]] = {}
        """By partition and store, the settings that all timers follow."""

    def forget(self, partition: int) -> None:
        """Drops the partition, which another process owns now."""
        self._applied_settings.pop(partition, None)

    def behind(self, partition: int) -> bool:
        """Whether timers have to be adapted to changed settings."""
        return next(self._stale_settings(partition), None) is not None

    def _stale_settings(self, partition: int) -> Iterator[StoreSettings]:
        followed = self._applied_settings.setdefault(partition, {})
        # Compared by identity: changed settings are another object, and comparing values each time costs too
        # much.
        return (s for code, s in self._stores.items() if followed.get(code) is not s)

    def work(self, turn: StageContext, now: datetime, budget: int) -> None:
        """Replans `budget` entries of one store and table at most."""
        store = next(self._stale_settings(turn.partition), None)
        if store is None:
            return
        for kind in PLANNED_KINDS:
            if self._replan_slice(turn, store, kind, now, budget):
                return
        self._applied_settings[turn.partition][store.store] = store

    def _replan_slice(
        self, turn: StageContext, store: StoreSettings, kind: type[PlannedEntry], now: datetime, budget: int
    ) -> bool:
        """Replans one slice. Returns whether more entries are left."""
        nobody, wanted = turn.tables.of(NO_OWNER), timer_rules_digest(store, kind)
        plan = Plan(store=store.store, of=kind.table, rules=wanted, reached=b"")
        before = nobody.get(Plan, plan.key())
        if before and before.rules == wanted:
            plan = before
        if plan.reached is None:
            return False
        found, reached = turn.tables.slice(kind, f"{store.store}/", plan.reached, budget)
        for owner, entry in found:
            state = turn.tables.of(owner)
            after = replan_timer(state, entry, store, now)
            if after != entry:
                state.apply(after)
        nobody.apply(Plan(store=store.store, of=kind.table, rules=wanted, reached=reached or None))
        return bool(reached)
