"""Replays in the panel: counted, started, watched, cancelled."""

from datetime import timedelta

from msgspec.structs import replace

from streams.delivery.replay_jobs import ReplayOrder, ReplayProgress
from tests.api.conftest import START, Door
from tests.api.past import Recounted
from tests.panel.conftest import Visitor, employ
from tests.panel.test_deliveries import HOSTILE, SAFE
from tests.samples import NOON, STORE, subscription, uid

PAGE = f"/panel/DEFAULT/webhooks/{uid(500)}/replay"
SINGLE = f"{PAGE}s/{uid(60)}"
SHOP = replace(subscription("CustomerRegistered", number=500), url="https://shop.example/hook")
SINCE = "2025-10-01T00:00"
ORDER = ReplayOrder(
    replay_id=uid(60),
    store=STORE,
    subscription_id=uid(500),
    since=START - timedelta(days=2),
    until=START,
    event_name=None,
    member_id=None,
    only="all",
    rate=100,
    asked_by="anna",
    asked_at=START,
    process="here",
)
RUNNING = ReplayProgress(
    replay_id=uid(60), state="running", process="here", told_at=NOON, counted=1000, sent=400
)


def begun(door: Door, order: ReplayOrder = ORDER, progress: ReplayProgress | None = RUNNING) -> None:
    door.index.put(SHOP)
    door.replays.orders.put(order.replay_id, order)
    door.replays.orders.progressed(order.replay_id, progress)


