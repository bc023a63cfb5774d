"""Makes commands of purchases, in the order of their days. Pure: the same purchases give the same
commands."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import TypedDict
from zoneinfo import ZoneInfo

from connectors.cdnow.reader import Purchase
from streams.domain.commands import (
    AdvanceClock,
    BuyReward,
    Command,
    RegisterMember,
    RegisterTransaction,
    SpendUnits,
)
from streams.domain.ids import derived_id
from streams.domain.store import StoreSettings
from streams.domain.values import Item, Profile

OPENS, OPEN_FOR = time(9), timedelta(hours=12)
REWARD_EVERY, SPEND_EVERY = 3, 5
SPENT_UNITS = Decimal("12.5")
END = date(1998, 10, 1)
"""The last points of the sample, earned on 1998-06-30, have expired by then."""
_MOST_EACH = 4


class _Head(TypedDict):
    command_id: str
    store: str
    member_id: str
    issued_at: datetime


def move_purchases(purchases: Iterable[Purchase], last_day: date) -> list[Purchase]:
    """The same purchases, all moved by one number of days, so that the last ones are of `last_day`."""
    found = list(purchases)
    moved_by = last_day - max((purchase.day for purchase in found), default=last_day)
    return [replace(purchase, day=purchase.day + moved_by) for purchase in found]


def purchase_commands(
    purchases: Iterable[Purchase],
    store: StoreSettings,
    until: date = END,
    *,
    end: datetime | None = None,
) -> Iterator[Command | AdvanceClock]:
    """Yields the commands. `issued_at` rises strictly, and lies within the shop's hours in the store's zone.

    A member is registered before the first purchase, buys the store's first reward after every third one, and
    spends 12.5 points after every fifth, even if the points do not suffice. The last command is an
    AdvanceClock, which must be written to every partition. It is of `end`, or else of the opening on `until`.
    """
    counts: Counter[str] = Counter()
    for day, group in groupby(sorted(purchases, key=attrgetter("day")), key=attrgetter("day")):
        bought = list(group)
        gap = OPEN_FOR / (len(bought) * _MOST_EACH)
        for index, purchase in enumerate(bought):
            counts[purchase.customer] += 1
            start = _opening(day, store) + index * _MOST_EACH * gap
            yield from _commands_of_purchase(purchase, counts[purchase.customer], store, start, gap)
    clock_id = derived_id(store.store, "cdnow", "end")
    yield AdvanceClock(command_id=clock_id, issued_at=end or _opening(until, store))


def member_id(store: str, customer: str) -> str:
    return derived_id(store, "cdnow", "member", customer)


def _opening(day: date, store: StoreSettings) -> datetime:
    return datetime.combine(day, OPENS, ZoneInfo(store.time_zone)).astimezone(UTC)


def _commands_of_purchase(
    purchase: Purchase, count: int, store: StoreSettings, start: datetime, gap: timedelta
) -> Iterator[Command]:
    """The commands of a member's `count`th purchase, `gap` apart."""

    def head(kind: str, place: int) -> _Head:
        return {
            "command_id": derived_id(store.store, "cdnow", str(purchase.line), kind),
            "store": store.store,
            "member_id": member_id(store.store, purchase.customer),
            "issued_at": start + place * gap,
        }

    if count == 1:
        yield RegisterMember(**head("register", 0), profile=_profile(purchase.customer))
    yield RegisterTransaction(
        **head("purchase", 1),
        document_number=f"CDNOW-{purchase.line}",
        purchased_at=start + gap,
        items=(Item(sku="CD", name="Compact disc", quantity=purchase.cds, gross_value=purchase.dollars),),
    )
    if count % REWARD_EVERY == 0:
        yield BuyReward(**head("reward", 2), reward_id=store.rewards[0].reward_id)
    if count % SPEND_EVERY == 0:
        yield SpendUnits(**head("spend", 3), units=SPENT_UNITS, comment="Gift wrapping")


def _profile(customer: str) -> Profile:
    return Profile(
        first_name="Member",
        last_name=customer,
        email=f"member-{customer}@example.com",
        loyalty_card_number=f"CD{customer}",
    )
