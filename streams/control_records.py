"""What a control record must mean beyond its schema, so that whoever reads it can work with it.

Control records are those of the small compacted topics that every process follows. One that means nothing is
set aside where it is read (see `streams.kafka.unfit_records`), and never written
(see `streams.codec.round_trip`).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from streams.access import Admin, ApiKey
from streams.delivery import filter as filters
from streams.delivery.records import EndpointStatus, Subscription
from streams.delivery.replay_jobs import ReplayOrder, ReplayProgress
from streams.domain.store import StoreSettings
from streams.domain.values import Value
from streams.state_version import Generation

MAX_LOGGED_CHARACTERS = 200
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|-?\d[\d.,:+TZ-]*\d")


class RecordFault(NamedTuple):
    """What is wrong with a record. No part of it is a value of the record's: that may be a secret."""

    field: str
    reason: str


def fault(key: str, value: Value) -> RecordFault | None:
    """The first thing that is wrong with the record of that key; None: nothing is."""
    try:
        return next(_faults(key, value), None)
    except Exception as error:  # noqa: BLE001 - whatever an odd value does to its check, it is set aside
        return RecordFault("record", f"cannot be checked ({type(error).__name__})")


def redact_values(text: str) -> str:
    """A sentence of a check with an ellipsis for each value that it names, fit for one line of a log."""
    plain = _VALUES.sub("…", text).encode("ascii", "backslashreplace").decode()
    return re.sub(r"[\x00-\x1f\x7f]", "?", plain.replace("\\u2026", "..."))[:MAX_LOGGED_CHARACTERS]


def _faults(key: str, value: Value) -> Iterator[RecordFault]:
    named_by = _KEYS.get(type(value))
    if named_by and getattr(value, named_by) != key:
        yield RecordFault(named_by, "is another one than the key's")
    match value:
        case StoreSettings():
            yield from _of_settings(value)
        case Subscription():
            for index, condition in enumerate(value.filter):
                problem = filters.condition_problem(condition)
                if problem:
                    yield RecordFault(f"filter[{index}]", problem)
        case ApiKey() if not re.fullmatch("[0-9a-f]{64}", value.digest):
            yield RecordFault("digest", "is no SHA-256 in hexadecimal")
        case Generation() if value.number < 1 or value.layout < 1:
            yield RecordFault("number", "must be positive, and layout too")
        case _:
            pass


_KEYS: dict[type[Value], str] = {
    StoreSettings: "store",
    Subscription: "subscription_id",
    Admin: "admin_id",
    ApiKey: "api_key_id",
    ReplayOrder: "replay_id",
    ReplayProgress: "replay_id",
    EndpointStatus: "subscription_id",
}


def _of_settings(settings: StoreSettings) -> Iterator[RecordFault]:
    try:
        settings.check()
    except ValueError as error:
        field, _, reason = str(error).partition(" ")
        yield RecordFault(field.rstrip(":"), redact_values(reason))
