"""What can be wrong with a request, as the services say it; the doors make answers of it.

    Invalid        400  one or more fields hold what they must not
    NotFound       404  there is nothing of that name in that store
    Conflict       409  what the request is about is not as it would have to be
    Changed        412  another client has changed it since it was read
    KeyReused      422  the Idempotency-Key was used for another request
    TooSoon        429  it was done a moment ago, and may be repeated later only
    Busy           429  too many commands wait for their outcome

Two more come from below (see `streams.errors`): Rejected is told as Invalid, Retryable as 503.
"""

import json
import logging
import traceback
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from pydantic.alias_generators import to_camel

from streams.errors import Rejected

LOG = logging.getLogger(__name__)
UNREADABLE = (UnicodeError, RecursionError, OverflowError, ZoneInfoNotFoundError)
"""What Python raises for texts, depths, numbers, instants and zones that it cannot handle."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong with a request: where, what, and the value unless that may be a secret."""

    path: str
    message: str
    code: str
    value: object = None

    def body(self) -> dict[str, Any]:
        parameters = {} if self.value is None else {"value": self.value}
        return {
            "message": self.message,
            "parameters": parameters,
            "plural": None,
            "code": self.code,
            "path": self.path,
        }


class Invalid(Exception):
    """The request is understood and refused: 400."""

    def __init__(self, *complaints: Complaint) -> None:
        super().__init__("; ".join(f"{c.path}: {c.message}" for c in complaints))
        self.complaints = complaints


class Conflict(Exception):
    """The request is understood, and what it is about is not as it would have to be: 409."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.message)
        self.complaint = complaint


class NotFound(Exception):
    """There is nothing of that name, or it is of another store: 404. The text, if any, says what is there."""


class Changed(Exception):
    """The revision that the client has seen is not the present one any more: 412."""


class KeyReused(Exception):
    """The Idempotency-Key was used for another request: 422."""


class TooSoon(Exception):
    """It may be done again once `seconds` have passed: 429."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Busy(Exception):
    """So many commands wait for their outcome that one more is not taken: 429."""


def invalid_value(rejected: Rejected) -> Invalid:
    """A value that no record can hold, told to whoever sent it."""
    path = ".".join(to_camel(part) for part in rejected.field.split("."))
    value = {} if rejected.value is None else {"value": shorten_json(rejected.value)}
    return Invalid(Complaint(path, f"The value {rejected.reason}.", "invalid", **value))


def shorten_json(value: object) -> str:
    """`value` as JSON in plain ASCII, cut short: fit for a sentence whatever a client sent."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 100 else f"{text[:97]}…"


def describe_unreadable(error: Exception) -> str:
    """What is wrong with a request that no parser of ours has refused, though nothing can be made of it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    LOG.warning("a request ended in %s at %s:%s", type(error).__name__, last.filename, last.lineno)
    match error:
        case UnicodeError():
            return "Something in the request holds half of a character (U+D800 to U+DFFF), or is no UTF-8."
        case RecursionError():
            return "Something in the request is nested too deep."
        case _:
            return "A number or an instant in the request is beyond what can be reckoned with."
