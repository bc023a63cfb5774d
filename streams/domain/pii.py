"""The personal fields of facts: identifying data, codes, and free texts.

Ids, amounts, times and purchased items are not personal data here; they are kept for accounting."""

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
    TransactionLabelsChanged,
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
    TransactionRecorded: {"buyer": None, "labels": ()},
    TransactionLabelsChanged: {"labels": ()},
    RedemptionStatusChanged: {"old_comment": None, "new_comment": None},
    UnitsBlocked: {"comment": None},
    UnitsHeld: {"comment": None},
    UnitsSent: {"comment": None},
    UnitsReceived: {"comment": None},
}
"""By fact: its personal fields, with the values that replace them."""


def strip_personal(fact: Event) -> Event:
    """The fact without its personal fields; the same object if it has none."""
    instead = PERSONAL_FIELDS.get(type(fact))
    if instead is not None and any(getattr(fact, name) != value for name, value in instead.items()):
        fact = replace(fact, **instead)
    inner = _STRIPPERS.get(type(fact))
    return inner(fact) if inner else fact


def strip_labels(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The items without their labels."""
    if not any(item.labels for item in items):
        return items
    return tuple(replace(item, labels=()) for item in items)


def _strip_recorded(fact: TransactionRecorded) -> TransactionRecorded:
    items = strip_labels(fact.items)
    return fact if items is fact.items else replace(fact, items=items)


def _strip_applied(fact: CampaignApplied) -> CampaignApplied:
    if not any(effect.attribute for effect in fact.effects):
        return fact
    return replace(fact, effects=tuple(replace(effect, attribute=None) for effect in fact.effects))


def _strip_comment(fact: UnitsEarned | UnitsSpent) -> UnitsEarned | UnitsSpent:
    # The comment of a campaign's effect is the campaign's name, which is not personal.
    return fact if fact.cause or fact.comment is None else replace(fact, comment=None)


_STRIPPERS: dict[type[Event], Callable[[Any], Event]] = {
    TransactionRecorded: _strip_recorded,
    CampaignApplied: _strip_applied,
    UnitsEarned: _strip_comment,
    UnitsSpent: _strip_comment,
}
