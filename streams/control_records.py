"""Checks of control records beyond their schema.

Control records are those of the small compacted topics that every process follows. An invalid one is set
aside where it is read (see `streams.kafka.unfit_records`), and never written
(see `streams.codec.round_trip`).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from streams.access import Admin, ApiKey
from streams.delivery import filter as filters
from streams.delivery.listeners import Listener
from streams.delivery.records import EndpointStatus, Subscription
from streams.delivery.replay_jobs import ReplayOrder, ReplayProgress
from streams.domain.store import StoreSettings
from streams.domain.values import Value
from streams.state_version import Generation

MAX_LOGGED_CHARACTERS = 200
_VALUE_PATTERN = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|-?\d[\d.,:+TZ-]*\d")


class RecordFault(NamedTuple):
    """What is wrong with a record. It contains no value of the record, which may be a secret."""

    field: str
    reason: str


def find_fault(key: str, value: Value) -> RecordFault | None:
    """The first fault of the record with that key, or None."""
    try:
        return next(_find_faults(key, value), None)
    except Exception as error:  # noqa: BLE001 - whatever an odd value does to its check, it is set aside
        return RecordFault("record", f"cannot be checked ({type(error).__name__})")


def redact_values(text: str) -> str:
    """A check's sentence for one line of the log, with an ellipsis in place of each value."""
    plain = _VALUE_PATTERN.sub("…", text).encode("ascii", "backslashreplace").decode()
    return re.sub(r"[\x00-\x1f\x7f]", "?", plain.replace("\\u2026", "..."))[:MAX_LOGGED_CHARACTERS]


def _find_faults(key: str, value: Value) -> Iterator[RecordFault]:
    named_by = _KEY_FIELDS.get(type(value))
    if named_by and getattr(value, named_by) != key:
        yield RecordFault(named_by, "is another one than the key's")
    match value:
        case StoreSettings():
            yield from _settings_faults(value)
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


_KEY_FIELDS: dict[type[Value], str] = {
    StoreSettings: "store",
    Subscription: "subscription_id",
    Listener: "listener_id",
    Admin: "admin_id",
    ApiKey: "api_key_id",
    ReplayOrder: "replay_id",
    ReplayProgress: "replay_id",
    EndpointStatus: "subscription_id",
}


def _settings_faults(settings: StoreSettings) -> Iterator[RecordFault]:
    try:
        settings.check()
    except ValueError as error:
        field, _, reason = str(error).partition(" ")
        yield RecordFault(field.rstrip(":"), redact_values(reason))
