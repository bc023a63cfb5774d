"""Listeners: a machine fetches the requests that an endpoint would get."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from api.auth.audit import AuditTrail
from api.services.listener_leases import remove_ended
from api.services.listeners import MAX_LISTENERS, ListenerPorts
from api.services.signing_keys import SealedKeys
from connectors.http.attempt_sender import AttemptSender
from streams.delivery.fan_out import fan_out
from streams.delivery.listeners import LEASE
from streams.delivery.records import Delivery, Subscription
from streams.webhooks.events import CustomerLevelChanged, CustomerRegistered
from tests.api.conftest import SAFE, START, Door, complaints
from tests.api.test_why import EVENT
from tests.connectors.fakes import FakeSender
from tests.samples import uid
from tests.webhooks.told import TOLD

LISTENERS = "/api/DEFAULT/webhook/listener"
HOOKS = "http://localhost:3000/hooks"


def event(number: int, store: str = "DEFAULT") -> CustomerRegistered:
    return replace(EVENT, webhook_event_id=uid(number), store=store)


def begin(door: Door, **fields: object) -> dict[str, Any]:
    asked = {"forwardUrl": HOOKS, "signing": "none"} | fields
    answer = door.call("POST", LISTENERS, json={"listener": asked})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def fetch(door: Door, listener_id: str, **fields: object) -> dict[str, Any]:
    answer = door.call("POST", f"{LISTENERS}/{listener_id}/fetch", json={"fetch": fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_listener_fetches_what_is_published_after_it_began_and_nothing_twice(door: Door) -> None:
    door.listening.publish(event(1))
    listener = begin(door)["listenerId"]
    door.listening.publish(event(2), event(3, store="OTHER"), event(4))
    door.listening.publish(event(5), partition=1)

    first = fetch(door, listener, most=2)
    rest = fetch(door, listener, after=first["next"])
    nothing = fetch(door, listener, after=rest["next"])

    page = [*first["requests"], *rest["requests"]]
    names = [request["eventName"] for request in page]
    assert names == ["CustomerRegistered"] * 3
    assert len({request["messageId"] for request in page}) == 3
    assert (len(first["requests"]), nothing["requests"]) == (2, [])


def test_what_was_lost_on_the_way_is_given_again_with_the_same_message_id(door: Door) -> None:
    listener = begin(door)["listenerId"]
    door.listening.publish(event(2), event(3), event(4))
    before = fetch(door, listener)["requests"]

    again = fetch(door, listener, after=before[0]["cursor"])["requests"]

    assert [one["messageId"] for one in again] == [one["messageId"] for one in before[1:]]


def test_both_requests_of_one_event_are_given_once_wherever_the_connection_is_cut() -> None:
    """A move to another level is told by two legacy webhooks."""
    door = Door()
    level = next(one for one in TOLD if isinstance(one, CustomerLevelChanged))
    moved = replace(level, store="DEFAULT", automatic=True, move_up=True)
    listener = begin(door, legacy=True)["listenerId"]
    door.listening.publish(moved, event(3))
    door.listening.publish(event(4), partition=1)
    whole = [one["messageId"] for one in fetch(door, listener)["requests"]]

    one_by_one, after = [], None
    for _ in whole:
        (request,) = fetch(door, listener, most=1, after=after)["requests"]
        one_by_one.append(request["messageId"])
        after = request["cursor"]

    assert len(whole) == 4
    assert one_by_one == whole
    assert fetch(door, listener, after=after)["requests"] == []


def test_a_request_is_byte_for_byte_what_an_endpoint_would_get() -> None:
    door = Door(signer=SealedKeys(SAFE), vault=SAFE)
    began = begin(door, signing="standard")
    door.listening.publish(event(2))

    (request,) = fetch(door, began["listenerId"])["requests"]

    kept = door.listening.listeners.get(began["listenerId"])
    assert kept
    (delivery,) = fan_out(event(2), [kept.as_subscription()])
    sink = FakeSender()
    door.call("GET", "/health")
    at = door.clock.now
    _send(AttemptSender(sink, SAFE), delivery, kept.as_subscription(), request, at)
    (sent,) = sink.sent
    assert request["body"].encode() == sent.body
    assert {name.lower(): value for name, value in request["headers"].items()}.keys() == sent.headers.keys()
    Webhook(began["secret"]).verify(request["body"], _fresh(began["secret"], request))
    assert (sent.url, request["headers"]["User-Agent"]) == (HOOKS, sent.headers["user-agent"])


def _send(
    sender: AttemptSender, delivery: Delivery, to: Subscription, request: dict[str, Any], at: Any
) -> None:
    asyncio.run(sender.send(delivery, to, json.loads(request["body"])["requestId"], at))


def _fresh(secret: str, request: dict[str, Any]) -> dict[str, str]:
    """The request's headers with the present time, where its signature is the one for its own time."""
    headers = {name.lower(): value for name, value in request["headers"].items()}
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert Webhook(secret).sign(headers["webhook-id"], at, request["body"]) == headers["webhook-signature"]
    now = datetime.now(UTC)
    return headers | {
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(headers["webhook-id"], now, request["body"]),
    }


def test_a_secret_of_ones_own_signs_and_is_never_shown_again() -> None:
    door = Door(signer=SealedKeys(SAFE), vault=SAFE)
    secret = "whsec_" + "QUJD" * 10

    began = begin(door, signing="original", secret=secret)

    assert began["secret"] == secret
    assert secret not in door.call("GET", LISTENERS).text
    assert secret not in repr(door.listening.listeners.all())


