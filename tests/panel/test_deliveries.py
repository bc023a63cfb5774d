"""The log of deliveries in the panel, of a store and of one webhook."""

from datetime import timedelta

from msgspec.structs import replace

from streams.delivery.records import Delivery
from tests.api.conftest import Door
from tests.delivery.journal_records import attempt, dated, delivery, letter
from tests.panel.conftest import Visitor, employ
from tests.samples import ANNA, BORIS, NOON, subscription, uid

LOG = "/panel/DEFAULT/deliveries"
OF_SHOP = f"/panel/DEFAULT/webhooks/{uid(500)}/log"
SHOP = replace(subscription("CustomerRegistered", number=500), url="https://shop.example/hook")
HOSTILE = """<img src=x onerror=alert(1)>"'"""
SAFE = "&lt;img src=x onerror=alert(1)&gt;&#34;&#39;"
MINUTE = timedelta(minutes=1)


def made(door: Door, number: int, outcome: str = "delivered", member: str = ANNA) -> Delivery:
    """A delivery that happened so many minutes before noon, and what came of it."""
    at = NOON - number * MINUTE
    one = dated(delivery(number, member), at)
    match outcome:
        case "pending":
            door.deliveries.hear(one, at=at)
        case "dead":
            door.deliveries.hear(one, attempt(one, "dead", at=at), letter(one, at), at=at)
        case "retry":
            door.deliveries.hear(one, attempt(one, "retry", at=at), at=at)
        case _:
            door.deliveries.hear(one, attempt(one, at=at), at=at)
    return one


def test_deliveries_are_listed_the_newest_first_with_what_became_of_them(
    door: Door, visitor: Visitor
) -> None:
    door.index.put(SHOP)
    made(door, 3)
    made(door, 2, "retry")
    made(door, 1, "pending")

    assert visitor.get(LOG).rows() == [
        "2026-03-02 11:59:00 CustomerRegistered https://shop.example/hook 00000000… pending 0 – –",
        "2026-03-02 11:58:00 CustomerRegistered https://shop.example/hook 00000000… retrying 1 503 "
        "2026-03-02 11:58:05",
        "2026-03-02 11:57:00 CustomerRegistered https://shop.example/hook 00000000… delivered 1 200 –",
    ]


def test_each_leads_to_its_page_and_its_member(door: Door, visitor: Visitor) -> None:
    made(door, 1)

    links = visitor.get(LOG).links

    assert links["2026-03-02 11:59:00"] == f"/panel/DEFAULT/deliveries/{uid(1)}"
    assert links["00000000…"] == f"/panel/DEFAULT/members/{ANNA}"
    assert links["Why didn’t I get it?"] == "/panel/DEFAULT/why"


def test_the_log_is_filtered_by_status_event_and_webhook(door: Door, visitor: Visitor) -> None:
    made(door, 2)
    made(door, 1, "dead")

    assert len(visitor.get(LOG, status="dead").rows()) == 1
    assert len(visitor.get(LOG, event="CustomerRegistered").rows()) == 2
    assert "No delivery fits" in visitor.get(LOG, event="CustomerUpdated").text
    assert "No delivery fits" in visitor.get(LOG, subscription=uid(501)).text


def test_the_log_is_filtered_by_a_member_s_mail_address(door: Door, visitor: Visitor) -> None:
    body = {"customer": {"email": "anna@example.com"}}
    member = door.call("POST", "/api/DEFAULT/member", json=body).json()["customerId"]
    made(door, 1, member=member)
    made(door, 2, member=BORIS)

    assert len(visitor.get(LOG, member="anna@example.com").rows()) == 1
    assert len(visitor.get(LOG, member=BORIS).rows()) == 1


def test_a_member_that_there_is_not_is_told_beside_the_field_and_kept(visitor: Visitor) -> None:
    page = visitor.get(LOG, member="nobody@example.com")

    assert "No member of this store has that e-mail address, phone number or card" in page.text
    assert page.fields["member"] == "nobody@example.com"


def test_times_are_typed_and_shown_in_the_store_s_zone(door: Door, visitor: Visitor) -> None:
    settings = door.programme.settings["DEFAULT"]
    door.programme.settings["DEFAULT"] = replace(settings, time_zone="Europe/Warsaw")
    made(door, 1)
    made(door, 30)

    page = visitor.get(LOG, since="2026-03-02T12:45", until="2026-03-02T13:00")

    assert [row[:19] for row in page.rows()] == ["2026-03-02 12:59:00"]
    assert "From (Europe/Warsaw)" in page.text


