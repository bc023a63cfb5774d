"""What people typed into a form, read field by field; what is wrong with one is told beside it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from api.contract.fields import UUID_PATTERN
from api.problems import Conflict, Invalid
from api.services.command_service import IDENTIFIER_KINDS, CommandService
from streams.domain.calendar import to_zone
from streams.domain.instants import INSTANT_RANGE, OutOfRange, parse_instant
from streams.domain.store import StoreSettings

FieldErrors = dict[str, str]
"""A sentence by field."""
NO_SUCH_MEMBER = "No member of this store has that e-mail address, phone number or card, and it is no id."


def read_moment(errors: FieldErrors, field: str, text: str, store: StoreSettings) -> datetime | None:
    """The instant that a datetime-local input shows, in the store’s time zone; None where it is empty."""
    if not text.strip():
        return None
    try:
        return parse_instant(text.strip(), ZoneInfo(store.time_zone))
    except OutOfRange:
        errors[field] = f"A date {INSTANT_RANGE}."
        return None
    except (ValueError, OverflowError):
        errors[field] = "That is no date and time: 2026-03-31 14:30 is one."
        return None


def format_local(at: datetime, store: StoreSettings) -> str:
    """`at` as such an input has it, to the minute."""
    return f"{to_zone(at, ZoneInfo(store.time_zone)):%Y-%m-%dT%H:%M}"


def format_hours_ago(now: datetime, hours: int, store: StoreSettings) -> str:
    return format_local(now - timedelta(hours=hours), store)


def read_number(errors: FieldErrors, field: str, text: str, least: int, most: int) -> int:
    """`least` where it is none, which is told."""
    if re.fullmatch("[0-9]{1,9}", text.strip()) and least <= int(text) <= most:
        return int(text)
    errors[field] = f"A whole number from {least:,} to {most:,}."
    return least


async def read_member(
    errors: FieldErrors, field: str, text: str, store: StoreSettings, command_service: CommandService
) -> str | None:
    """The id of whoever is named by an id, e-mail address, phone number or card; None where that is empty.

    An id is taken as it is: what was sent about a member stays when the member is gone.
    """
    for name in identifier_candidates(text):
        if re.fullmatch(UUID_PATTERN, name):
            return name
        if found := await command_service.found(store.store, name):
            return found
    if text.strip():
        errors[field] = NO_SUCH_MEMBER
    return None


def identifier_candidates(text: str) -> Iterable[str]:
    """What the member may be meant by, as the desk asks for it; the likeliest first."""
    said = text.strip()
    kind, equals, _ = said.partition("=")
    if not said:
        return ()
    if re.fullmatch(UUID_PATTERN, said.lower()):
        return (said.lower(),)
    if equals and kind in IDENTIFIER_KINDS:
        return (said,)
    if "@" in said:
        return (f"email={said}", f"loyaltyCardNumber={said}")
    return (f"phone={said}", f"loyaltyCardNumber={said}")


@contextmanager
def collect_errors(errors: FieldErrors, fields: Mapping[str, str]) -> Iterator[None]:
    """What the programme's own objects complain of is told beside our `fields`, by their names of them; what
    belongs to none, and a conflict, at the top."""
    try:
        yield
    except Invalid as error:
        for each in error.complaints:
            field = fields.get(each.path.rpartition(".")[2], "")
            errors[field] = f"{errors[field]} {each.message}" if field in errors else each.message
    except Conflict as error:
        errors[""] = error.complaint.message
