"""Why a webhook was not received: one verdict for an event and a subscription, in one sentence."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from streams.delivery.backfill_recipients import BackfillRecipients
from streams.delivery.explain import PublishedEvent
from streams.delivery.fan_out import fan_out
from streams.delivery.legacy_batches import batch_lane
from streams.delivery.records import Attempt, DeadLetter, Delivery, EndpointStatus, Subscription
from streams.delivery.subscription_options import Condition
from streams.domain.values import Profile
from streams.webhooks.events import CustomerRegistered
from tests.api.conftest import START, Door, complaints
from tests.delivery.journal_records import SECOND, attempt, letter
from tests.samples import ANNA, BORIS, STORE, subscription, uid
from tests.stages.test_legacy_batches import LEVEL

PATH = "/api/DEFAULT/webhook/why"
ID = uid(500)
HOUR = timedelta(hours=1)
AT = START - HOUR
NEWS = replace(subscription("CustomerRegistered"), created_at=AT - 24 * HOUR)
EVENT = CustomerRegistered(
    webhook_event_id=uid(900_001),
    event_id=uid(910_001),
    store=STORE,
    member_id=ANNA,
    created_at=AT,
    profile=Profile(email="anna@example.com"),
    registered_at=AT,
)


def deliveries(event: CustomerRegistered = EVENT, of: Subscription = NEWS) -> list[Delivery]:
    return list(fan_out(event, [of]))


(ONE,) = deliveries()


def subscribed(door: Door, one: Subscription = NEWS) -> None:
    door.index.put(one)
    door.events.was(one.subscription_id, one.created_at, one)


def heard(door: Door, *records: Delivery | Attempt | DeadLetter) -> None:
    door.events.publish(EVENT)
    door.deliveries.hear(*records, at=AT)


def verdict(door: Door, **query: str) -> dict[str, Any]:
    """The only one, of the only event."""
    (event,) = door.get(PATH, **(query or {"customerId": ANNA, "at": AT.isoformat()}))["items"]
    assert (event["webhookEventId"], event["eventName"]) == (EVENT.webhook_event_id, "CustomerRegistered")
    (found,) = event["verdicts"]
    return dict(found)


def said(door: Door, **query: str) -> tuple[str, str]:
    found = verdict(door, **query)
    return found["verdict"], found["sentence"]


def test_what_was_delivered_says_when(door: Door) -> None:
    subscribed(door)
    heard(door, ONE, attempt(ONE, "retry", 1, AT), attempt(ONE, "delivered", 2, AT + 6 * SECOND))

    assert said(door) == (
        "delivered",
        "It was delivered at 2025-10-20T12:18:44+00:00, by attempt 2, answered 200.",
    )
    assert verdict(door, webhookEventId=EVENT.webhook_event_id)["messageId"] == ONE.delivery_id


def test_what_was_given_up_says_why(door: Door) -> None:
    subscribed(door)
    heard(door, ONE, attempt(ONE, "dead", 3, AT), letter(ONE))

    assert said(door) == (
        "dead",
        "It is a dead letter since 2025-10-20T12:18:38+00:00: "
        "given up after 3 attempts, the last one answered 503.",
    )


def test_what_waits_says_until_when_and_that_its_endpoint_fails(door: Door) -> None:
    subscribed(door)
    heard(door, ONE, attempt(ONE, "retry", 1, AT))
    door.conditions[ID] = status("failing")

    assert said(door) == (
        "pending",
        "It waits since 2025-10-20T12:18:38+00:00: attempt 1 failed at 2025-10-20T12:18:38+00:00, "
        "answered 503; the next one is due at 2025-10-20T12:18:43+00:00. The endpoint has failed since "
        "2025-10-20T11:18:38+00:00, the last time: answered 503. It gets single tries.",
    )


def status(state: Any) -> EndpointStatus:
    return EndpointStatus(
        subscription_id=ID,
        store=STORE,
        state=state,
        since=AT - HOUR,
        failures=7,
        reason="answered 503",
        told_at=AT,
    )


def test_what_has_not_been_tried_says_so(door: Door) -> None:
    subscribed(door)
    heard(door, ONE)

    assert said(door) == ("pending", "It waits since 2025-10-20T12:18:38+00:00: it has not been tried yet.")


def test_what_waits_behind_another_of_its_member_names_it(door: Door) -> None:
    subscribed(door)
    before = replace(ONE, delivery_id=uid(77), webhook_event_id=uid(900_077), created_at=AT - 2 * HOUR)
    door.deliveries.hear(before, attempt(before, "retry", 1, AT - 2 * HOUR), at=AT - 2 * HOUR)
    heard(door, ONE)

    assert said(door) == (
        "pending",
        "It waits since 2025-10-20T12:18:38+00:00: "
        f"CustomerRegistered {uid(77)} of the same member comes first, and is retrying.",
    )


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_a_subscription_that_is_held_holds_it(door: Door, state: Any) -> None:
    subscribed(door, replace(NEWS, state=state, state_since=AT - HOUR))
    heard(door, ONE)

    assert said(door) == (
        state,
        f"It waits since 2025-10-20T12:18:38+00:00: its subscription is {state}, "
        "since 2025-10-20T11:18:38+00:00. It goes out once that is active again.",
    )


def test_an_endpoint_that_the_sink_disabled_holds_it_until_it_is_set_active(door: Door) -> None:
    subscribed(door)
    heard(door, ONE)
    door.conditions[ID] = status("disabled")

    assert said(door)[0] == "disabled"
    subscribed(door, replace(NEWS, state_since=AT))
    assert said(door)[0] == "pending"


def test_a_filter_that_said_no_is_shown_with_what_it_saw(door: Door) -> None:
    wants = Condition(path="customerData.email", operator="eq", value='"boris@example.com"')
    subscribed(door, replace(NEWS, filter=(wants,)))
    heard(door)

    assert verdict(door) == {
        "subscriptionId": ID,
        "verdict": "filtered",
        "sentence": 'Its filter wants customerData.email eq "boris@example.com"; '
        'it is "anna@example.com" in this event.',
        "messageId": None,
        "condition": {"path": "customerData.email", "operator": "eq", "value": '"boris@example.com"'},
        "found": '"anna@example.com"',
    }


def test_a_filter_on_what_is_not_there_says_so(door: Door) -> None:
    subscribed(door, replace(NEWS, filter=(Condition(path="shoe.size", operator="gt", value="40"),)))
    heard(door)

    assert said(door) == ("filtered", "Its filter wants shoe.size gt 40; there is nothing in this event.")


def test_another_event_was_asked_for(door: Door) -> None:
    subscribed(door, replace(NEWS, event_name="CustomerUpdated"))
    heard(door)

    assert said(door) == ("not subscribed", "It asks for CustomerUpdated, and this was CustomerRegistered.")


def test_a_subscription_that_begins_later_is_not_active_yet(door: Door) -> None:
    subscribed(door, replace(NEWS, active_from=AT + HOUR))
    heard(door)

    assert said(door) == (
        "not active yet",
        "The event is of 2025-10-20T12:18:38+00:00; the subscription begins at 2025-10-20T13:18:38+00:00.",
    )


def test_an_event_before_the_subscription_was_too_early(door: Door) -> None:
    subscribed(door, replace(NEWS, created_at=AT + HOUR))
    heard(door)

    assert said(door) == (
        "not active yet",
        "It was published at 2025-10-20T12:18:38+00:00, "
        "the subscription was made at 2025-10-20T13:18:38+00:00.",
    )


def test_a_subscription_is_judged_by_what_it_was_then(door: Door) -> None:
    subscribed(door, replace(NEWS, event_name="CustomerUpdated"))
    door.events.was(ID, AT + HOUR, NEWS)
    door.index.put(NEWS)
    heard(door)

    assert said(door)[0] == "not subscribed"


def test_a_filter_of_a_subscription_just_made_is_the_reason_and_not_its_youth(door: Door) -> None:
    never = Condition(path="shoe.size", operator="exists", value="true")
    subscribed(door, replace(NEWS, created_at=AT - SECOND, filter=(never,)))
    heard(door)

    assert said(door)[0] == "filtered"


def test_what_it_was_may_not_be_known_any_more(door: Door) -> None:
    door.index.put(NEWS)
    door.events.was(ID, AT + HOUR, NEWS)
    heard(door)

    assert said(door)[0] == "unknown"


def test_what_the_fan_out_has_not_come_to_is_not_missing(door: Door) -> None:
    subscribed(door)
    door.events.publish(EVENT, ahead=True)

    assert said(door)[0] == "not come to yet"


def test_what_was_backfilled_for_others_is_not_missing(door: Door) -> None:
    subscribed(door)
    by = BackfillRecipients(name="past", subscriptions=(uid(501),))
    door.events.published.append(PublishedEvent(EVENT, AT, ahead=False, by=by))

    kind, sentence = said(door)
    assert kind == "filtered"
    assert sentence.endswith("for other subscriptions than this one.")


def test_what_should_have_been_made_is_missing(door: Door) -> None:
    subscribed(door)
    heard(door)

    assert said(door)[0] == "missing"


def test_what_is_too_old_is_not_called_missing(door: Door) -> None:
    month = timedelta(days=31)
    subscribed(door, replace(NEWS, created_at=AT - 2 * month))
    door.events.publish(EVENT, at=AT - month)

    assert said(door, customerId=ANNA, at=(AT - month).isoformat())[0] == "unknown"


def test_all_subscriptions_are_asked_unless_one_is_named(door: Door) -> None:
    subscribed(door)
    subscribed(door, replace(NEWS, subscription_id=uid(501), event_name="CustomerUpdated"))
    heard(door, ONE, attempt(ONE, "delivered", 1, AT))

    (event,) = door.get(PATH, webhookEventId=EVENT.webhook_event_id)["items"]

    assert [v["verdict"] for v in event["verdicts"]] == ["delivered", "not subscribed"]
    assert said(door, webhookEventId=EVENT.webhook_event_id, subscriptionId=uid(501))[0] == "not subscribed"
    unknown = door.call(
        "GET", PATH, params={"webhookEventId": EVENT.webhook_event_id, "subscriptionId": uid(9)}
    )
    assert unknown.status_code == 404


def test_a_delivery_of_a_subscription_that_was_removed_is_told_of_too(door: Door) -> None:
    heard(door, ONE)

    assert said(door) == (
        "pending",
        "It waits since 2025-10-20T12:18:38+00:00: its subscription was removed, so it will be given up.",
    )


def test_an_event_that_led_to_nothing_is_found_by_its_member_alone(door: Door) -> None:
    subscribed(door)
    door.events.publish(EVENT)

    (event,) = door.get(PATH, webhookEventId=EVENT.webhook_event_id)["items"]

    assert [v["verdict"] for v in event["verdicts"]] == ["unknown"]
    assert said(door, webhookEventId=EVENT.webhook_event_id, customerId=ANNA)[0] == "missing"


def test_what_happened_long_before_it_was_published_is_found_by_when_it_happened(door: Door) -> None:
    long_ago = replace(EVENT, created_at=AT - 10_000 * HOUR)
    (one,) = deliveries(long_ago)
    subscribed(door)
    door.events.publish(long_ago, at=AT)
    door.deliveries.hear(one, attempt(one, "delivered", 1, AT), at=AT)

    assert said(door, customerId=ANNA, at=long_ago.created_at.isoformat())[0] == "delivered"


def test_a_member_that_nothing_happened_to_has_no_events(door: Door) -> None:
    subscribed(door)
    heard(door, ONE)

    assert door.get(PATH, customerId=BORIS, at=AT.isoformat()) == {"items": []}
    assert door.get(PATH, customerId=ANNA, at=(AT - 5 * HOUR).isoformat()) == {"items": []}
    assert (
        len(door.get(PATH, customerId=ANNA, at=(AT - 5 * HOUR).isoformat(), withinMinutes="301")["items"])
        == 1
    )


def test_a_question_must_be_whole_and_not_too_large(door: Door) -> None:
    assert complaints(door.call("GET", PATH)) == {"webhookEventId": "Give it, or customerId and at."}
    bad = door.call("GET", PATH, params={"customerId": ANNA, "at": "then"})
    assert set(complaints(bad)) == {"at"}

    others = [replace(EVENT, webhook_event_id=uid(n), member_id=BORIS) for n in range(21)]
    door.events.publish(*others)

    assert complaints(door.call("GET", PATH, params={"customerId": ANNA, "at": AT.isoformat()})) == {
        "at": "The events of that time cannot be looked through: "
        "21 webhook events would have to be read, at most 20 may be."
    }


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_at_the_calendar_s_ends_nothing_can_be_asked(door: Door, at: str) -> None:
    answer = door.call("GET", PATH, params={"customerId": ANNA, "at": at})

    assert complaints(answer) == {"at": f'"{at}" must lie between 1900-01-01 and 2199-12-31.'}


def test_items_of_a_legacy_array_are_found_in_it(door: Door) -> None:
    array = replace(subscription("LevelWillExpire", legacy=True), created_at=AT - HOUR)
    subscribed(door, array)
    first, second, other = (
        replace(LEVEL, webhook_event_id=uid(n), store=STORE, member_id=member, created_at=AT + n * SECOND)
        for n, member in ((1, BORIS), (2, ANNA), (3, ANNA))
    )
    second = replace(second, customer=replace(LEVEL.customer, first_name="Anna"))
    other = replace(other, customer=replace(LEVEL.customer, first_name="Anna the third"))
    items = [next(fan_out(event, [array])) for event in (first, second)]
    batch = replace(
        items[0],
        member_id=batch_lane(ID, "LevelWillExpire"),
        data=f"[{items[0].data[1:-1]},{items[1].data[1:-1]}]",
    )
    door.events.publish(first, second, other)
    door.deliveries.hear(batch, attempt(batch, "delivered", 1, AT), at=AT)

    found = door.get(PATH, customerId=ANNA, at=AT.isoformat())["items"]

    assert [[v["verdict"] for v in event["verdicts"]] for event in found] == [["delivered"], ["pending"]]
    assert found[0]["verdicts"][0]["messageId"] == batch.delivery_id
    assert "collected with others for a legacy array" in found[1]["verdicts"][0]["sentence"]
    assert door.get("/api/DEFAULT/webhook/delivery")["items"][0]["customerId"] is None
