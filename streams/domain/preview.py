"""Who will be told what of a coming end: all counted by day, some of them kept to be shown."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Literal

from streams.domain.events import CouponExpiryAnnounced, TierExpiryAnnounced, UnitsExpiryAnnounced
from streams.domain.forecast import Draft, forecast
from streams.domain.store import StoreSettings

Announced = UnitsExpiryAnnounced | CouponExpiryAnnounced | TierExpiryAnnounced
Kind = Literal["units", "coupons", "tiers"]
KINDS: dict[type[Announced], Kind] = {
    UnitsExpiryAnnounced: "units",
    CouponExpiryAnnounced: "coupons",
    TierExpiryAnnounced: "tiers",
}


class Preview:
    """Of `days` days of the store's calendar from `first` on, as members' states and the store's settings are
    when they are looked at. What was told already is not told again, and not counted.

    However many members are looked at, no more than twice `limit` announcements are kept: the earliest ones.
    """

    def __init__(self, store: StoreSettings, first: date, days: int, limit: int) -> None:
        self.counts: dict[date, Counter[Kind]] = {first + timedelta(days=n): Counter() for n in range(days)}
        self._store = store
        self._limit = limit
        self._kept: list[Announced] = []
        self.start = store.calendar.start_of(first)
        self.end = store.calendar.start_of(first + timedelta(days=days))

    def look(self, draft: Draft, member_id: str, now: datetime) -> None:
        """Play ahead what the member's timers bring, and count what the member will be told."""
        for event in forecast(draft, self._store, member_id, now, self.end):
            if isinstance(event, Announced) and event.occurred_at >= self.start:
                self.counts[self._store.calendar.day(event.occurred_at)][KINDS[type(event)]] += 1
                self._keep(event)

    def _keep(self, event: Announced) -> None:
        self._kept.append(event)
        if len(self._kept) > 2 * self._limit:
            self._kept = self.shown

    @property
    def shown(self) -> list[Announced]:
        """The earliest, `limit` at most."""
        return sorted(self._kept, key=lambda e: (e.occurred_at, e.member_id, e.event_id))[: self._limit]

    @property
    def total(self) -> int:
        return sum(count.total() for count in self.counts.values())
