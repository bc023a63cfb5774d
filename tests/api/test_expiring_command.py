"""What `loyalty expiring preview` takes for a day."""

from datetime import date

import pytest

from api.cli.expiring import first_day
from streams.errors import Misconfigured

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("on", "first"),
    [("today", TODAY), ("2026-03-02", TODAY), ("2026-12-31", date(2026, 12, 31))],
)
def test_a_preview_begins_today_or_later(on: str, first: date) -> None:
    assert first_day(on, TODAY, TODAY) == first


@pytest.mark.parametrize(
    ("on", "reason"),
    [
        ("soon", "is no day; valid is today, or a day such as 2026-03-31"),
        ("2026-02-30", "is no day; valid is today, or a day such as 2026-03-31"),
        ("2026-03-01", "is not valid: from 2026-03-02 to 9900-12-31, in the store's time zone"),
        ("9999-12-31", "is not valid: from 2026-03-02 to 9900-12-31, in the store's time zone"),
    ],
)
def test_any_other_day_is_refused_with_those_that_are_valid(on: str, reason: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        first_day(on, TODAY, TODAY)

    assert str(refused.value) == f"--on {on!r} {reason}"
