"""Webhooks of the past derived again: as they were, of a kind that is new, and for the chosen alone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.codec.avro import HEADER as SCHEMA
from streams.codec.avro import decode, encode
from streams.delivery.backfill_recipients import HEADER, BackfillRecipients, choose_subscriptions
from streams.delivery.records import Subscription
from streams.domain.commands import AdvanceClock
from streams.errors import Misconfigured
from streams.migration.compare import COMPARED_KINDS
from streams.stages.backfill_events import BackfillRequest, backfill_events
from streams.stages.commands import owner_of
from streams.stages.context import Record, StreamClock
from streams.stages.rebuild import data_key_lookup
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import EVENTS, WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent
from tests import scenarios
from tests.driver import Pipeline, all_of
from tests.further import NAME, PointsWereSpent, entered
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, register, spend, subscription, uid
from tests.stages.test_legacy_batches import expiring

ALWAYS = datetime.fromisoformat("1970-01-01T00:00:00Z"), datetime.fromisoformat("2999-01-01T00:00:00Z")
REGISTERED = "CustomerRegistered"


def again(run: Pipeline, wish: BackfillRequest) -> list[WebhookEvent]:
    """As they would stand on the topic."""
    tables = Tables(MemoryStore(table_families(COMPARED_KINDS)), COMPARED_KINDS)
    found = backfill_events(tables, run.log[EVENTS.name], run.settings.get, data_key_lookup(run.tables), wish)
    return [decode(type(event), *encode(event)) for _, event in found]


def told(run: Pipeline, name: str) -> list[WebhookEvent]:
    records = (r for r in run.log[WEBHOOK_EVENTS.name] if r.kind == name)
    return [decode(CATALOGUE[name].event, r.value, r.schema) for r in records]


@pytest.fixture(scope="module")
def everything() -> Pipeline:
    """All that there is to tell of."""
    run = Pipeline(scenarios.SETTINGS, now=NOON, clock=StreamClock())
    run.when(*scenarios.in_order_of_issue(), AdvanceClock(command_id=uid(1), issued_at=scenarios.END))
    return run


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_what_was_told_is_derived_again_as_it_was(name: str, everything: Pipeline) -> None:
    assert again(everything, BackfillRequest(name, STORE, *ALWAYS)) == told(everything, name) != []


@pytest.fixture
def last_year() -> Iterator[Pipeline]:
    """Units were spent while nobody knew of such a webhook."""
    run = Pipeline(SETTINGS, now=NOON, clock=StreamClock())
    days = [NOON + timedelta(days=n) for n in range(5)]
    run.when(register(ANNA, days[0]), register(BORIS, days[0]))
    run.when(add("100", ANNA, days[0]), add("50", BORIS, days[0]))
    run.when(spend("10", ANNA, days[1]), spend("5", BORIS, days[2]), spend("20", ANNA, days[3]))
    with entered():
        yield run


def test_a_nineteenth_webhook_is_derived_with_the_state_of_the_moment(last_year: Pipeline) -> None:
    found = again(last_year, BackfillRequest(NAME, STORE, *ALWAYS))

    assert all(isinstance(event, PointsWereSpent) for event in found)
    assert [(e.member_id, e.points, e.left) for e in found if isinstance(e, PointsWereSpent)] == [
        (ANNA, Decimal(10), Decimal(90)),
        (BORIS, Decimal(5), Decimal(45)),
        (ANNA, Decimal(20), Decimal(70)),
    ]
    assert [event.created_at for event in found] == [NOON + timedelta(days=n) for n in (1, 2, 3)]


def test_from_its_first_day_on_it_is_told_live_under_the_ids_that_a_backfill_gives(
    last_year: Pipeline,
) -> None:
    last_year.when(spend("1", ANNA, NOON + timedelta(days=4)))

    assert told(last_year, NAME) == again(last_year, BackfillRequest(NAME, STORE, *ALWAYS))[-1:]


@pytest.mark.parametrize(
    ("since", "until", "member", "count"),
    [(1, 3, None, 2), (2, 3, None, 1), (0, 9, ANNA, 2), (0, 9, uid(9), 0)],
)
def test_only_of_the_period_and_of_the_member(
    last_year: Pipeline, since: int, until: int, member: str | None, count: int
) -> None:
    period = NOON + timedelta(days=since), NOON + timedelta(days=until)

    assert len(again(last_year, BackfillRequest(NAME, STORE, *period, member))) == count


def test_another_store_s_facts_are_left_out(last_year: Pipeline) -> None:
    assert again(last_year, BackfillRequest(NAME, "OTHER", *ALWAYS)) == []


def test_a_correction_has_ids_of_its_own_the_same_each_time(last_year: Pipeline) -> None:
    before, *corrected = (
        [
            event.webhook_event_id
            for event in again(last_year, BackfillRequest(NAME, STORE, *ALWAYS, None, correction))
        ]
        for correction in (None, "vat", "vat", "vat 2")
    )

    assert corrected[0] == corrected[1]
    assert len({*before, *corrected[0], *corrected[2]}) == 9


def backfilled(run: Pipeline, event: WebhookEvent | Record, *subscriptions: str) -> None:
    """The event reaches the fan-out, meant for these."""
    by = BackfillRecipients(name="past", subscriptions=subscriptions)
    if isinstance(event, Record):
        record = event._replace(headers={**event.headers, HEADER: by.header})
    else:
        value, header = encode(event)
        headers = {SCHEMA: header.encode(), HEADER: by.header}
        record = Record(WEBHOOK_EVENTS.name, 0, 0, owner_of(STORE, event.member_id).encode(), value, headers)
    run._play(run.fan_out, [record])


def test_only_the_chosen_get_it_marked_as_sent_again(last_year: Pipeline) -> None:
    last_year.subscribe(*(subscription(NAME, number=number) for number in (500, 501, 502)))

    for event in again(last_year, BackfillRequest(NAME, STORE, *ALWAYS)):
        backfilled(last_year, event, uid(501), uid(502))

    assert sorted(all_of(last_year.deliveries(), "subscription_id")) == [uid(501)] * 3 + [uid(502)] * 3
    assert set(all_of(last_year.deliveries(), "replay")) == {"past"}
    assert last_year.bodies(NAME)[0] == {"points": 10, "left": 90}


def test_the_chosen_get_nothing_that_they_do_not_ask_for() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register())
    run.subscribe(subscription("CustomerUpdated"))

    backfilled(run, told(run, REGISTERED)[0], uid(500))

    assert run.deliveries() == []


def test_an_item_of_an_array_goes_alone_and_joins_no_batch_of_now() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(subscription("LevelWillExpire", legacy=True))

    run._play(run.fan_out, [expiring(1)])
    backfilled(run, expiring(2), uid(500))

    assert [len(body) for body in run.bodies("LevelWillExpire")] == [1]
    run.close_batches(NOON + timedelta(minutes=5))
    assert [len(body) for body in run.bodies("LevelWillExpire")] == [1, 1]


def test_a_mark_that_cannot_be_read_puts_the_event_aside() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(subscription(REGISTERED))
    run.when(register())
    record = run.log[WEBHOOK_EVENTS.name][0]

    run._play(run.fan_out, [record._replace(headers={**record.headers, HEADER: b"all"})])

    assert len(run.deliveries()) == 1
    assert "header backfill=b'all' does not say whom it is meant for" in run.poison()[0]


def chosen(*ids: str, store: str | None = None, event: str = REGISTERED) -> list[str]:
    there: dict[str, Subscription | None] = {
        uid(500): subscription(REGISTERED),
        uid(501): replace(subscription("*", number=501)),
        uid(502): replace(subscription(REGISTERED, number=502), state="paused"),
        uid(503): replace(subscription(REGISTERED, number=503), store="OTHER"),
        uid(504): None,
    }
    return [one.subscription_id for one in choose_subscriptions(there, ids, store, event)]


def test_who_gets_it_is_chosen_by_id_or_all_that_ask_for_it() -> None:
    assert chosen(uid(501), uid(500), uid(501)) == [uid(501), uid(500)]
    assert chosen(store=STORE) == [uid(500), uid(501)]


@pytest.mark.parametrize(
    ("ids", "store", "event", "complaint"),
    [
        ((uid(504),), None, REGISTERED, "there is no subscription of that id"),
        ((uid(502),), None, REGISTERED, "is paused: set it active first"),
        ((uid(500),), None, "CustomerUpdated", "does not ask for CustomerUpdated"),
        ((uid(500), uid(503)), None, REGISTERED, "is not of store 'DEFAULT'"),
        ((), "NONE", REGISTERED, "no active one of store 'NONE' asks for CustomerRegistered"),
    ],
)
def test_who_cannot_get_it_is_named(
    ids: tuple[str, ...], store: str | None, event: str, complaint: str
) -> None:
    with pytest.raises(Misconfigured, match=complaint):
        chosen(*ids, store=store, event=event)