def test_what_would_be_sent_is_counted_first_with_how_long_it_takes(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    door.replays.counts = Recounted(12_345, exact=False, offsets=99_999)

    page = visitor.get(PAGE, since=SINCE, rate="50", count="true")

    assert "about 12,345 deliveries" in page.text
    assert "At 50 a second that takes about 4 minutes, or longer. 99,999 events are read for it." in page.text
    assert "Start the replay" in page.text
    assert door.replays.orders.open() == []


def test_started_it_is_asked_for_as_it_was_counted_and_watched(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    door.replays.counts = Recounted(3)

    counted = visitor.get(PAGE, since=SINCE, only="missing", rate="7", count="true")
    said = counted.fields | {"only": "missing", "form_token": visitor.form_token}
    started, again = visitor.post(PAGE, **said), visitor.post(PAGE, **said)
    watched = visitor.get(started.location)

    [open_] = door.replays.orders.open()
    assert (open_.order.only, open_.order.rate, open_.order.asked_by) == ("missing", 7, "anna")
    assert started.location == again.location == f"{PAGE}s/{open_.order.replay_id}"
    assert "about to begin" in watched.text
    assert "only what was never sent" in watched.text


def test_progress_is_a_bar_that_moves_by_itself_until_the_end(door: Door, visitor: Visitor) -> None:
    begun(door)

    running = visitor.get(SINGLE)
    begun(door, progress=replace(RUNNING, state="done", sent=1000, ended_at=START))
    done = visitor.get(SINGLE)

    assert '<progress aria-label="How much was sent" max="1000" value="400">' in running.html
    assert "running 400 of 1,000 sent. 6 seconds to go." in running.text
    assert "done 1,000 of 1,000 sent." in done.text
    assert ("every 1s" in running.html, "every 1s" in done.html) == (True, False)
    assert "<progress" not in done.html


def test_a_replay_is_cancelled(door: Door, visitor: Visitor) -> None:
    begun(door, progress=None)
    orders = door.replays.orders

    def played(replay_id: str) -> None:
        found = orders.get(replay_id)
        if found and not found.ended:
            orders.progressed(replay_id, replace(RUNNING, state="cancelled", ended_at=START))

    forget = orders.tell(played)
    cancelled, again = visitor.post(f"{SINGLE}/cancel"), visitor.post(f"{SINGLE}/cancel")
    forget()

    assert (cancelled.status, cancelled.location) == (303, f"{SINGLE}?note=cancelled")
    assert again.location == f"{SINGLE}?note=ended"
    assert "cancelled 400 of 1,000 sent." in visitor.get(SINGLE).text


def test_former_replays_are_listed_with_their_state(door: Door, visitor: Visitor) -> None:
    begun(door, progress=replace(RUNNING, state="failed", error="It broke.", ended_at=START))
    later = START + timedelta(hours=1)
    begun(door, replace(ORDER, replay_id=uid(61), asked_at=later, event_name="CustomerUpdated"), None)

    page = visitor.get(PAGE)

    assert page.rows() == [
        "2025-10-20 14:18:38 anna 2025-10-18 13:18:38 to 2025-10-20 13:18:38 , CustomerUpdated: everything "
        "of that time, delivered or not about to begin 0",
        "2025-10-20 13:18:38 anna 2025-10-18 13:18:38 to 2025-10-20 13:18:38 : everything of that time, "
        "delivered or not failed 400",
    ]
    assert "It broke." in visitor.get(SINGLE).text


def test_a_second_one_waits_for_the_first(door: Door, visitor: Visitor) -> None:
    begun(door)
    door.replays.counts = Recounted(3)

    counted = visitor.get(PAGE, since=SINCE, count="true")
    started = visitor.post(PAGE, since=SINCE, key=uid(1))

    assert "A replay of it is under way" in counted.text
    assert "Start the replay" not in counted.text
    assert started.status == 400
    assert "wait for it, or cancel it" in started.text


def test_what_is_typed_wrong_is_told_beside_its_field_and_kept(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)

    wrong = visitor.get(PAGE, since="", member="nobody@example.com", rate="0", count="true")
    future = visitor.get(PAGE, since="2030-01-01T00:00", count="true")
    other = visitor.get(PAGE, since=SINCE, event="CustomerUpdated", count="true")

    assert (wrong.status, future.status, other.status) == (400, 400, 400)
    assert "From when on?" in wrong.text
    assert "No member of this store has that e-mail address" in wrong.text
    assert "A whole number from 1 to 10,000." in wrong.text
    assert (wrong.fields["member"], wrong.fields["rate"]) == ("nobody@example.com", "0")
    assert "It must be before" in future.text
    assert "The subscription does not want CustomerUpdated." in other.text


def test_too_much_to_count_says_what_to_do(door: Door, visitor: Visitor) -> None:
    door.index.put(SHOP)
    door.replays.counts = None

    assert "ask for a shorter time" in visitor.get(PAGE, since=SINCE, only="failed", count="true").text


def test_nothing_is_replayed_to_a_paused_webhook(door: Door, visitor: Visitor) -> None:
    door.index.put(replace(SHOP, state="paused"))

    assert "set it active first" in visitor.get(PAGE).text
    assert visitor.post(PAGE, since=SINCE, key=uid(1)).status == 400
    assert door.replays.orders.open() == []


def test_only_who_may_change_subscriptions_starts_and_cancels(door: Door) -> None:
    begun(door)
    employ(door, "rita", scopes=("read",))
    rita = Visitor(door)
    rita.sign_in("rita")

    assert "Cancel the replay" not in rita.get(SINGLE).text
    assert rita.post(f"{SINGLE}/cancel").status == 403
    assert rita.post(PAGE, since=SINCE, key=uid(1)).status == 403


def test_another_s_replay_is_not_there(door: Door, visitor: Visitor) -> None:
    begun(door, replace(ORDER, subscription_id=uid(501)))

    assert visitor.get(SINGLE).status == 404
    assert visitor.get(f"{PAGE}s/nonsense").status == 404


def test_what_others_named_and_what_failed_is_text(door: Door, visitor: Visitor) -> None:
    begun(
        door,
        replace(ORDER, asked_by=HOSTILE),
        replace(RUNNING, state="failed", error=HOSTILE, ended_at=START),
    )
    door.index.put(replace(SHOP, url=f"https://shop.example/{HOSTILE}"))

    pages = visitor.get(PAGE), visitor.get(SINGLE), visitor.get(PAGE, since=HOSTILE, count="true")

    for page in pages:
        assert "<img src=x" not in page.html
        assert SAFE in page.html
