"""Replays over HTTP: counted, asked for, watched, cancelled; and what is refused."""

from typing import Any

import httpx
from msgspec.structs import replace

from streams.delivery.replay_jobs import ReplayProgress
from tests.api.conftest import KEY, PATH, START, Door, complaints
from tests.api.past import PROCESS, Recounted

YESTERDAY = "2025-10-19T13:18:38Z"


def replay(
    door: Door, to: str, query: str = "", /, *, key: str | None = None, **fields: Any
) -> httpx.Response:
    headers = {"X-AUTH-TOKEN": KEY} | ({"Idempotency-Key": key} if key else {})
    body = {"replay": {"from": YESTERDAY, **fields}}
    return door.call("POST", f"{PATH}/{to}/replay{query}", json=body, headers=headers)


def asked(door: Door, to: str) -> str:
    answer = replay(door, to)
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["replayId"]
    return found


def progress(replay_id: str, **fields: Any) -> ReplayProgress:
    made = ReplayProgress(
        replay_id=replay_id, state="running", process="there", told_at=START, begun_at=START
    )
    return replace(made, **fields)


def test_it_is_counted_and_nothing_is_sent(door: Door) -> None:
    to = door.subscribed()
    door.replays.counts = Recounted(250, offsets=900)

    answer = replay(door, to, "?dryRun=true", rate=100)

    assert answer.status_code == 200
    assert answer.json() == {
        "deliveries": 250,
        "exact": True,
        "webhookEvents": 900,
        "seconds": 3,
        "arrays": [],
    }
    assert door.replays.orders.open() == []


def test_it_is_asked_for_and_watched_to_its_end(door: Door) -> None:
    to = door.subscribed()
    door.audit.changes.clear()

    answer = replay(door, to, eventName="customer.registered", rate=50, to="2025-10-20T12:00:00+02:00")
    made = answer.json()
    path = f"{PATH}/{to}/replay/{made['replayId']}"

    assert answer.status_code == 202
    assert answer.headers["location"] == made["statusUrl"] == path
    assert made == {
        "replayId": made["replayId"],
        "webhookSubscriptionId": to,
        "from": "2025-10-19T13:18:38+00:00",
        "to": "2025-10-20T10:00:00+00:00",
        "eventName": "CustomerRegistered",
        "customerId": None,
        "only": "all",
        "rate": 50,
        "askedBy": made["askedBy"],
        "askedAt": made["askedAt"],
        "state": "asked",
        "counted": None,
        "exact": True,
        "sent": 0,
        "remaining": None,
        "secondsLeft": None,
        "webhookEvents": {"all": None, "read": 0},
        "startedAt": None,
        "endedAt": None,
        "error": None,
        "statusUrl": path,
    }
    assert [(c.action, c.subject, c.subject_id) for c in door.audit.changes] == [
        ("created", "replay", made["replayId"])
    ]
    (order,) = door.replays.orders.open()
    assert order.order.process == PROCESS

    door.replays.orders.progressed(
        made["replayId"], progress(made["replayId"], counted=200, sent=80, offsets=1000, read=400)
    )
    seen = door.get(path)
    assert (seen["state"], seen["counted"], seen["sent"], seen["remaining"], seen["secondsLeft"]) == (
        ("running", 200, 80, 120, 3)
    )
    assert seen["webhookEvents"] == {"all": 1000, "read": 400}

    ended = progress(made["replayId"], state="done", counted=200, sent=200, ended_at=START)
    door.replays.orders.progressed(made["replayId"], ended)
    listed = door.get(f"{PATH}/{to}/replay")
    assert [(each["state"], each["remaining"]) for each in listed["items"]] == [("done", 0)]
    assert listed["total"] == {"all": 1, "filtered": 1, "estimated": False}


def test_cancelled_it_is_ending_and_once_it_has_ended_it_cannot_be_cancelled(door: Door) -> None:
    to = door.subscribed()
    replay_id = asked(door, to)
    path = f"{PATH}/{to}/replay/{replay_id}"
    orders = door.replays.orders

    def ends(changed: str) -> None:
        found = orders.get(changed)
        if found and found.order.cancelled_at and not found.ended:
            orders.progressed(changed, progress(changed, state="cancelled", sent=7, ended_at=START))

    forget = orders.tell(ends)
    cancelled = door.call("DELETE", path)
    forget()
    again = door.call("DELETE", path)

    assert (cancelled.status_code, cancelled.json()["state"], cancelled.json()["sent"]) == (
        200,
        "cancelled",
        7,
    )
    assert (again.status_code, again.json()["errors"][0]["message"]) == (409, "It is cancelled already.")
    assert [c.action for c in door.audit.changes if c.subject == "replay"] == ["created", "changed"]


def test_of_a_subscription_one_at_a_time_and_the_same_key_is_the_same_replay(door: Door) -> None:
    to, other = door.subscribed(), door.subscribed()

    first = replay(door, to, key="today").json()["replayId"]
    same = replay(door, to, key="today").json()["replayId"]
    second = replay(door, to)
    elsewhere = replay(door, other, key="today")

    assert same == first
    assert second.status_code == 409
    (error,) = second.json()["errors"]
    assert error["message"] == f"Replay {first} of the subscription is asked: wait for it, or cancel it."
    assert elsewhere.status_code == 202


def test_what_is_not_valid_is_named_with_what_would_be(door: Door) -> None:
    to = door.subscribed()

    def refused(**fields: Any) -> str:
        ((_, message),) = complaints(replay(door, to, **fields)).items()
        return message

    assert refused(eventName="Nothing").startswith('There is no event "Nothing"; valid: AvailablePoints')
    assert refused(eventName="CustomerUpdated") == "The subscription does not want CustomerUpdated."
    assert refused(rate=0) == "Input should be greater than or equal to 1"
    assert refused(only="some") == "Input should be 'all', 'missing' or 'failed'"
    assert refused(to="2025-10-01T00:00:00Z").startswith("It must be before 2025-10-01T00:00:00Z")
    assert refused(customerId="anna").startswith("String should match pattern")
    assert complaints(replay(door, to, **{"from": "soon"})) == {
        "replay.from": "Value error, must be an ISO 8601 instant such as 2025-10-20T13:18:38+02:00"
    }


def test_items_of_arrays_are_sent_alone_and_not_looked_up(door: Door) -> None:
    to = door.subscribed(eventName="LevelWillExpire", legacy=True)

    dry = replay(door, to, "?dryRun=true").json()
    refused = complaints(replay(door, to, only="missing"))

    assert dry["arrays"] == ["LevelWillExpire"]
    assert refused["replay.only"].startswith("Bodies of LevelWillExpire are arrays")


def test_what_cannot_be_looked_up_in_time_is_not_counted(door: Door) -> None:
    to = door.subscribed()
    door.replays.counts = None

    assert complaints(replay(door, to, "?dryRun=true", only="failed"))["replay.only"].startswith(
        'Too much was delivered since then to look up what is "failed" beforehand'
    )


def test_to_a_paused_subscription_nothing_is_replayed_and_of_others_nothing_is_seen(door: Door) -> None:
    to, other = door.subscribed(), door.subscribed()
    replay_id = asked(door, to)
    door.call("POST", f"{PATH}/{other}/pause")

    paused = replay(door, other)

    assert paused.status_code == 409
    assert paused.json()["errors"][0]["message"] == "The subscription is paused: set it active first."
    assert door.call("GET", f"{PATH}/{other}/replay/{replay_id}").status_code == 404
    assert door.call("GET", f"{PATH.replace('DEFAULT', 'OTHER')}/{to}/replay").status_code == 404
