"""Instants of no year that counts are refused at every door; what is stored already is shown, not raised."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from api.cli.redriving import parse_moment as parsed_time
from api.cli.store import parsed as parsed_store
from api.panel.fact_texts import describe_event
from connectors.imports.kind import ImportRun
from connectors.imports.reader import KINDS, read
from streams.domain.calendar import Calendar, to_zone
from streams.domain.commands import (
    Command,
    RecordCustomEvent,
    RecordTransaction,
    RegisterMember,
    RegisterTransaction,
    SignUpMember,
)
from streams.domain.events import TransactionRecorded
from streams.domain.store import StoreSettings
from streams.domain.values import Profile
from streams.errors import Misconfigured
from tests.api.conftest import START, Door
from tests.api.test_domain import ROOT, post
from tests.domain.making import document, made
from tests.driver import Pipeline
from tests.panel.conftest import Visitor
from tests.samples import NOON, SETTINGS, STORE, purchase, register, subscription, uid

RANGE = "must lie between 1900-01-01 and 2199-12-31"
OUTSIDE = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1899-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59Z",
]
ENDS = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
ZONES = ["UTC", "Pacific/Kiritimati", "America/New_York", "Etc/GMT+12"]
ITEMS = [{"sku": {"code": "CD"}, "grossValue": 1}]
SHOP = {"eventName": "CustomerUpdated", "url": "https://shop.example/a"}


def transaction(at: str) -> Any:
    return {"transaction": {"header": {"documentNumber": "D", "purchasedAt": at}, "items": ITEMS}}


@pytest.mark.parametrize("at", OUTSIDE)
@pytest.mark.parametrize(
    ("path", "where", "body"),
    [
        ("transaction", "transaction.header.purchasedAt", transaction),
        ("member", "customer.registeredAt", lambda at: {"customer": {"registeredAt": at}}),
        ("member", "customer.birthDate", lambda at: {"customer": {"birthDate": at}}),
        (
            "webhook/subscription",
            "webhookSubscription.activeFrom",
            lambda at: {"webhookSubscription": {**SHOP, "activeFrom": at}},
        ),
        (
            "campaign",
            "campaign",
            lambda at: {"campaign": {"name": "n", "pointsPerCurrencyUnit": 1, "activeFrom": at}},
        ),
        (
            "campaign",
            "campaign",
            lambda at: {"campaign": {"name": "n", "pointsPerCurrencyUnit": 1, "activeTo": at}},
        ),
    ],
)
def test_a_body_with_such_an_instant_is_refused(
    door: Door, path: str, where: str, body: Any, at: str
) -> None:
    answer = post(door, path, body(at))

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    # Of a campaign, the sentence names the field.
    assert error["path"].startswith(where)
    assert RANGE in error["message"]


@pytest.mark.parametrize("at", OUTSIDE)
def test_a_filter_with_such_an_instant_is_refused(door: Door, at: str) -> None:
    answer = door.call("GET", f"{ROOT}/webhook/subscription", params={"createdAt[gt]": at})

    assert answer.status_code == 400
    assert RANGE in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("at", OUTSIDE)
@pytest.mark.parametrize(
    ("kind", "column", "others"),
    [
        ("members", "registeredAt", {"memberExternalId": "A-1"}),
        ("members", "birthDate", {"memberExternalId": "A-1"}),
        ("transactions", "purchasedAt", {"documentNumber": "D1", "sku": "CD", "grossValue": "1"}),
    ],
)
def test_a_line_of_a_file_with_such_an_instant_is_refused(
    kind: str, column: str, others: dict[str, str], at: str
) -> None:
    cells = {**others, column: at}
    data = f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()

    reading = read(KINDS[kind], data, ImportRun(store=STORE, issued_at=NOON))

    (refused,) = reading.refused
    assert (refused.line, refused.field, refused.value) == (2, column, at)
    assert refused.reason.endswith(RANGE)


@pytest.mark.parametrize("at", ENDS)
@pytest.mark.parametrize(
    ("kind", "member", "field", "fields"),
    [
        (
            RegisterTransaction,
            None,
            "purchased_at",
            {"document_number": "D", "items": purchase("1", "D").items},
        ),
        (
            RecordTransaction,
            document("D"),
            "purchased_at",
            {"document_number": "D", "items": purchase("1", "D").items},
        ),
        (RecordCustomEvent, None, "happened_at", {"event_type": "visit", "event_id": uid(1)}),
        (RegisterMember, None, "registered_at", {"profile": Profile()}),
        (SignUpMember, None, "registered_at", {"profile": Profile()}),
    ],
)
def test_a_command_on_the_topic_with_such_an_instant_is_rejected(
    kind: type[Command], member: str | None, field: str, fields: dict[str, Any], at: datetime
) -> None:
    run = Pipeline(SETTINGS, now=NOON)

    run.when(made(kind, member or uid(1), **{**fields, field: at}))

    assert run.rejections() == [f"{field} {at.isoformat()} {RANGE}"]


@pytest.mark.parametrize("at", ENDS)
def test_a_birthday_on_the_topic_that_is_none_is_rejected(at: datetime) -> None:
    run = Pipeline(SETTINGS, now=NOON)

    run.when(made(RegisterMember, profile=Profile(birth_date=at)))

    assert run.rejections() == [f"profile.birth_date {at.isoformat()} {RANGE}"]


@pytest.mark.parametrize("at", [*OUTSIDE[:1], *OUTSIDE[2:4], OUTSIDE[5]])
@pytest.mark.parametrize("field", ["quiet_before", "active_from", "active_to", "created_at"])
def test_a_file_of_settings_with_such_an_instant_is_refused(tmp_path: Path, field: str, at: str) -> None:
    moment = datetime.fromisoformat(at)
    campaign, wallet = SETTINGS.campaigns[0], SETTINGS.wallets[0]
    changed: dict[str, StoreSettings] = {
        "quiet_before": replace(SETTINGS, quiet_before=moment),
        "active_from": replace(SETTINGS, campaigns=(replace(campaign, active_from=moment),)),
        "active_to": replace(SETTINGS, campaigns=(replace(campaign, active_to=moment),)),
        "created_at": replace(SETTINGS, wallets=(replace(wallet, created_at=moment),)),
    }
    file = tmp_path / "store.json"
    file.write_bytes(msgspec.json.encode(changed[field]))

    with pytest.raises(Misconfigured, match=f"{field} .* {RANGE}"):
        parsed_store(file)


@pytest.mark.parametrize("at", OUTSIDE)
def test_a_time_on_the_command_line_of_no_such_year_is_refused(at: str) -> None:
    with pytest.raises(Misconfigured, match=f"--from .* {RANGE}"):
        parsed_time("--from", at, NOON)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", ENDS)
def test_pages_show_a_subscription_that_begins_at_an_end_of_the_calendar(
    door: Door, visitor: Visitor, at: datetime, zone: str
) -> None:
    door.programme.settings[STORE] = replace(SETTINGS, time_zone=zone)
    stored = replace(subscription("CustomerUpdated"), active_from=at)
    door.index.put(stored)
    one = f"/panel/{STORE}/webhooks/{stored.subscription_id}"

    pages = [visitor.get(path) for path in (f"/panel/{STORE}/webhooks", one, f"{one}/edit")]

    assert [page.status for page in pages] == [200, 200, 200]
    assert door.get(f"{ROOT}/webhook/subscription/{stored.subscription_id}")["activeFrom"][:4] in {
        "0001",
        "9999",
    }


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", ENDS)
def test_a_purchase_that_is_stored_for_such_a_day_is_told_of(at: datetime, zone: str) -> None:
    fact = TransactionRecorded(
        event_id=uid(1),
        command_id=uid(2),
        store=STORE,
        member_id=uid(3),
        occurred_at=START,
        transaction_id=uid(4),
        document_number="D1",
        document_type="sell",
        purchased_at=at,
        gross_value=Decimal(1),
        items=(),
        buyer=None,
        channel_id=None,
    )

    said = describe_event(fact, replace(SETTINGS, time_zone=zone))

    assert any(day in said for day in ("0001-01-01", "9999-12-31"))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", [*ENDS, NOON])
def test_the_stores_calendar_bears_every_instant(at: datetime, zone: str) -> None:
    calendar = Calendar(zone)

    day = calendar.day(at)

    assert abs((day - at.date()).days) <= 1
    assert abs(calendar.start_of(day) - at) < timedelta(days=2)
    assert abs(calendar.end_of(day) - at) < timedelta(days=2)
    assert calendar.midnight(calendar.stored_to_day(at)).date() == calendar.stored_to_day(at)
    assert abs(to_zone(at, UTC) - at) == timedelta(0)


def test_what_is_in_range_goes_through_every_door(door: Door) -> None:
    run = Pipeline(SETTINGS, now=NOON)
    for number, at in enumerate(["1900-01-01T00:00:00Z", "2199-12-31T23:59:59Z"]):
        body = transaction(at)
        body["transaction"]["header"]["documentNumber"] = f"D{number}"
        assert post(door, "transaction", body).status_code == 200
        run.when(replace(register(uid(10 + number)), registered_at=datetime.fromisoformat(at)))

    assert run.rejections() == []
