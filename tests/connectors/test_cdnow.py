"""Purchases of a CD shop, read from the file and turned into commands."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from api.cli.store import parsed
from connectors import cdnow
from connectors.cdnow.history import member_id, move_purchases, purchase_commands
from connectors.cdnow.reader import Purchase, purchases
from streams.domain.commands import (
    AdvanceClock,
    BuyReward,
    Command,
    RegisterMember,
    RegisterTransaction,
    SpendUnits,
)
from streams.errors import Misconfigured
from streams.stages.context import StreamClock
from streams.topics import WEBHOOK_EVENTS
from tests.driver import Pipeline, instant

SHOP = parsed(cdnow.STORE)


def history(*lines: str) -> list[Command | AdvanceClock]:
    return list(purchase_commands(purchases(lines), SHOP))


def test_a_line_is_a_purchase_and_blank_lines_are_nothing() -> None:
    assert list(
        purchases([" 00004 0001 19970118  2   29.73\r\n", "\n", " 00021 0002 19970101  3   63.34"])
    ) == [
        Purchase(1, "00004", date(1997, 1, 18), 2, Decimal("29.73")),
        Purchase(3, "00021", date(1997, 1, 1), 3, Decimal("63.34")),
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("00004 0001 19970101 2", "has 4 fields, expected 5: customer, sample, date, cds, dollars"),
        ("00004 0001 19970101 2 29.33 x", "has 6 fields, expected 5: customer, sample, date, cds, dollars"),
        ("A0004 0001 19970101 2 29.33", "customer 'A0004' must be 1 to 12 digits"),
        ("00004 0001 970101 2 29.33", "date '970101' must be a day as yyyymmdd"),
        ("00004 0001 19970230 2 29.33", "date '19970230' is no day of the calendar: yyyymmdd"),
        ("00004 0001 19970101 0 29.33", "cds '0' must be a whole number from 1 to 999999"),
        ("00004 0001 19970101 2 -1.00", "dollars '-1.00' must be an amount such as 29.33"),
        ("00004 0001 19970101 2 nan", "dollars 'nan' must be an amount such as 29.33"),
        ("00004 0001 19970101 2 ١.٥٠", "dollars '١.٥٠' must be an amount such as 29.33"),
    ],
)
def test_what_is_no_purchase_is_named_with_line_field_and_value(line: str, complaint: str) -> None:
    good = "00004 0001 19970101 2 29.33"

    with pytest.raises(Misconfigured) as refused:
        list(purchases([good, line]))

    assert str(refused.value) == f"line 2: {complaint}"


def test_the_extract_is_sixty_customers_with_all_their_purchases() -> None:
    found = list(purchases(cdnow.EXTRACT.read_text().splitlines()))

    assert len(found) == 163
    assert len({purchase.customer for purchase in found}) == 60
    assert sum(purchase.dollars for purchase in found) == Decimal("5196.29")


def test_members_are_registered_at_their_first_purchase() -> None:
    made = history("00004 0001 19970202 1 10.00", "00004 0001 19970101 2 29.33")

    assert [type(command) for command in made] == [
        RegisterMember,
        RegisterTransaction,
        RegisterTransaction,
        AdvanceClock,
    ]
    registered, first, second, _ = made
    assert isinstance(registered, RegisterMember)
    assert isinstance(first, RegisterTransaction)
    assert isinstance(second, RegisterTransaction)
    assert registered.profile.email == "member-00004@example.com"
    assert registered.member_id == first.member_id == second.member_id == member_id("CDSHOP", "00004")
    assert (first.document_number, first.items[0].quantity, first.items[0].gross_value) == (
        "CDNOW-2",
        2,
        Decimal("29.33"),
    )
    assert first.purchased_at.date() == date(1997, 1, 1)


def test_moved_purchases_end_on_the_day_and_keep_their_distances() -> None:
    found = list(purchases(["00004 0001 19970101 2 29.33", "00021 0002 19970227 3 63.34"]))

    moved = move_purchases(found, date(2024, 3, 1))
    *_, clock = list(purchase_commands(moved, SHOP, end=instant("2024-03-02T12:00:00")))

    assert [purchase.day for purchase in moved] == [date(2024, 1, 4), date(2024, 3, 1)]
    assert [purchase.line for purchase in moved] == [1, 2]
    assert clock.issued_at == instant("2024-03-02T12:00:00")
    assert move_purchases([], date(2024, 3, 1)) == []


@pytest.mark.parametrize(
    "last_day", [date(2024, 3, 10), date(2025, 10, 31), date(2026, 11, 1), date(2027, 2, 28)]
)
def test_moved_purchases_lead_to_as_many_events_on_every_day(last_day: date) -> None:
    found = purchases(cdnow.EXTRACT.read_text().splitlines())
    end = datetime.combine(last_day + timedelta(days=1), time(5), ZoneInfo(SHOP.time_zone))
    run = Pipeline(SHOP, now=end, clock=StreamClock())

    run.when(*purchase_commands(move_purchases(found, last_day), SHOP, end=end.astimezone(UTC)))

    assert len(run.log[WEBHOOK_EVENTS.name]) == 1_028


def test_every_third_purchase_buys_a_reward_and_every_fifth_spends() -> None:
    made = history(*(f"00004 0001 199701{day:02} 1 10.00" for day in range(1, 7)))

    after = [type(command).__name__ for command in made if not isinstance(command, RegisterTransaction)]
    assert after == ["RegisterMember", "BuyReward", "SpendUnits", "BuyReward", "AdvanceClock"]
    assert [type(made[index]) for index in (4, 7)] == [BuyReward, SpendUnits]


def test_time_rises_strictly_and_the_same_file_gives_the_same_commands() -> None:
    lines = cdnow.EXTRACT.read_text().splitlines()

    made = history(*lines)

    assert made == history(*lines)
    assert len({command.command_id for command in made}) == len(made)
    assert all(a.issued_at < b.issued_at for a, b in pairwise(made))
    assert isinstance(made[-1], AdvanceClock)