def test_only_events_that_were_asked_for_are_given(door: Door) -> None:
    listener = begin(door, events=["customer.updated"])["listenerId"]
    door.listening.publish(event(2))

    assert fetch(door, listener)["requests"] == []


def test_a_listener_makes_no_delivery_and_is_no_subscription(door: Door) -> None:
    listener = begin(door)["listenerId"]
    door.listening.publish(event(2))
    fetch(door, listener)

    assert door.endpoints.sent == []
    assert list(door.index) == []
    assert [change.subject for change in door.audit.changes] == ["listener"]


def test_two_listeners_are_independent(door: Door) -> None:
    one, other = begin(door)["listenerId"], begin(door)["listenerId"]
    door.listening.publish(event(2))
    fetch(door, one)
    door.call("DELETE", f"{LISTENERS}/{one}")

    assert len(fetch(door, other)["requests"]) == 1
    assert door.call("POST", f"{LISTENERS}/{one}/fetch", json={"fetch": {}}).status_code == 404
    assert [each["listenerId"] for each in door.get(LISTENERS)["items"]] == [other]


def test_a_listener_that_does_not_ask_ends_with_its_lease_and_leaves_nothing(door: Door) -> None:
    listener = begin(door)["listenerId"]
    door.clock.now += LEASE

    assert door.call("POST", f"{LISTENERS}/{listener}/fetch", json={"fetch": {}}).status_code == 404
    assert door.get(LISTENERS)["items"] == []
    remove_all(door.listening.ports, door)

    assert door.listening.listeners.all() == ()
    assert [(change.action, change.who) for change in door.audit.changes[1:]] == [("deleted", "lease over")]


def remove_all(ports: ListenerPorts, door: Door) -> None:
    asyncio.run(remove_ended(ports, AuditTrail(door.audit.append, door.clock.peek), door.clock.peek()))


def test_asking_renews_the_lease(door: Door) -> None:
    listener = begin(door)["listenerId"]
    for _ in range(5):
        door.clock.now += LEASE - timedelta(minutes=1)
        fetch(door, listener)

    assert door.clock.now - START > 2 * LEASE
    # Renewals are no changes that an auditor looks for.
    assert len(door.audit.changes) == 1


def test_no_cursor_reaches_back_before_the_listener_began(door: Door) -> None:
    door.listening.publish(event(1))
    listener = begin(door)["listenerId"]

    assert fetch(door, listener, after="0.0.0")["requests"] == []


def test_what_is_wrong_with_a_wish_is_named_with_its_field(door: Door) -> None:
    answer = door.call("POST", LISTENERS, json={"listener": {"forwardUrl": HOOKS, "events": ["Nope"]}})
    assert complaints(answer)["listener.events.0"].startswith('There is no event "Nope"; valid: ')
    answer = door.call("POST", LISTENERS, json={"listener": {"forwardUrl": "ftp://x"}})
    assert complaints(answer) == {"listener.forwardUrl": "The URL must begin with http:// or https://."}
    answer = door.call("POST", LISTENERS, json={"listener": {"forwardUrl": HOOKS}})
    assert "Webhooks cannot be signed here" in next(iter(complaints(answer).values()))
    listener = begin(door)["listenerId"]
    answer = door.call("POST", f"{LISTENERS}/{listener}/fetch", json={"fetch": {"after": "1.x"}})
    assert "fetch.after" in complaints(answer)


def test_a_store_has_a_bounded_number_of_listeners(door: Door) -> None:
    for _ in range(MAX_LISTENERS):
        begin(door)

    answer = door.call("POST", LISTENERS, json={"listener": {"forwardUrl": HOOKS, "signing": "none"}})

    assert (answer.status_code, "end one" in answer.text) == (409, True)


def test_an_example_reaches_one_listener_marked_as_a_test_and_of_the_member(door: Door) -> None:
    one, other = begin(door)["listenerId"], begin(door)["listenerId"]
    member = door.call(
        "POST", "/api/DEFAULT/member", json={"customer": {"email": "eve@example.com", "firstName": "Eve"}}
    ).json()["customerId"]
    asked = {"example": {"eventName": "customer.registered", "customer": "email=eve@example.com"}}

    told = door.call("POST", f"{LISTENERS}/{one}/test", json=asked)

    assert told.status_code == 202, told.text
    (request,) = fetch(door, one)["requests"]
    assert (request["isTest"], request["headers"]["Webhook-Test"]) == (True, "true")
    assert (request["customerId"], request["messageId"]) == (member, told.json()["messageId"])
    assert '"email":"eve@example.com"' in request["body"]
    assert fetch(door, other)["requests"] == []


def test_an_example_is_of_an_event_that_is_asked_for(door: Door) -> None:
    listener = begin(door, events=["CustomerUpdated"])["listenerId"]

    answer = door.call(
        "POST", f"{LISTENERS}/{listener}/test", json={"example": {"eventName": "CustomerRegistered"}}
    )

    message = "CustomerRegistered is not asked for here; asked for: CustomerUpdated"
    assert complaints(answer) == {"example.eventName": message}


def test_a_subscription_is_sent_the_example_that_was_asked_for(door: Door) -> None:
    subscription = door.subscribed(eventName="*")
    asked = {"example": {"eventName": "CustomerDeactivated"}}

    answer = door.call("POST", f"/api/DEFAULT/webhook/subscription/{subscription}/test", json=asked)

    assert answer.json()["eventName"] == "CustomerDeactivated"
    assert door.endpoints.sent[0].headers["webhook-test"] == "true"
