"""What of a fact is personal: what tells who somebody is, codes sent to somebody, and whatever was written
freely. Ids, numbers, times and what was bought are kept for the books."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from streams.domain.events import (
    ActivationCodeIssued,
    CampaignApplied,
    ContactChangeAsked,
    CustomEventRecorded,
    Event,
    MemberRegistered,
    MemberSignedUp,
    MemberUpdated,
    PasswordResetIssued,
    RedemptionStatusChanged,
    TransactionRecorded,
    UnitsBlocked,
    UnitsEarned,
    UnitsHeld,
    UnitsReceived,
    UnitsSent,
    UnitsSpent,
)
from streams.domain.values import Item, Profile

EMPTY_PROFILE = Profile()
PERSONAL_FIELDS: dict[type[Event], dict[str, object]] = {
    MemberRegistered: {"profile": EMPTY_PROFILE, "phone_as_typed": None},
    MemberSignedUp: {"profile": EMPTY_PROFILE, "code": "", "code_number": 0, "phone_as_typed": None},
    MemberUpdated: {"profile": EMPTY_PROFILE, "phone_as_typed": None},
    ContactChangeAsked: {"value": "", "code": "", "code_number": 0},
    ActivationCodeIssued: {"code": "", "code_number": 0},
    PasswordResetIssued: {"code": "", "code_number": 0},
    CustomEventRecorded: {"attributes": ()},
    TransactionRecorded: {"buyer": None},
    RedemptionStatusChanged: {"old_comment": None, "new_comment": None},
    UnitsBlocked: {"comment": None},
    UnitsHeld: {"comment": None},
    UnitsSent: {"comment": None},
    UnitsReceived: {"comment": None},
}
"""By fact: the personal fields, and what stands there instead."""


def strip_personal(fact: Event) -> Event:
    """The fact without what is personal in it; the same object where nothing is."""
    instead = PERSONAL_FIELDS.get(type(fact))
    if instead is not None and any(getattr(fact, name) != value for name, value in instead.items()):
        fact = replace(fact, **instead)
    inner = _INNER.get(type(fact))
    return inner(fact) if inner else fact


def strip_labels(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The same lines without the labels that the till gave them."""
    if not any(item.labels for item in items):
        return items
    return tuple(replace(item, labels=()) for item in items)


def _recorded(fact: TransactionRecorded) -> TransactionRecorded:
    items = strip_labels(fact.items)
    return fact if items is fact.items else replace(fact, items=items)


def _applied(fact: CampaignApplied) -> CampaignApplied:
    if not any(effect.attribute for effect in fact.effects):
        return fact
    return replace(fact, effects=tuple(replace(effect, attribute=None) for effect in fact.effects))


def _commented(fact: UnitsEarned | UnitsSpent) -> UnitsEarned | UnitsSpent:
    # A campaign's comment is its name.
    return fact if fact.cause or fact.comment is None else replace(fact, comment=None)


_INNER: dict[type[Event], Callable[[Any], Event]] = {
    TransactionRecorded: _recorded,
    CampaignApplied: _applied,
    UnitsEarned: _commented,
    UnitsSpent: _commented,
}
