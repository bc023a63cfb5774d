"""A member is forgotten through the API: by whom, and what is read of it afterwards."""

from typing import Any

from tests.api.conftest import Door
from tests.samples import uid

HOLDER = {
    "firstName": "Xyzzy",
    "email": "xyzzy@example.com",
    "phone": "+48123456789",
    "loyaltyCardNumber": "XYZZY-1",
}


def member(door: Door) -> str:
    answer = door.call("POST", "/api/DEFAULT/member", json={"customer": HOLDER})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["customerId"]
    units = {"transfer": {"customer": found, "points": 40, "comment": "for Xyzzy"}}
    assert door.call("POST", "/api/DEFAULT/points/add", json=units).status_code == 200
    return found


def erase(door: Door, who: str, **options: Any) -> int:
    return door.call("POST", f"/api/DEFAULT/member/{who}/erase", **options).status_code


def test_of_an_erased_member_the_books_are_read_and_nothing_else(door: Door) -> None:
    who = member(door)
    wallets = door.get(f"/api/DEFAULT/member/{who}/wallet")

    assert erase(door, who) == 204

    shown = door.get(f"/api/DEFAULT/member/{who}")
    assert "xyzzy" not in str(shown).lower()
    assert (shown["status"], shown["erasedAt"], shown["email"]) == (
        "deactivated",
        "2025-10-20T13:18:38+00:00",
        None,
    )
    assert door.get(f"/api/DEFAULT/member/{who}/wallet") == wallets
    assert door.call("GET", "/api/DEFAULT/member/email=xyzzy@example.com").status_code == 404


def test_a_member_is_erased_by_what_it_is_known_by(door: Door) -> None:
    who = member(door)

    assert erase(door, "email=xyzzy@example.com") == 204

    assert door.get(f"/api/DEFAULT/member/{who}")["email"] is None


def test_who_erases_is_written_down_before_and_again_changes_nothing(door: Door) -> None:
    who = member(door)

    assert [erase(door, who), erase(door, who)] == [204, 204]

    assert [(c.action, c.subject, c.subject_id) for c in door.audit.changes] == [
        ("deleted", "member", who)
    ] * 2
    assert len(door.programme.rejections()) == 0


def test_nothing_is_erased_that_cannot_be_written_down(door: Door) -> None:
    who = member(door)
    door.audit.away = True

    assert erase(door, who) == 503

    door.audit.away = False
    assert door.get(f"/api/DEFAULT/member/{who}")["email"] == "xyzzy@example.com"


def test_what_is_asked_of_an_erased_member_is_a_conflict(door: Door) -> None:
    who = member(door)
    erase(door, who)

    answer = door.call("PUT", f"/api/DEFAULT/member/{who}", json={"customer": HOLDER})

    assert answer.status_code == 409
    assert "was erased on 2025-10-20, for good" in answer.json()["errors"][0]["message"]


def test_there_must_be_such_a_member(door: Door) -> None:
    assert erase(door, uid(77)) == 404
    assert door.audit.changes == []
