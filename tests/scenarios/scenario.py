"""What a scenario is: one owner's commands, and every webhook that they bring, in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TypeVar

from streams.domain.commands import Command
from streams.domain.event_context import EventContext
from tests.samples import NOON, STORE, uid

Told = tuple[str, dict[str, object]]
"""A webhook's name and some fields of its `data`."""
END = NOON + timedelta(days=200)
C = TypeVar("C", bound=Command)
_ids = count(20_000)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`told` and then, as time passes until END, `later`: every webhook that the owner causes, numbers as
    their JSON says. `shows`: the triggers of the catalogue that it is an example of."""

    name: str
    owner: str
    commands: Sequence[Command]
    told: Sequence[Told]
    later: Sequence[Told] = ()
    refused: Sequence[str] = ()
    """Fields for which commands are refused, in order."""
    shows: dict[str, Sequence[int]] = field(default_factory=dict)
    """By webhook, the places of the triggers in the catalogue's list."""
    leads: int = 0
    """So many of `told` come of its own commands, and must have come before other scenarios begin: they need
    this owner on another partition."""


def tell(kind: type[C], owner: str, **fields: object) -> C:
    """A command of that kind; when it is issued, its place among all says."""
    return kind(command_id=uid(next(_ids)), store=STORE, member_id=owner, issued_at=NOON, **fields)


def act_of(command: Command) -> EventContext:
    """What the command does, for the ids that come of it: they do not depend on the time."""
    return EventContext(
        cause_id=command.command_id, store=command.store, member_id=command.member_id, now=command.issued_at
    )


def changed(amount: str, change: str, kind: str) -> Told:
    return (
        "AvailablePointsAmountChanged",
        {"amount": amount, "amountChange": change, "amountChangeType": kind},
    )


def registered(owner: str) -> tuple[Told, ...]:
    """What the creation of a member brings: the lowest tier comes along."""
    return (("CustomerRegistered", {"customerId": owner}), *moved("Bronze", up=True))


def moved(tier: str, *, up: bool) -> tuple[Told, ...]:
    """A tier is part of what a customer is: two webhooks."""
    level = {"name": tier, "levelMoveUp": up, "levelMoveDown": not up}
    return ("CustomerLevelChanged", {"level": level}), ("CustomerUpdated", {})


def bought(number: str, value: str) -> tuple[Told, ...]:
    return (
        ("TransactionRegistered", {"documentNumber": number, "documentType": "sell"}),
        ("TransactionAssignedToCustomer", {"grossValue": value}),
    )


def applied(campaign: str) -> Told:
    return ("CampaignEffectWasApplied", {"campaign": {"name": campaign}})


def matches(told: Sequence[Told], expected: Sequence[Told]) -> bool:
    """Whether names agree one for one, and each expected field has the expected value."""
    return len(told) == len(expected) and all(
        name == wanted and _holds(fields, some)
        for (name, fields), (wanted, some) in zip(told, expected, strict=True)
    )


def _holds(found: object, expected: object) -> bool:
    """Dicts hold at least the expected keys."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            key in found and _holds(found[key], value) for key, value in expected.items()
        )
    return found == expected
