"""Refused commands and unreadable records in the panel."""

from datetime import timedelta

from streams.rejections import CommandRejected, PoisonRecord
from tests.api.conftest import Door
from tests.panel.conftest import Visitor, employ
from tests.panel.test_deliveries import HOSTILE, SAFE
from tests.samples import ANNA, NOON, uid

REFUSALS, POISON = "/panel/DEFAULT/refusals", "/panel/DEFAULT/poison"


def refused(door: Door, number: int, store: str = "DEFAULT", **fields: str) -> None:
    made = {"command": "AddUnits", "field": "units", "value": str(number), "reason": "must be less"} | fields
    record = CommandRejected(
        command_id=uid(number),
        store=store,
        member_id=ANNA,
        rejected_at=NOON + timedelta(minutes=number),
        **made,
    )
    door.failures.refused.append(record)


def poisoned(door: Door, key: bytes | None, cause: str, value: bytes = b"\x00x") -> None:
    number = len(door.failures.poisoned)
    door.failures.poisoned.append(
        PoisonRecord(
            topic="commands",
            partition=1,
            offset=number,
            cause=cause,
            key=key,
            value=value,
            headers={},
            found_at=NOON,
        )
    )


def test_refused_commands_are_listed_the_newest_first_with_field_value_and_reason(
    door: Door, visitor: Visitor
) -> None:
    refused(door, 1)
    refused(door, 2, field="profile.email", value="eve@", reason="is no e-mail address")
    refused(door, 3, store="OTHER")

    page = visitor.get(REFUSALS)

    assert page.rows() == [
        f"2026-03-02 12:02:00 AddUnits {uid(2)} profile.email eve@ is no e-mail address {ANNA[:8]}…",
        f"2026-03-02 12:01:00 AddUnits {uid(1)} units 1 must be less {ANNA[:8]}…",
    ]
    assert visitor.get(REFUSALS, text="e-mail").rows() == page.rows()[:1]
    assert visitor.get(REFUSALS, member=uid(9)).rows() == []


def test_many_refused_commands_are_cut_into_pages(door: Door, visitor: Visitor) -> None:
    for number in range(60):
        refused(door, number)

    first, last = visitor.get(REFUSALS), visitor.get(REFUSALS, page="3")

    assert (len(first.rows()), len(last.rows())) == (25, 10)
    assert "Older" in first.text
    assert "Newer" not in first.text
    assert "Older" not in last.text
    assert visitor.get(first.links["Older"]).rows()[0].startswith("2026-03-02 12:34:00")


def test_hostile_texts_are_text(door: Door, visitor: Visitor) -> None:
    refused(door, 1, command=HOSTILE, value=HOSTILE, reason=HOSTILE, field=HOSTILE)
    poisoned(door, b"DEFAULT/" + HOSTILE.encode(), HOSTILE, HOSTILE.encode() + b"\x1b[2J\xff")

    for page in (visitor.get(REFUSALS), visitor.get(POISON)):
        assert HOSTILE not in page.html
        assert SAFE in page.html
        assert "\x1b" not in page.html


def test_poison_of_other_stores_is_for_those_who_may_enter_all(door: Door, visitor: Visitor) -> None:
    poisoned(door, b"DEFAULT/x", "is no AddUnits.v3")
    poisoned(door, b"OTHER/x", "of another store")
    poisoned(door, None, "has no key")

    everything = visitor.get(POISON).text
    bound = Visitor(door)
    bound.enter(employ(door, "bound", stores=("DEFAULT",)))
    limited = bound.get(POISON).text

    assert all(cause in everything for cause in ("is no AddUnits.v3", "of another store", "has no key"))
    assert "is no AddUnits.v3" in limited
    assert "of another store" not in limited
    assert "has no key" not in limited


def test_where_there_is_nothing_it_says_so(door: Door, visitor: Visitor) -> None:
    assert "No command was refused." in visitor.get(REFUSALS).text
    assert "No record was unreadable." in visitor.get(POISON).text
