"""A birthday is a day: it has no zone inside, and goes out at midnight with the store's offset."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.imports.kind import ImportRun
from connectors.imports.reader import KINDS, read
from streams.domain.calendar import Calendar
from streams.domain.commands import RegisterMember, UpdateMember
from streams.domain.events import MemberRegistered, MemberUpdated
from streams.domain.values import Profile
from tests.api.conftest import Door
from tests.api.test_domain import ROOT, post
from tests.domain.making import made
from tests.driver import Pipeline, instant
from tests.samples import NOON, SETTINGS, STORE, subscription

WARSAW = replace(SETTINGS, time_zone="Europe/Warsaw")
MAY = "1990-05-31T00:00:00+02:00"


def born(door: Door, text: object) -> Any:
    door.programme.settings[STORE] = WARSAW
    answer = post(door, "member", {"customer": {"birthDate": text}})
    assert answer.status_code == 200, answer.text
    return door.get(f"{ROOT}/member/{answer.json()['customerId']}")["birthDate"]


@pytest.mark.parametrize(
    "text",
    [
        "1990-05-31",
        MAY,
        "1990-05-31T00:00:00Z",
        "1990-05-31T23:59:59-11:00",
        "1990-05-31T01:00:00+14:00",
        "1990-05-31T00:00:00",
        "1990-05-31T00:00:00.000000+00:00",
    ],
)
def test_a_birthday_is_the_day_as_it_is_written_in_whatever_form(door: Door, text: str) -> None:
    assert born(door, text) == MAY
    (fact,) = door.programme.facts(MemberRegistered)
    assert fact.profile.birth_date == datetime(1990, 5, 31, tzinfo=UTC)


def test_what_is_read_can_be_written_back(door: Door) -> None:
    assert born(door, born(door, "1990-12-31")) == "1990-12-31T00:00:00+01:00"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("31.05.1990", "must be a day such as 1990-05-31"),
        ("1990-02-30", "must be a day such as 1990-05-31"),
        (19900531, "must be a day such as 1990-05-31"),
        ("0001-01-01", "must lie between 1900-01-01 and 2199-12-31"),
        ("9999-12-31T23:59:59-14:00", "must lie between 1900-01-01 and 2199-12-31"),
    ],
)
def test_what_is_no_day_is_refused(door: Door, text: object, reason: str) -> None:
    answer = post(door, "member", {"customer": {"birthDate": text}})

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["path"] == "customer.birthDate"
    assert reason in error["message"]


def registered(zone: str, at: datetime) -> Pipeline:
    run = Pipeline(replace(SETTINGS, time_zone=zone), now=NOON)
    run.subscribe(subscription("CustomerRegistered"))
    run.when(made(RegisterMember, profile=Profile(birth_date=at)))
    return run


@pytest.mark.parametrize(
    ("zone", "at", "told"),
    [
        # A producer on the topic sends an instant: the store's midnight, or that of UTC.
        ("Europe/Warsaw", "1990-05-30T22:00:00", MAY),
        ("Europe/Warsaw", "1990-05-31T00:00:00", MAY),
        ("Europe/Warsaw", "1990-05-31T15:00:00", MAY),
        ("UTC", "1990-05-31T00:00:00", "1990-05-31T00:00:00+00:00"),
        ("America/New_York", "1990-05-31T04:00:00", "1990-05-31T00:00:00-04:00"),
        ("America/New_York", "1990-05-31T00:00:00", "1990-05-31T00:00:00-04:00"),
        ("Pacific/Kiritimati", "2001-01-01T00:00:00", "2001-01-01T00:00:00+14:00"),
        # Clocks skipped midnight that day.
        ("America/Sao_Paulo", "2018-11-04T00:00:00", "2018-11-04T00:00:00-03:00"),
        ("Asia/Beirut", "2021-03-28T00:00:00", "2021-03-28T00:00:00+02:00"),
        # The whole day was skipped.
        ("Pacific/Apia", "2011-12-30T00:00:00", "2011-12-30T00:00:00-10:00"),
        # Local mean time: 44 minutes and 30 seconds west.
        ("Africa/Monrovia", "1950-05-31T00:00:00", "1950-05-31T00:00:00-00:44"),
        ("Asia/Kolkata", "1901-05-31T00:00:00", "1901-05-31T00:00:00+05:21"),
    ],
)
def test_a_birthday_goes_out_at_midnight_with_the_stores_offset(zone: str, at: str, told: str) -> None:
    run = registered(zone, instant(at))

    (body,) = run.bodies("CustomerRegistered")

    assert body["customerData"]["birthDate"] == told
    assert datetime.fromisoformat(told).date() == run.facts(MemberRegistered)[0].profile.birth_date.date()  # type: ignore[union-attr]


def test_the_same_day_in_another_form_changes_nothing() -> None:
    run = registered("Europe/Warsaw", instant("1990-05-31"))

    run.when(made(UpdateMember, profile=Profile(birth_date=instant("1990-05-30T22:00:00"))))

    assert run.facts(MemberUpdated) == []


def test_an_old_record_is_the_day_of_the_store_where_it_is_midnight_there() -> None:
    warsaw = Calendar("Europe/Warsaw")

    days = [
        warsaw.stored_to_day(instant(text)).isoformat()
        for text in ("1990-05-30T22:00:00", "1990-05-31T12:00:00")
    ]

    assert days == ["1990-05-31", "1990-05-31"]


@pytest.mark.parametrize("text", ["1990-05-31", MAY])
def test_a_file_has_birthdays_in_either_form(text: str) -> None:
    data = f"memberExternalId,birthDate\nA-1,{text}\n".encode()

    reading = read(KINDS["members"], data, ImportRun(store=STORE, issued_at=NOON))

    assert reading.refused == []
    (ready,) = reading.ready
    assert isinstance(ready.record, RegisterMember)
    assert ready.record.profile.birth_date == datetime(1990, 5, 31, tzinfo=UTC)
