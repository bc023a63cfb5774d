"""Dead letters over HTTP: listed, sent again once each; and one delivery, whatever became of it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from streams.delivery.records import DeadLetter
from tests.api.conftest import PATH, START, Door, complaints
from tests.connectors.sink_driver import delivery
from tests.samples import uid


def letter(number: int, to: str, status: int | None = 503) -> DeadLetter:
    return DeadLetter(
        delivery=replace(delivery(number), subscription_id=to),
        reason=f"given up, no. {number}",
        attempts=14,
        status=status,
        given_up_at=START + timedelta(hours=number),
    )


@pytest.fixture
def to(door: Door) -> str:
    """A subscription with three dead letters, beside another one's."""
    made = door.subscribed()
    door.box.letters += [letter(1, made), letter(2, made, 404), letter(3, made, None)]
    door.box.letters.append(letter(4, door.subscribed()))
    return made


def redrive(door: Door, to: str, query: str = "", /, **fields: Any) -> httpx.Response:
    body = {"redrive": {"since": START.isoformat(), **fields}}
    return door.call("POST", f"{PATH}/{to}/dead-letter/redrive{query}", json=body)


def test_they_are_listed_the_newest_first_and_by_what_is_asked(door: Door, to: str) -> None:
    every = door.get(f"{PATH}/{to}/dead-letter")
    some = door.get(f"{PATH}/{to}/dead-letter", status="5xx")
    late = door.get(f"{PATH}/{to}/dead-letter", since="2025-10-20T15:00:00Z", _itemsOnPage="1")

    assert [each["messageId"] for each in every["items"]] == [uid(3), uid(2), uid(1)]
    assert some["items"] == [
        {
            "deadLetterId": "0:0",
            "messageId": uid(1),
            "eventName": "CustomerRegistered",
            "customerId": uid(1),
            "reason": "given up, no. 1",
            "attempts": 14,
            "status": 503,
            "givenUpAt": "2025-10-20T14:18:38+00:00",
            "redrivenAt": None,
            "obstacle": None,
        }
    ]
    assert ([each["messageId"] for each in late["items"]], late["total"]["all"]) == ([uid(3)], 2)


def test_nothing_of_a_member_that_is_erased_is_sent_again(door: Door, to: str) -> None:
    sent = replace(delivery(7), subscription_id=to)
    door.box.deliveries.append(sent)
    door.box.delivered.add(uid(7))
    door.box.erased.add(sent.member_id)

    answer = door.call("POST", f"{PATH}/{to}/delivery/{uid(7)}/retry")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "erased")
    assert len(door.box.deliveries) == 1


def test_they_are_counted_then_sent_again_once_each(door: Door, to: str) -> None:
    dry = redrive(door, to, "?dryRun=true").json()
    first = redrive(door, to, status="none").json()
    rest = redrive(door, to, eventName="customer.registered").json()

    assert dry == {"matching": 3, "redriven": 0, "remaining": 3, "obstacles": {}}
    assert first == {"matching": 1, "redriven": 1, "remaining": 0, "obstacles": {}}
    assert rest == {"matching": 3, "redriven": 2, "remaining": 0, "obstacles": {"re-driven before": 1}}
    assert [each.delivery_id for each in door.box.deliveries] == [uid(3), uid(1), uid(2)]
    told = [(c.action, c.subject_id) for c in door.audit.changes if c.subject == "delivery"]
    assert told == [("changed", to), ("changed", to)]


def test_one_is_sent_again_whatever_became_of_it_but_while_it_is_under_way(door: Door, to: str) -> None:
    def retry(number: int) -> httpx.Response:
        return door.call("POST", f"{PATH}/{to}/delivery/{uid(number)}/retry")

    door.box.deliveries += [replace(delivery(n), subscription_id=to) for n in (1, 7, 8)]
    door.box.delivered.add(uid(7))

    delivered, dead, under_way = retry(7), retry(1), retry(8)

    assert (delivered.status_code, delivered.json()) == (202, {"messageId": uid(7), "how": "replayed"})
    assert (dead.status_code, dead.json()["how"]) == (202, "redriven")
    assert under_way.status_code == retry(1).status_code == 409
    assert retry(99).status_code == 404
    again = door.box.deliveries[-2:]
    assert [(each.delivery_id, each.replay is not None) for each in again] == [
        (uid(7), True),
        (uid(1), False),
    ]
    # Their attempts are numbered on.
    assert [each.tried for each in again] == [3, door.box.letters[0].attempts]


def test_what_is_not_valid_is_named_with_what_would_be(door: Door, to: str) -> None:
    late = (START - timedelta(days=1)).isoformat()

    assert complaints(redrive(door, to, status="6xx")) == {
        "redrive.status": '"6xx" is not valid: 404, 5xx, or none for no answer.'
    }
    assert complaints(redrive(door, to, eventName="Nothing"))["redrive.eventName"].startswith(
        "There is no event"
    )
    assert complaints(redrive(door, to, until=late))["redrive.since"].startswith(
        "It must be before until, 2025"
    )
    answer = door.call("GET", f"{PATH}/{to}/dead-letter", params={"until": "soon"})
    assert complaints(answer)["until"].startswith('"soon" must be an ISO 8601 instant')


def test_to_a_paused_subscription_nothing_is_sent_again(door: Door, to: str) -> None:
    door.call("POST", f"{PATH}/{to}/pause")

    assert redrive(door, to).status_code == 409
    assert redrive(door, to, "?dryRun=true").status_code == 200
    assert door.call("POST", f"{PATH}/{to}/delivery/{uid(1)}/retry").status_code == 409
