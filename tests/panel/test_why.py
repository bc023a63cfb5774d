"""“Why didn’t I get it?”, asked in the panel."""

from datetime import timedelta

from msgspec.structs import replace

from streams.delivery.records import Subscription
from streams.delivery.subscription_options import Condition
from streams.webhooks.events import CustomerUpdated
from tests.api.conftest import Door
from tests.delivery.journal_records import attempt, delivery, letter
from tests.panel.conftest import Visitor
from tests.panel.test_deliveries import HOSTILE, SAFE
from tests.samples import ANNA, NOON, subscription, uid
from tests.webhooks.told import AT, HEAD

PAGE = "/panel/DEFAULT/why"
UPDATED = CustomerUpdated(**HEAD)
MADE = AT - timedelta(days=9)
WANTS = replace(subscription("CustomerUpdated", number=500), url="https://shop.example/hook", created_at=MADE)
PLACED = {"member": ANNA, "at": "2026-05-04T09:15"}


def there(door: Door, *subscriptions: Subscription) -> None:
    for each in subscriptions:
        door.index.put(each)
        door.events.was(each.subscription_id, MADE, each)


def test_what_was_filtered_says_what_the_filter_wants_and_what_it_saw(door: Door, visitor: Visitor) -> None:
    only = Condition(path="customer.email", operator="eq", value='"Boris"')
    there(door, replace(WANTS, filter=(only,)))
    door.events.publish(UPDATED)

    page = visitor.get(PAGE, **PLACED)

    assert "CustomerUpdated of 2026-05-04 09:15:30" in page.text
    assert 'The filter wants customer.email eq "Boris" This event has "anna@example.com"' in page.text
    assert "If it should have come, change the webhook’s filter." in page.text
    assert page.links["Open the webhook"] == f"/panel/DEFAULT/webhooks/{uid(500)}"


def test_webhooks_that_never_asked_for_it_stand_apart(door: Door, visitor: Visitor) -> None:
    there(door, subscription("CustomerRegistered", number=501))
    door.events.publish(UPDATED)

    page = visitor.get(PAGE, **PLACED)

    assert "1 webhook does not ask for it" in page.text
    assert "It asks for CustomerRegistered, and this was CustomerUpdated." in page.text


def test_one_that_was_given_up_leads_to_the_delivery(door: Door, visitor: Visitor) -> None:
    one = delivery(1)
    door.index.put(replace(WANTS, event_name="CustomerRegistered"))
    door.deliveries.hear(one, attempt(one, "dead"), letter(one), at=NOON)

    page = visitor.get(PAGE, event=one.webhook_event_id)

    assert "dead CustomerRegistered https://shop.example/hook" in page.text
    assert "Mend the endpoint, then press Retry on the delivery’s page." in page.text
    assert page.links["Open the delivery"] == f"/panel/DEFAULT/deliveries/{uid(1)}"


def test_a_message_id_serves_as_well(door: Door, visitor: Visitor) -> None:
    one = delivery(1)
    door.index.put(replace(WANTS, event_name="CustomerRegistered"))
    door.deliveries.hear(one, attempt(one), at=NOON)

    assert "delivered CustomerRegistered" in visitor.get(PAGE, event=f" {uid(1).upper()} ").text


def test_times_in_sentences_are_in_the_store_s_zone(door: Door, visitor: Visitor) -> None:
    settings = door.programme.settings["DEFAULT"]
    door.programme.settings["DEFAULT"] = replace(settings, time_zone="Europe/Warsaw")
    one = delivery(1)
    door.index.put(replace(WANTS, event_name="CustomerRegistered"))
    door.deliveries.hear(one, attempt(one), at=NOON)

    page = visitor.get(PAGE, event=uid(1))

    assert "It was delivered at 2026-03-02 13:00:00 , by attempt 1, answered 200." in page.text


def test_what_only_looks_like_a_time_stays_as_it_was_given(door: Door, visitor: Visitor) -> None:
    said = '"2026-03-02T12:00:00+00:00"'
    there(door, replace(WANTS, filter=(Condition(path="customer.email", operator="eq", value=said),)))
    door.events.publish(UPDATED)

    assert f"Its filter wants customer.email eq {said};" in visitor.get(PAGE, **PLACED).text


