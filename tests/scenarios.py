"""Stories of one member each, told in memory and on the real broker: commands, and what must be delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from streams.domain.commands import Command
from tests.samples import NOON, add, buy, purchase, register, spend, uid

Told = tuple[str, dict[str, object]]
"""A webhook's name and some fields of its `data`."""
END = NOON + timedelta(days=200)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`told` holds every webhook that the member causes, in order, numbers as their JSON says."""

    name: str
    member: str
    commands: Sequence[Command]
    told: Sequence[Told]


def _changed(amount: str, change: str, kind: str) -> Told:
    return (
        "AvailablePointsAmountChanged",
        {"amount": amount, "amountChange": change, "amountChangeType": kind},
    )


def _bought(number: str) -> tuple[Told, ...]:
    return (
        ("TransactionRegistered", {"documentNumber": number}),
        ("TransactionAssignedToCustomer", {"grossValue": "12.5"}),
    )


SCENARIOS = (
    Scenario(
        "points of a purchase are announced ten days before they expire, then expire",
        uid(11),
        [
            register(uid(11), email="one@example.com"),
            purchase("12.50", "DOC-1", uid(11), NOON + SECOND),
        ],
        [
            ("CustomerRegistered", {"customerId": uid(11)}),
            *_bought("DOC-1"),
            _changed("125", "125", "add"),
            ("PointsWillExpire", {"points": "125", "remainingUnits": "125"}),
            _changed("0", "125", "expire"),
        ],
    ),
    Scenario(
        "a reward is paid with the points that expire first, and what is left is announced",
        uid(12),
        [
            register(uid(12)),
            purchase("12.50", "DOC-2", uid(12), NOON + SECOND),
            add("10", uid(12), NOON + 2 * SECOND, expires_in_days=20),
            buy(uid(12), NOON + 3 * SECOND),
        ],
        [
            ("CustomerRegistered", {"customerId": uid(12)}),
            *_bought("DOC-2"),
            _changed("125", "125", "add"),
            _changed("135", "10", "add"),
            _changed("35", "100", "subtract"),
            ("CustomerBoughtReward", {"costInPoints": "100"}),
            ("PointsWillExpire", {"points": "125", "remainingUnits": "35"}),
            _changed("0", "35", "expire"),
        ],
    ),
    Scenario(
        "what was spent is neither announced nor expired, and a spend too many is refused",
        uid(13),
        [
            register(uid(13)),
            add("40.5", uid(13), NOON + SECOND, expires_in_days=30),
            spend("41", uid(13), NOON + 2 * SECOND),
            spend("40.5", uid(13), NOON + 3 * SECOND),
        ],
        [
            ("CustomerRegistered", {"customerId": uid(13)}),
            _changed("40.5", "40.5", "add"),
            _changed("0", "40.5", "subtract"),
        ],
    ),
)


def in_order_of_issue() -> list[Command]:
    """All scenarios' commands as one history."""
    return sorted((c for s in SCENARIOS for c in s.commands), key=lambda c: c.issued_at)


def matches(told: Sequence[Told], expected: Sequence[Told]) -> bool:
    """Whether names agree one for one, and each expected field has the expected value."""
    return len(told) == len(expected) and all(
        name == wanted and fields.items() >= some.items()
        for (name, fields), (wanted, some) in zip(told, expected, strict=True)
    )
