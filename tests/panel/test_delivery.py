"""One delivery in the panel: where it stands, its attempts and request, and trying it again."""

from datetime import timedelta

from msgspec.structs import replace

from streams.delivery.records import Delivery, Header
from tests.api.conftest import Door
from tests.delivery.journal_records import attempt, delivery, letter
from tests.panel.conftest import Visitor, employ
from tests.panel.test_deliveries import HOSTILE, SAFE
from tests.samples import NOON, subscription, uid

PAGE = f"/panel/DEFAULT/deliveries/{uid(1)}"
SHOP = replace(
    subscription("CustomerRegistered", number=500),
    url="https://shop.example/hook",
    headers=(Header(name="X-Shop", value="blue"), Header(name="X-Api-Key", value="hush")),
    signing="standard",
)


def dead(door: Door, one: Delivery) -> None:
    """It was tried, given up, and can be sent again."""
    door.index.put(SHOP)
    door.deliveries.hear(one, attempt(one, "dead"), letter(one), at=NOON)
    door.box.letters.append(letter(one))


def test_all_attempts_are_shown_with_what_went_wrong_in_plain_words(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    one = delivery(1)
    refused = replace(
        attempt(one, "retry", 1),
        status=None,
        error="before sending: could not connect to shop.example: Connection refused",
        error_class="before sending",
        response=None,
        duration_ms=2345,
    )
    busy = attempt(one, "retry", 2, NOON + timedelta(seconds=5))
    door.deliveries.hear(one, refused, busy, at=NOON)

    page = visitor.get(PAGE)

    assert (
        "retrying The last try failed: it is tried again. It is tried next at 2026-03-02 12:00:10"
        in page.text
    )
    assert page.rows()[:2] == [
        "2 2026-03-02 12:00:05 12 ms Failed, to be tried again 503: the endpoint is not available at present "
        "The endpoint has seen it, and refused. What the endpoint said busy",
        "1 2026-03-02 12:00:00 2.3 s Failed, to be tried again could not connect to shop.example: "
        "Connection refused The endpoint has seen nothing of it.",
    ]


def test_the_request_is_shown_as_it_was_sent_and_secrets_are_hidden(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    one = replace(delivery(1), data='{"amount":652.300000}')
    door.deliveries.hear(one, attempt(one), at=NOON)

    page = visitor.get(PAGE)

    assert "POST https://shop.example/hook" in page.text
    assert {"X-Shop blue", "X-Api-Key hidden", "webhook-signature hidden"} <= set(page.rows())
    assert "&#34;amount&#34;: 652.300000" in page.html
    assert "hush" not in page.html


def test_one_that_waits_is_looked_at_again_by_itself_and_one_that_is_over_is_not(
    door: Door, visitor: Visitor
) -> None:
    door.index.put(SHOP)
    one = delivery(1)

    door.deliveries.hear(one, at=NOON)
    waiting = visitor.get(PAGE)
    door.deliveries.hear(attempt(one), at=NOON)
    over = visitor.get(PAGE)

    assert "pending It waits for its turn: nothing was tried yet." in waiting.text
    assert "delivered It arrived." in over.text
    assert ("every 3s" in waiting.html, "every 3s" in over.html) == (True, False)


def test_one_of_a_paused_webhook_says_what_it_waits_for(door: Door, visitor: Visitor) -> None:
    door.index.put(replace(SHOP, state="paused"))
    door.deliveries.hear(delivery(1), at=NOON)

    assert "It waits until its webhook is active again. The webhook is paused" in visitor.get(PAGE).text


def test_retry_sends_a_dead_one_again_and_says_so(door: Door, visitor: Visitor) -> None:
    dead(door, delivery(1))

    before = visitor.get(PAGE)
    retried = visitor.post(f"{PAGE}/retry")
    door.deliveries.hear(delivery(1), at=NOON + timedelta(hours=1))
    after = visitor.get(retried.location)

    assert "dead It was given up, after 3 attempts, the last one answered 503." in before.text
    assert ">Retry</button>" in before.html
    assert (retried.status, retried.location) == (303, f"{PAGE}?note=redriven")
    assert [each.delivery_id for each in door.box.deliveries] == [uid(1)]
    assert "It is on its way again" in after.text
    assert ">Retry</button>" not in after.html


def test_a_delivered_one_is_sent_once_more(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    door.deliveries.hear(delivery(1), attempt(delivery(1)), at=NOON)
    door.box.deliveries.append(delivery(1))
    door.box.delivered.add(uid(1))

    before, retried = visitor.get(PAGE), visitor.post(f"{PAGE}/retry")

    assert "Send it once more" in before.text
    assert retried.location == f"{PAGE}?note=replayed"


def test_one_that_is_under_way_is_not_retried_and_says_why(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    door.deliveries.hear(delivery(1), at=NOON)
    door.box.deliveries.append(delivery(1))

    page = visitor.post(f"{PAGE}/retry")

    assert page.status == 409
    assert "It is under way: it is sent, or tried again, without being asked." in page.text


def test_one_whose_webhook_is_deleted_is_still_told_of(door: Door, visitor: Visitor) -> None:
    one = delivery(1)
    door.deliveries.hear(one, attempt(one, "dead"), letter(one), at=NOON)

    page = visitor.get(PAGE)

    assert "Its webhook is deleted: nothing is sent to it any more." in page.text
    assert "the address is not kept" in page.text
    assert visitor.post(f"{PAGE}/retry").status == 404


def test_one_whose_body_is_not_kept_any_more_says_so(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    door.deliveries.hear(delivery(1), attempt(delivery(1)), at=NOON)
    door.deliveries.forget_bodies()

    assert "What was sent is kept for seven days, and not any more." in visitor.get(PAGE).text


def test_only_who_may_change_subscriptions_retries(door: Door) -> None:
    dead(door, delivery(1))
    employ(door, "rita", scopes=("read",))
    rita = Visitor(door)
    rita.sign_in("rita")

    assert ">Retry</button>" not in rita.get(PAGE).html
    assert rita.post(f"{PAGE}/retry").status == 403
    assert door.box.deliveries == []


def test_a_form_of_another_session_retries_nothing(door: Door, visitor: Visitor) -> None:
    dead(door, delivery(1))

    assert visitor.post(f"{PAGE}/retry", form_token="forged").status == 403
    assert door.box.deliveries == []


def test_another_store_s_delivery_is_not_there(door: Door, visitor: Visitor) -> None:
    door.deliveries.hear(replace(delivery(1), store="OTHER"), at=NOON)

    assert visitor.get(PAGE).status == 404
    assert visitor.post(f"{PAGE}/retry").status == 404
    assert visitor.get("/panel/DEFAULT/deliveries/nonsense").status == 404


def test_whatever_endpoints_members_and_subscribers_say_is_text(door: Door, visitor: Visitor) -> None:
    door.index.put(
        replace(
            SHOP,
            url=f"https://shop.example/{HOSTILE}",
            headers=(Header(name=f"X-{HOSTILE}", value=HOSTILE),),
            description=HOSTILE,
        )
    )
    one = replace(delivery(1), data=f'{{"name": "{HOSTILE.replace(chr(34), "")}"}}', replay=HOSTILE)
    tried = replace(attempt(one, "retry"), response=HOSTILE, status=None, error=f"after sending: {HOSTILE}")
    given_up = replace(letter(one), reason=HOSTILE, delivery=one)
    door.deliveries.hear(one, tried, given_up, at=NOON)

    page = visitor.get(PAGE)

    assert "<img src=x" not in page.html
    assert page.html.count(SAFE) >= 7