def test_one_that_waits_for_a_paused_webhook_says_so(door: Door, visitor: Visitor) -> None:
    door.index.put(replace(WANTS, event_name="CustomerRegistered", state="paused"))
    door.deliveries.hear(delivery(1), at=NOON)

    page = visitor.get(PAGE, event=uid(1))

    assert "paused CustomerRegistered" in page.text
    assert "Resume the webhook: what waits goes out then." in page.text


def test_one_from_before_the_webhook_began_leads_to_a_replay_of_that_time(
    door: Door, visitor: Visitor
) -> None:
    there(door, replace(WANTS, active_from=AT + timedelta(days=1)))
    door.events.publish(UPDATED)

    page = visitor.get(PAGE, **PLACED)

    where = f"/panel/DEFAULT/webhooks/{uid(500)}/replay?since=2026-05-04T09:15&only=missing"
    assert page.links["Replay it"] == where
    assert visitor.get(where).fields["since"] == "2026-05-04T09:15"


def test_an_event_that_nobody_knows_says_what_else_to_give(door: Door, visitor: Visitor) -> None:
    there(door, WANTS)

    page = visitor.get(PAGE, event=uid(7))

    assert "unknown CustomerUpdated" in page.text
    assert "Give the member and the time too" in page.text


def test_a_member_to_whom_nothing_happened_says_so(door: Door, visitor: Visitor) -> None:
    there(door, WANTS)

    assert "Nothing happened to that member then" in visitor.get(PAGE, **PLACED).text


def test_a_store_without_webhooks_says_so(door: Door, visitor: Visitor) -> None:
    door.events.publish(UPDATED)

    assert "The store has no webhook, so nobody was told." in visitor.get(PAGE, **PLACED).text


def test_half_a_question_is_told_beside_its_field_and_kept(visitor: Visitor) -> None:
    no_time = visitor.get(PAGE, member="anna@example.com", asked="true")
    no_member = visitor.get(PAGE, at="2026-05-04T09:15", asked="true")
    no_id = visitor.get(PAGE, event="42")

    assert (no_time.status, no_member.status, no_id.status) == (400, 400, 400)
    assert "No member of this store has that e-mail address" in no_time.text
    assert "About when?" in no_time.text
    assert no_time.fields["member"] == "anna@example.com"
    assert "Give an event, or a member and a time." in no_member.text
    assert "That is no id" in no_id.text


def test_a_webhook_that_there_never_was_is_told(door: Door, visitor: Visitor) -> None:
    door.events.publish(UPDATED)

    page = visitor.get(PAGE, **PLACED, subscription=uid(999))

    assert (page.status, "There is no such webhook." in page.text) == (400, True)


def test_too_much_to_look_through_is_told_beside_the_time(door: Door, visitor: Visitor) -> None:
    there(door, WANTS)
    door.events.publish(*[UPDATED] * 21)

    page = visitor.get(PAGE, **PLACED)

    assert (page.status, "cannot be looked through" in page.text) == (400, True)


def test_a_member_s_page_leads_here_with_the_member_filled_in(visitor: Visitor) -> None:
    body = {"customer": {"email": "anna@example.com"}}
    member = visitor.door.call("POST", "/api/DEFAULT/member", json=body).json()["customerId"]

    there = visitor.get(f"/panel/DEFAULT/members/{member}").links["Why didn’t I get it?"]
    page = visitor.get(there)

    assert page.status == 200
    assert page.fields["member"] == member
    assert there == f"/panel/DEFAULT/why?member={member}"


def test_nothing_is_asked_before_something_is_typed(visitor: Visitor) -> None:
    page = visitor.get(PAGE)

    assert (page.status, "Find out" in page.text) == (200, True)


def test_what_members_and_subscribers_gave_is_text(door: Door, visitor: Visitor) -> None:
    only = Condition(path="customer.email", operator="eq", value='"<img src=x onerror=alert(2)>"')
    there(door, replace(WANTS, filter=(only,), url=f"https://shop.example/{HOSTILE}"))
    door.events.publish(replace(UPDATED, customer=replace(UPDATED.customer, email=HOSTILE)))

    answered = visitor.get(PAGE, **PLACED)
    wrong = visitor.get(PAGE, event=HOSTILE, member=HOSTILE, at=HOSTILE)

    for page in (answered, wrong):
        assert "<img src=x" not in page.html
    assert "&lt;img src=x onerror=alert(1)&gt;" in answered.html
    assert "&lt;img src=x onerror=alert(2)&gt;" in answered.html
    assert wrong.html.count(SAFE) >= 3