def test_an_end_before_the_beginning_is_told(visitor: Visitor) -> None:
    page = visitor.get(LOG, since="2026-03-02T12:45", until="2026-03-02T12:00")

    assert "This must be later than the beginning." in page.text


def test_what_is_no_time_is_told(visitor: Visitor) -> None:
    assert "That is no date and time" in visitor.get(LOG, since="yesterday").text
    late = visitor.get(LOG, until="9999-12-31T23:59-12:00").text
    assert "must lie between 1900-01-01 and 2199-12-31" in late


def test_older_ones_stand_on_further_pages(door: Door, visitor: Visitor) -> None:
    for number in range(1, 31):
        made(door, number)

    first = visitor.get(LOG)
    second = visitor.get(first.links["Older ›"])

    assert len(first.rows()) == 25
    assert [row[:19] for row in second.rows()] == [f"2026-03-02 11:{60 - n}:00" for n in range(26, 31)]
    assert second.links["« Newest"] == LOG
    assert "Older ›" not in second.links


def test_only_the_first_page_is_live(door: Door, visitor: Visitor) -> None:
    for number in range(1, 31):
        made(door, number)

    first = visitor.get(LOG)

    assert 'hx-trigger="every 3s"' in first.html
    assert 'hx-trigger="every 3s"' not in visitor.get(first.links["Older ›"]).html


def test_a_place_that_nobody_said_is_refused(visitor: Visitor) -> None:
    assert visitor.get(LOG, after="zz").status == 400
    assert visitor.get(LOG, after="00" * 60).status == 200


def test_the_log_of_a_webhook_has_its_own_alone(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    made(door, 1)
    other = delivery(2, to=uid(501))
    door.deliveries.hear(other, at=NOON)

    page = visitor.get(OF_SHOP)

    assert page.rows() == ["2026-03-02 11:59:00 CustomerRegistered 00000000… delivered 1 200 –"]


def test_the_last_day_of_a_webhook_is_drawn(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    door.clock.now = NOON
    visitor.sign_in()
    made(door, 30)
    made(door, 90, "dead")
    made(door, 100, "pending")

    text = visitor.get(OF_SHOP).text

    assert "1 on their way, the oldest since 2026-03-02 10:20:00 ." in text
    assert "11:00 1 0 0" in text
    assert "10:00 0 1 1" in text


def test_a_webhook_of_another_store_is_not_there(door: Door, visitor: Visitor) -> None:
    door.index.put(replace(SHOP, store="OTHER"))

    assert visitor.get(OF_SHOP).status == 404
    assert visitor.get("/panel/DEFAULT/webhooks/nonsense/log").status == 404


def test_another_store_s_deliveries_are_not_shown(door: Door, visitor: Visitor) -> None:
    door.deliveries.hear(replace(delivery(1), store="OTHER"), at=NOON)

    assert "Nothing was sent yet" in visitor.get(LOG).text


def test_a_log_that_is_being_read_says_so_and_comes_by_itself(door: Door, visitor: Visitor) -> None:
    door.deliveries.away = True

    page = visitor.get(LOG)

    assert (page.status, "The log is being read" in page.text) == (200, True)
    assert 'hx-trigger="every 3s"' in page.html


def test_what_endpoints_and_subscribers_say_is_text_in_the_log(door: Door, visitor: Visitor) -> None:
    door.index.put(replace(SHOP, url=f"https://shop.example/{HOSTILE}"))
    one = delivery(1)
    error = replace(attempt(one, "retry"), status=None, error=f"before sending: {HOSTILE}")
    door.deliveries.hear(one, error, at=NOON)

    for page in (visitor.get(LOG), visitor.get(OF_SHOP), visitor.get(LOG, member=HOSTILE)):
        assert "<img src=x" not in page.html
        assert SAFE in page.html


def test_nobody_looks_without_the_right_to_read(door: Door) -> None:
    employ(door, "carl", scopes=("commands",))
    carl = Visitor(door)
    carl.sign_in("carl")

    assert carl.get(LOG).status == 403
    assert Visitor(door).get(LOG).location.startswith("/panel/login?next=")


def test_the_page_of_a_webhook_has_its_log_and_what_can_be_done_about_it(
    door: Door, visitor: Visitor
) -> None:
    door.index.put(SHOP)
    made(door, 1)
    made(door, 2, "dead")

    page = visitor.get(f"/panel/DEFAULT/webhooks/{uid(500)}", status="dead")

    assert "2026-03-02 11:58:00 CustomerRegistered 00000000… dead 1 503 –" in page.rows()
    assert not any("11:59:00" in row for row in page.rows())
    for name in ("redrive", "replay"):
        assert f"/panel/DEFAULT/webhooks/{uid(500)}/{name}" in page.links.values()
