"""Deliveries that were given up, sent again from the panel."""

from datetime import timedelta

from msgspec.structs import replace

from tests.api.conftest import Door
from tests.delivery.journal_records import delivery, letter
from tests.panel.conftest import Visitor, employ
from tests.panel.test_deliveries import HOSTILE, SAFE
from tests.samples import NOON, subscription, uid

PAGE = f"/panel/DEFAULT/webhooks/{uid(500)}/redrive"
SHOP = replace(subscription("CustomerRegistered", number=500), url="https://shop.example/hook")
HOUR = timedelta(hours=1)


def given_up(door: Door, *numbers: int) -> None:
    """So many hours before noon each."""
    door.index.put(SHOP)
    for number in numbers:
        door.box.letters.append(letter(delivery(number), NOON - number * HOUR))


def test_those_given_up_are_counted_before_anything_is_sent(door: Door, visitor: Visitor) -> None:
    given_up(door, 1, 2, 5)

    page = visitor.get(PAGE, since="2026-03-02T09:00", count="true")

    assert "2 of 2 given up" in page.text
    assert "Send 2 again" in page.text
    assert page.rows() == [
        "2026-03-02 11:00:00 CustomerRegistered 503 given up after 3 attempts, the last one answered 503 yes",
        "2026-03-02 10:00:00 CustomerRegistered 503 given up after 3 attempts, the last one answered 503 yes",
    ]
    assert door.box.deliveries == []


def test_confirmed_they_go_out_again_and_it_says_how_many(door: Door, visitor: Visitor) -> None:
    given_up(door, 1, 2, 5)

    counted = visitor.get(PAGE, since="2026-03-02T09:00", count="true")
    sent = visitor.post(PAGE, **{**counted.fields, "form_token": visitor.form_token})
    after = visitor.get(sent.location)

    assert sent.status == 303
    assert [each.delivery_id for each in door.box.deliveries] == [uid(1), uid(2)]
    assert "2 deliveries go out again. None of them is left." in after.text
    assert after.fields["since"] == "2026-03-02T09:00"


def test_the_day_before_is_proposed(door: Door, visitor: Visitor) -> None:
    given_up(door)

    assert visitor.get(PAGE).fields["since"] == "2025-10-19T13:18"


def test_times_are_in_the_store_s_zone(door: Door, visitor: Visitor) -> None:
    settings = door.programme.settings["DEFAULT"]
    door.programme.settings["DEFAULT"] = replace(settings, time_zone="Europe/Warsaw")
    given_up(door, 1, 2)

    page = visitor.get(PAGE, since="2026-03-02T11:30", count="true")

    assert "1 of 1 given up" in page.text
    assert "2026-03-02 12:00:00 CustomerRegistered" in page.text


def test_they_are_narrowed_by_event_and_answer(door: Door, visitor: Visitor) -> None:
    given_up(door, 1)
    since = "2026-03-02T00:00"

    assert "1 of 1 given up" in visitor.get(PAGE, since=since, status="5xx", count="true").text
    assert "0 of 0 given up" in visitor.get(PAGE, since=since, status="none", count="true").text
    assert "0 of 0 given up" in visitor.get(PAGE, since=since, event="CustomerUpdated", count="true").text


def test_what_is_typed_wrong_is_told_beside_its_field_and_kept(door: Door, visitor: Visitor) -> None:
    given_up(door, 1)

    empty = visitor.get(PAGE, since="", status="teapot", count="true")
    turned = visitor.get(PAGE, since="2026-03-02T10:00", until="2026-03-02T09:00", count="true")

    assert (empty.status, turned.status) == (400, 400)
    assert "From when on?" in empty.text
    assert "404, 5xx, or none for no answer." in empty.text
    assert empty.fields["status"] == "teapot"
    assert "It must be before until" in turned.text


def test_nothing_is_sent_to_a_paused_webhook(door: Door, visitor: Visitor) -> None:
    given_up(door, 1)
    door.index.put(replace(SHOP, state="paused"))

    counted = visitor.get(PAGE, since="2026-03-02T09:00", count="true")
    sent = visitor.post(PAGE, since="2026-03-02T09:00")

    assert "The webhook is paused: set it active first." in counted.text
    assert "The subscription is paused: set it active first." in sent.text
    assert (sent.status, door.box.deliveries) == (400, [])


def test_only_who_may_change_subscriptions_sends(door: Door) -> None:
    given_up(door, 1)
    employ(door, "rita", scopes=("read",))
    rita = Visitor(door)
    rita.sign_in("rita")

    assert "You may look, and not send." in rita.get(PAGE, since="2026-03-02T09:00", count="true").text
    assert rita.post(PAGE, since="2026-03-02T09:00").status == 403
    assert door.box.deliveries == []


def test_a_form_of_another_session_sends_nothing(door: Door, visitor: Visitor) -> None:
    given_up(door, 1)

    assert visitor.post(PAGE, form_token="forged", since="2026-03-02T09:00").status == 403
    assert door.box.deliveries == []


def test_what_was_said_of_failures_is_text(door: Door, visitor: Visitor) -> None:
    door.index.put(replace(SHOP, url=f"https://shop.example/{HOSTILE}"))
    door.box.letters.append(replace(letter(delivery(1)), reason=HOSTILE))

    counted = visitor.get(PAGE, since="2026-03-02T09:00", count="true")
    wrong = visitor.get(PAGE, since=HOSTILE, until=HOSTILE, status=HOSTILE, count="true")

    for page in (counted, wrong):
        assert "<img src=x" not in page.html
        assert SAFE in page.html
