"""What people type into forms, and the words in which they are answered."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from api.panel import form_inputs, status_texts
from tests.samples import SETTINGS

WARSAW = replace(SETTINGS, time_zone="Europe/Warsaw")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T13:00", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-07-02T13:00:30", datetime(2026, 7, 2, 11, 0, 30, tzinfo=UTC)),
        # On that night the clocks go from 2 to 3: it is as if they had not.
        ("2026-03-29T02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-03-02T12:00Z", datetime(2026, 3, 2, 12, tzinfo=UTC)),
    ],
)
def test_a_time_is_one_of_the_store_s_zone(text: str, instant: datetime) -> None:
    errors: form_inputs.FieldErrors = {}

    assert form_inputs.read_moment(errors, "since", text, WARSAW) == instant
    assert errors == {}


@pytest.mark.parametrize("text", ["soon", "2026-02-30T10:00"])
def test_what_is_no_time_is_told(text: str) -> None:
    errors: form_inputs.FieldErrors = {}

    assert form_inputs.read_moment(errors, "since", text, WARSAW) is None
    assert errors == {"since": "That is no date and time: 2026-03-31 14:30 is one."}


@pytest.mark.parametrize("text", ["0001-01-01T00:00", "9999-12-31T23:59-14:00", "1899-12-31T23:59"])
def test_a_time_that_no_store_means_is_told(text: str) -> None:
    errors: form_inputs.FieldErrors = {}

    assert form_inputs.read_moment(errors, "since", text, WARSAW) is None
    assert errors == {"since": "A date must lie between 1900-01-01 and 2199-12-31."}


def test_what_is_shown_in_an_input_is_read_as_the_same_instant() -> None:
    at = datetime(2026, 3, 2, 12, 34, tzinfo=UTC)

    assert form_inputs.read_moment({}, "since", form_inputs.format_local(at, WARSAW), WARSAW) == at


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("anna@example.com", ["email=anna@example.com", "loyaltyCardNumber=anna@example.com"]),
        ("+48000000001", ["phone=+48000000001", "loyaltyCardNumber=+48000000001"]),
        ("loyaltyCardNumber=26", ["loyaltyCardNumber=26"]),
        (" ", []),
    ],
)
def test_a_member_may_be_meant_by_whatever_fits(text: str, names: list[str]) -> None:
    assert list(form_inputs.identifier_candidates(text)) == names


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (None, "before sending: no route: none", "no route: none"),
        (None, None, "no answer"),
        (204, None, "204: taken"),
        (302, None, "302: the endpoint points elsewhere, which is not followed: give the final URL"),
        (404, None, "404: there is nothing at that address: check the URL"),
        (418, None, "418: the endpoint refuses it"),
        (599, None, "599: the endpoint has a problem of its own"),
    ],
)
def test_an_answer_is_told_in_plain_words(status: int | None, error: str | None, said: str) -> None:
    assert status_texts.describe_answer(status, error) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "a moment"),
        (42, "42 seconds"),
        (60, "about 1 minute"),
        (5400, "about 2 hours"),
        (200_000, "about 2 days"),
    ],
)
def test_a_span_of_time_is_about_so_long(seconds: int, said: str) -> None:
    assert status_texts.format_span(seconds) == said
