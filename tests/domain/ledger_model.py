"""The rules of points once more, as plainly as they can be said: lists, one member, no timers.

Independent of the code it judges: it knows commands and outcomes only.
"""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal

PRICE = Decimal(100)
EARNED_PER_DOLLAR = 10
LEAD_DAYS = 10


@dataclass(eq=False)
class Points:
    """Units earned together. They are gone at the last second of a day, in UTC."""

    units: Decimal
    remaining: Decimal
    ends: datetime | None
    told: bool = False


@dataclass
class Ledger:
    registered: bool = False
    lots: list[Points] = field(default_factory=list)
    documents: set[str] = field(default_factory=set)
    earned: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    expired: Decimal = Decimal(0)
    rewards: int = 0
    told: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    """Original and remaining units of each lot whose end was announced."""

    @property
    def available(self) -> Decimal:
        return sum((lot.remaining for lot in self.lots), Decimal(0))

    def expire(self, now: datetime) -> None:
        gone = [lot for lot in self.lots if lot.ends is not None and lot.ends <= now]
        self.expired += sum((lot.remaining for lot in gone), Decimal(0))
        self.lots = [lot for lot in self.lots if lot not in gone]

    def announce(self, now: datetime) -> None:
        for lot in self.lots:
            if lot.ends is not None and not lot.told and lot.ends - timedelta(days=LEAD_DAYS) <= now:
                lot.told = True
                self.told.append((lot.units, lot.remaining))

    def earn(self, units: Decimal, days: int | None, now: datetime) -> None:
        self.earned += units
        self.lots.append(Points(units, units, _ends(now, days)))

    def add(self, units: Decimal, days: int | None, now: datetime) -> bool:
        if not self.registered or units <= 0:
            return False
        self.earn(units, days, now)
        return True

    def purchase(self, document: str, dollars: Decimal, now: datetime) -> bool:
        if not self.registered or document in self.documents:
            return False
        self.documents.add(document)
        if dollars:
            self.earn(dollars * EARNED_PER_DOLLAR, 90, now)
        return True

    def spend(self, units: Decimal) -> bool:
        if not self.registered or not 0 < units <= self.available:
            return False
        self.spent += units
        for lot in sorted(self.lots, key=lambda lot: (lot.ends is None, lot.ends)):
            taken = min(units, lot.remaining)
            lot.remaining -= taken
            units -= taken
        self.lots = [lot for lot in self.lots if lot.remaining]
        return True

    def buy(self, quantity: int) -> bool:
        if not self.spend(PRICE * quantity):
            return False
        self.rewards += quantity
        return True


def _ends(now: datetime, days: int | None) -> datetime | None:
    if days is None:
        return None
    return datetime.combine(now.date() + timedelta(days=days), time(23, 59, 59), now.tzinfo)
