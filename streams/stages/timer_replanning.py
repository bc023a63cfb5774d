"""When a store changes its lead times, the timers of what is there follow: in slices, beside the commands."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from streams.domain.state import Plan
from streams.domain.store import StoreSettings
from streams.domain.timer_rules import PLANNED_KINDS, PlannedEntry, replan_timer, timer_rules_digest
from streams.stages.context import StageContext

NO_OWNER = ""


class TimerReplanner:
    """What a partition's timers follow is kept with its tables: a successor goes on where this one stood, and
    plans nothing anew that has been planned."""

    def __init__(self, stores: Mapping[str, StoreSettings]) -> None:
        self._stores = stores
        self._followed: dict[int, dict[str, StoreSettings]] = {}
        """By partition, the settings that all timers of a store follow."""

    def forget(self, partition: int) -> None:
        """Another process has the partition now."""
        self._followed.pop(partition, None)

    def behind(self, partition: int) -> bool:
        """Whether timers have to be made to follow settings."""
        return next(self._behind(partition), None) is not None

    def _behind(self, partition: int) -> Iterator[StoreSettings]:
        followed = self._followed.setdefault(partition, {})
        # Settings are values: other ones are another object. To compare them each time would cost too much.
        return (s for code, s in self._stores.items() if followed.get(code) is not s)

    def work(self, turn: StageContext, now: datetime, budget: int) -> None:
        """Looks at `budget` entries at most, of one store and table."""
        store = next(self._behind(turn.partition), None)
        if store is None:
            return
        for kind in PLANNED_KINDS:
            if self._slice(turn, store, kind, now, budget):
                return
        self._followed[turn.partition][store.store] = store

    def _slice(
        self, turn: StageContext, store: StoreSettings, kind: type[PlannedEntry], now: datetime, budget: int
    ) -> bool:
        """Whether there are more to plan."""
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
