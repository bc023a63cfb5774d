"""The overview: what each sees of the pipeline and of the webhooks of a store."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from api.services.overview import AttemptDurations, durations
from streams.access import SCOPES, Scope
from streams.control_records import RecordFault
from streams.delivery.records import EndpointCondition, EndpointStatus
from streams.kafka.unfit_records import UnfitRecord
from streams.pipeline_health.samples import Sample, StageCounts, TopicCounts
from tests.api.conftest import START, Door
from tests.delivery.journal_records import SECOND, attempt, dated, delivery, letter
from tests.panel.conftest import Page, Visitor, employ

OVERVIEW = "/panel/DEFAULT/overview"


def seen(seconds_ago: float, commands: int, members: int = 1, **more: int) -> Sample:
    """`loyalty_left`: records that stage has to read."""
    counts = {
        "commands": commands,
        "webhook-events": 2 * commands,
        "deliveries": 0,
        "poison": more.get("poison", 0),
    }
    stages = {name: StageCounts(more.get(f"{name}_left", 0), members) for name in ("loyalty", "sink")}
    topics = {name: TopicCounts(count, 5000 + count) for name, count in counts.items()}
    return Sample(START - timedelta(seconds=seconds_ago), topics, stages)


def hear(
    door: Door, first: int, to: str, *, delivered: int = 0, dead: int = 0, waiting: float | None = None
) -> None:
    """What became of deliveries to a subscription; the last of them waits for so many seconds."""
    made = [dated(delivery(first + n, to=to), START - 2 * SECOND) for n in range(delivered + dead)]
    for n, each in enumerate(made):
        ends = [attempt(each, "delivered" if n < delivered else "dead", at=START - SECOND)]
        letters = [] if n < delivered else [letter(each, START - SECOND)]
        door.deliveries.hear(each, *ends, *letters, at=START)
    if waiting is not None:
        since = START - waiting * SECOND
        door.deliveries.hear(dated(delivery(first + len(made), to=to), since), at=since)


def told(subscription_id: str, state: EndpointCondition) -> EndpointStatus:
    return EndpointStatus(
        subscription_id=subscription_id,
        store="DEFAULT",
        state=state,
        since=START,
        failures=9,
        reason="<b>500</b>",
        told_at=START,
    )


def look(visitor: Visitor) -> Page:
    """A second after START: the clock moves at each call."""
    visitor.door.clock.now = START
    return visitor.get(OVERVIEW)


@pytest.fixture
def door(door: Door) -> Door:
    door.flow.samples = (seen(70, 0), seen(32, 0), seen(2, 360))
    return door


def test_where_all_is_well_one_sentence_says_so(visitor: Visitor) -> None:
    visitor.door.subscribed()

    page = look(visitor)

    assert page.status == 200
    assert "All is well: 12 commands a second, everything delivered up to 3 s ago." in page.text
    assert "Something is wrong" not in page.text


def test_the_data_s_way_is_told_as_a_list_too_with_rates_and_what_is_left(visitor: Visitor) -> None:
    page = look(visitor)

    assert "commands : 12 a second, 5,360 kept what the programme is asked to do" in page.text
    assert "loyalty (stage): well, 0 to read applies the programme's rules" in page.text
    assert "loyalty well commands 0 – 12 1 process" in page.rows()
    assert "identity (stage): not known" in page.text
    assert page.html.count("<svg") >= 1


def test_a_stage_at_which_nobody_works_is_wrong_and_the_page_says_what_to_run(visitor: Visitor) -> None:
    visitor.door.flow.samples = (seen(70, 0), seen(2, 7, members=0, loyalty_left=7))

    page = look(visitor)

    said = "Nobody works on commands: 7 records wait, the oldest for about 68 s."
    assert f"wrong {said} Start a process that does: loyalty worker" in page.text
    assert "All is well" not in page.text
    assert any(row.startswith("loyalty nobody works commands 7") for row in page.rows())


def test_while_kafka_is_away_the_page_is_there_and_says_how_old_its_figures_are(visitor: Visitor) -> None:
    visitor.door.log.away = True
    visitor.door.clock.now = START + timedelta(minutes=5)

    page = visitor.get(OVERVIEW)

    assert page.status == 200
    assert "Kafka has not answered for 5 min" in page.text
    assert "as of 2025-10-20 13:18:36" in page.text


def test_before_the_first_figures_nothing_is_claimed(visitor: Visitor) -> None:
    visitor.door.flow.samples = ()

    page = look(visitor)

    assert page.status == 200
    assert "Nothing is known yet: Kafka has not answered so far." in page.text
    assert "No command was refused" not in page.text


def test_each_webhook_with_what_waits_the_longest_waiting_first(visitor: Visitor) -> None:
    door = visitor.door
    quick, slow = door.subscribed(url="https://quick.example/"), door.subscribed(url="https://slow.example/")
    hear(door, 100, quick, delivered=4, waiting=2)
    hear(door, 200, slow, dead=3, waiting=4000)

    page = look(visitor)

    first, second = (row for row in page.rows() if "example" in row)
    assert first == "CustomerRegistered https://slow.example/ active 1 66 min 0 3 3 12 ms slow: 12 ms"
    assert second == "CustomerRegistered https://quick.example/ active 1 3 s 4 0 0 12 ms slow: 12 ms"
    assert "check Deliveries of 1 webhook wait, the oldest for 66 min. See for what they wait." in page.text
    assert page.links["See for what they wait."] == f"/panel/DEFAULT/webhooks/{slow}"
    assert "3 deliveries of the last 24 hours were given up." in page.text
    assert page.links["See why, and send them again."] == "/panel/DEFAULT/deliveries?status=dead"


def test_endpoints_that_fail_or_are_disabled_are_named_and_paused_ones_are_no_trouble(
    visitor: Visitor,
) -> None:
    door = visitor.door
    failing, gone, paused = (
        door.subscribed(url=f"https://{n}.example/") for n in ("failing", "gone", "paused")
    )
    door.conditions |= {failing: told(failing, "failing"), gone: told(gone, "disabled")}
    subscription = door.index.get(paused)
    assert subscription
    door.index.put(replace(subscription, state="paused"))
    hear(door, 100, paused, waiting=9000)

    page = look(visitor)

    assert "wrong 1 webhook had only failures for too long: nothing is sent there." in page.text
    assert "check 1 webhook cannot be delivered now: one try after the other fails." in page.text
    assert "Deliveries of" not in page.text
    assert "<b>500</b>" not in page.html


def test_how_long_a_try_takes_is_told_by_the_usual_and_the_slow_one() -> None:
    assert durations([]) is None
    assert durations([7]) == AttemptDurations(7, 7)
    assert durations([9, 1, 5]) == AttemptDurations(5, 9)
    assert durations(range(1, 101)) == AttemptDurations(50, 95)


def test_another_store_s_webhooks_are_not_shown(visitor: Visitor) -> None:
    programme = visitor.door.programme
    programme.settings["OTHER"] = replace(programme.settings["DEFAULT"], store="OTHER")
    answer = visitor.door.call(
        "POST",
        "/api/OTHER/webhook/subscription",
        json={"webhookSubscription": {"eventName": "CustomerRegistered", "url": "https://theirs.example/"}},
    )
    assert answer.status_code == 200

    assert "theirs.example" not in look(visitor).html
    assert "theirs.example" not in visitor.door.call("GET", "/api/DEFAULT/overview").text


@pytest.mark.parametrize(("scopes", "stores"), [(("read",), ()), (SCOPES, ("DEFAULT",))])
def test_without_the_right_admin_in_all_stores_there_is_no_pipeline_but_the_reason_and_whether_it_is_well(
    door: Door, scopes: tuple[Scope, ...], stores: tuple[str, ...]
) -> None:
    employ(door, scopes=scopes, stores=stores)
    visitor = Visitor(door)
    visitor.sign_in()

    well = look(visitor)
    door.flow.samples = (seen(70, 0), seen(2, 7, members=0, loyalty_left=7))
    late = look(visitor)

    assert "All is well: everything delivered up to 3 s ago." in well.text
    for page in (well, late):
        assert "it is shown to those who have the right admin , in all stores." in page.text
        assert "commands" not in page.text
    assert "Webhooks are late: the pipeline does not keep up." in late.text


def test_an_admin_of_another_store_does_not_come_in(door: Door) -> None:
    employ(door, stores=("OTHER",))
    visitor = Visitor(door)
    visitor.sign_in()

    assert look(visitor).status == 404


def test_while_deliveries_are_counted_all_else_is_there(visitor: Visitor) -> None:
    visitor.door.subscribed()
    visitor.door.deliveries.still_read = True

    page = look(visitor)

    assert page.status == 200
    assert "Deliveries are being counted" in page.text
    assert "CustomerRegistered https://shop.example/hook active – – – – – –" in page.rows()


def test_the_last_hour_is_a_chart_and_a_table_by_the_minute(
    visitor: Visitor,
) -> None:
    visitor.door.flow.samples = (seen(3700, 0), seen(150, 0), seen(90, 60, poison=2), seen(2, 60, poison=2))

    rows = look(visitor).rows()

    # It is 13:18:39: the minute that is not over is left out.
    assert "13:17 8 16 0" in rows
    assert "13:16 52 104 0" in rows
    assert "13:16 0 0 2" in rows
    assert not any(row.startswith("13:18") for row in rows)


def test_the_same_figures_are_there_for_other_programs(door: Door) -> None:
    subscribed = door.subscribed()
    hear(door, 100, subscribed, dead=1, waiting=30)

    said = door.get("/api/DEFAULT/overview")

    assert said["well"] is False
    assert said["sentence"] == "1 delivery of the last 24 hours was given up."
    assert said["troubles"][0]["page"] == "deliveries?status=dead"
    assert said["pipeline"]["sampledAt"] == "2025-10-20T13:18:36+00:00"
    assert {"name": "commands", "perSecond": 12.0, "kept": 5360} in said["pipeline"]["topics"]
    assert said["pipeline"]["stages"][0] == {
        "name": "loyalty",
        "source": "commands",
        "state": "well",
        "left": 0,
        "members": 1,
        "perSecond": 12.0,
        "behindSeconds": 0.0,
        "behindAtLeast": False,
    }
    (endpoint,) = said["endpoints"]
    assert endpoint == {
        "webhookSubscriptionId": subscribed,
        "status": "active",
        "why": "",
        "pending": 1,
        "oldestPendingAt": "2025-10-20T13:18:08+00:00",
        "deliveredLastDay": 0,
        "failedAttemptsLastDay": 1,
        "deadLettersLastDay": 1,
    }


def test_a_control_record_that_cannot_be_used_is_told_loudly_and_only_to_whom_it_concerns(
    door: Door, visitor: Visitor
) -> None:
    fault = RecordFault("time_zone", "is no zone")
    door.aside[:] = [
        UnfitRecord("loyalty.settings", 0, 7, "DEFAULT", fault, in_force=3),
        UnfitRecord("loyalty.settings", 0, 8, "OTHER", fault, in_force=None),
    ]

    page = look(visitor)

    assert "record of loyalty.settings cannot be used, and what was there before stays: DEFAULT:" in page.text
    assert "and nothing is there instead: OTHER: time_zone is no zone." in page.text
    assert "loyalty doctor" in page.text
    visitor.enter(employ(door, "ola", stores=("DEFAULT",)))
    own = look(visitor).text
    assert ("DEFAULT: time_zone" in own, "OTHER: time_zone" in own) == (True, False)
