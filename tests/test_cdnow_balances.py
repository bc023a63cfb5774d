"""Every member's balance after a year and a half of real purchases, recomputed from the file by other means.

The arithmetic below knows the programme's rules and nothing of its code: whole days, lists, plain sums.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from api.cli.store import parsed
from connectors import cdnow
from connectors.cdnow.history import member_id, purchase_commands
from connectors.cdnow.reader import purchases
from streams.codec.avro import decode
from streams.domain.commands import AdvanceClock
from streams.domain.state import Account, Lot, wallet_prefix
from streams.rejections import CommandRejected
from streams.stages.context import StreamClock
from streams.stages.loyalty import LoyaltyStage
from streams.tables.store import RocksStore
from streams.tables.tables import table_families
from streams.topics import REJECTIONS
from streams.webhooks.events import CustomerBoughtReward, PointsWillExpire
from tests.driver import Pipeline
from tests.samples import NOON, uid

SHOP = parsed(cdnow.STORE)
AFTER_THE_LAST_PURCHASE = date(1998, 7, 1)
AFTER_THE_LAST_EXPIRY = date(1998, 10, 1)


@dataclass
class Sum:
    """What is to be compared of one member."""

    earned: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    expired: Decimal = Decimal(0)
    available: Decimal = Decimal(0)
    lots: int = 0
    warnings: int = 0
    rewards: int = 0
    refused: int = 0


@dataclass
class Points:
    left: Decimal
    last_day: date
    warned: bool = False


@dataclass
class Card:
    """A member on paper."""

    sum: Sum = field(default_factory=Sum)
    points: list[Points] = field(default_factory=list)
    purchases: int = 0

    def nights_until(self, day: date) -> None:
        """Warnings go out and points end at the end of a day; shopping is done before."""
        for points in self.points:
            if points.left and not points.warned and points.last_day - timedelta(days=10) < day:
                points.warned = True
                self.sum.warnings += 1
            if points.left and points.last_day < day:
                self.sum.expired += points.left
                points.left = Decimal(0)

    def buy(self, day: date, dollars: Decimal) -> None:
        self.nights_until(day)
        self.purchases += 1
        if dollars:
            self.sum.earned += dollars * 10
            self.points.append(Points(dollars * 10, day + timedelta(days=90)))
        if self.purchases % 3 == 0 and self.pay(Decimal(500)):
            self.sum.rewards += 1
        if self.purchases % 5 == 0:
            self.pay(Decimal("12.5"))

    def pay(self, price: Decimal) -> bool:
        if price > sum(points.left for points in self.points):
            self.sum.refused += 1
            return False
        self.sum.spent += price
        # Bought later, ends later: the list is in the order in which points end.
        for points in self.points:
            taken = min(price, points.left)
            points.left -= taken
            price -= taken
        return True

    def at(self, day: date) -> Sum:
        self.nights_until(day)
        self.sum.available = sum((points.left for points in self.points), Decimal(0))
        self.sum.lots = sum(points.left > 0 for points in self.points)
        return self.sum


def on_paper(until: date) -> dict[str, Sum]:
    bought = []
    for line in cdnow.find_purchases_file().read_text().splitlines():
        customer, _, day, _, dollars = line.split()
        bought.append((day, customer, dollars))
    cards: defaultdict[str, Card] = defaultdict(Card)
    for day, customer, dollars in sorted(bought, key=lambda row: row[0]):
        cards[customer].buy(datetime.strptime(day, "%Y%m%d").date(), Decimal(dollars))  # noqa: DTZ007
    return {member_id("CDSHOP", customer): card.at(until) for customer, card in cards.items()}


def by_the_pipeline(run: Pipeline, members: list[str]) -> dict[str, Sum]:
    warnings = Counter(event.member_id for event in run.webhook_events(PointsWillExpire))
    rewards = Counter(event.member_id for event in run.webhook_events(CustomerBoughtReward))
    refused = Counter(decode(CommandRejected, r.value, r.schema).member_id for r in run.log[REJECTIONS.name])
    sums = {}
    for member in members:
        state = run.tables.of(f"CDSHOP/{member}")
        account = state.get(Account, b"default") or Account(wallet="default")
        sums[member] = Sum(
            earned=account.earned,
            spent=account.spent,
            expired=account.expired,
            available=account.available,
            lots=sum(1 for _ in state.scan(Lot, wallet_prefix("default"))),
            warnings=warnings[member],
            rewards=rewards[member],
            refused=refused[member],
        )
    return sums


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Pipeline]:
    """On RocksDB: the store in memory copies what it scans, and this is a year and a half."""
    with closing(RocksStore(tmp_path / "tables", table_families(LoyaltyStage.kinds))) as store:
        yield Pipeline(SHOP, now=NOON, clock=StreamClock(), store=store)


def test_every_balance_agrees_with_the_purchases_added_up_on_paper(run: Pipeline) -> None:
    after_purchases = on_paper(AFTER_THE_LAST_PURCHASE)
    members = list(after_purchases)

    with cdnow.find_purchases_file().open() as lines:
        run.when(*purchase_commands(purchases(lines), SHOP, until=AFTER_THE_LAST_PURCHASE))
    assert by_the_pipeline(run, members) == after_purchases
    assert sum(one.available for one in after_purchases.values()) > 0

    last = datetime.combine(AFTER_THE_LAST_EXPIRY, time(12), UTC)
    run.when(AdvanceClock(command_id=uid(1), issued_at=last))
    after_expiry = by_the_pipeline(run, members)
    assert after_expiry == on_paper(AFTER_THE_LAST_EXPIRY)
    assert {(one.available, one.lots) for one in after_expiry.values()} == {(Decimal(0), 0)}
    assert all(one.earned == one.spent + one.expired for one in after_expiry.values())
    assert run.poison() == []
