"""A preview of expiry announcements: all are counted by day, the earliest are kept to be shown."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Literal

from streams.domain.events import CouponExpiryAnnounced, TierExpiryAnnounced, UnitsExpiryAnnounced
from streams.domain.forecast import DraftState, forecast
from streams.domain.store import StoreSettings
from streams.domain.values import plain_decimal

Announcement = UnitsExpiryAnnounced | CouponExpiryAnnounced | TierExpiryAnnounced
AnnouncementKind = Literal["units", "coupons", "tiers"]
ANNOUNCEMENT_KINDS: dict[type[Announcement], AnnouncementKind] = {
    UnitsExpiryAnnounced: "units",
    CouponExpiryAnnounced: "coupons",
    TierExpiryAnnounced: "tiers",
}


class AnnouncementPreview:
    """Counts announcements on `days` days of the store's calendar from `first` on, by members' states and the
    store's settings at the time of reading. Past announcements are not counted.

    Memory is bounded: at most twice `limit` announcements, the earliest ones, are kept for any number of
    members.
    """

    def __init__(self, store: StoreSettings, first: date, days: int, limit: int) -> None:
        self.counts: dict[date, Counter[AnnouncementKind]] = {
            first + timedelta(days=n): Counter() for n in range(days)
        }
        self._store = store
        self._limit = limit
        self._kept: list[Announcement] = []
        self.told = 0
        """How many members will get an announcement."""
        self.start = store.calendar.start_of(first)
        self.end = store.calendar.start_of(first + timedelta(days=days))

    def look(self, draft: DraftState, member_id: str, now: datetime) -> None:
        """Forecasts the member's timers and counts their announcements."""
        told = False
        for event in forecast(draft, self._store, member_id, now, self.end):
            if isinstance(event, Announcement) and event.occurred_at >= self.start:
                self.counts[self._store.calendar.day(event.occurred_at)][ANNOUNCEMENT_KINDS[type(event)]] += 1
                self._keep(event)
                told = True
        self.told += told

    def _keep(self, event: Announcement) -> None:
        self._kept.append(event)
        if len(self._kept) > 2 * self._limit:
            self._kept = self.shown

    @property
    def shown(self) -> list[Announcement]:
        """The earliest announcements, `limit` at most."""
        return sorted(self._kept, key=lambda e: (e.occurred_at, e.member_id, e.event_id))[: self._limit]

    @property
    def total(self) -> int:
        return sum(count.total() for count in self.counts.values())

    def tree(self) -> dict[str, object]:
        """The preview as JSON: counts for every day, and the shown announcements."""
        return {
            "store": self._store.store,
            "time_zone": self._store.time_zone,
            "days": [
                {"date": day, **{kind: count[kind] for kind in ANNOUNCEMENT_KINDS.values()}}
                for day, count in self.counts.items()
            ],
            "total": self.total,
            "announcements": [_announcement_tree(event) for event in self.shown],
        }


def announced_end(event: Announcement) -> datetime | None:
    """When the units or the coupon expire, or the tier may be lost."""
    match event:
        case UnitsExpiryAnnounced():
            return event.expires_at
        case CouponExpiryAnnounced():
            return event.coupon.active_to
        case TierExpiryAnnounced():
            return event.recalculated_at


def describe_announcement(event: Announcement) -> str:
    """What will expire, in a few words."""
    match event:
        case UnitsExpiryAnnounced():
            return f"{plain_decimal(event.remaining)} units in {event.wallet}"
        case CouponExpiryAnnounced():
            return f"coupon {event.coupon.code}"
        case TierExpiryAnnounced():
            return f"tier {event.level_name}, then {event.future_level_name or 'none'}"


def _announcement_tree(event: Announcement) -> dict[str, object]:
    head = {
        "kind": ANNOUNCEMENT_KINDS[type(event)],
        "at": event.occurred_at,
        "member_id": event.member_id,
        "days": event.days,
        "ends_at": announced_end(event),
    }
    match event:
        case UnitsExpiryAnnounced():
            more = {
                "wallet": event.wallet,
                "transfer_id": event.lot_id,
                "units": plain_decimal(event.remaining),
            }
        case CouponExpiryAnnounced():
            more = {"code": event.coupon.code, "issued_reward_id": event.issued_reward_id}
        case TierExpiryAnnounced():
            more = {"tier": event.level_name, "future_tier": event.future_level_name}
    return head | more
