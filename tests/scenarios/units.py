"""Units: earned, spent, pending, blocked, cancelled, expired, given away."""

from decimal import Decimal

from streams.domain.commands import (
    ActivateUnits,
    AddUnits,
    BlockUnits,
    CancelTransfer,
    ExpireUnits,
    RegisterMember,
    SpendUnits,
    TransferUnits,
)
from streams.domain.commands import Command as AnyCommand
from streams.domain.values import Profile
from tests.samples import uid
from tests.scenarios.scenario import Scenario, Told, act_of, changed, registered, tell


def made(command: AnyCommand, kind: str) -> str:
    """The id of the transfer that the command makes."""
    return act_of(command).id(kind)


def _open(owner: str) -> RegisterMember:
    return tell(RegisterMember, owner, profile=Profile())


def _add(owner: str, units: str, **fields: object) -> AddUnits:
    return tell(AddUnits, owner, units=Decimal(units), **fields)


def _will_expire(points: str, remaining: str) -> Told:
    return "PointsWillExpire", {"points": points, "remainingUnits": remaining}


SPENT = uid(21)
spent = Scenario(
    "what was spent is neither announced nor expired, and a spend too many is refused",
    SPENT,
    [
        _open(SPENT),
        _add(SPENT, "40.5", expires_in_days=30),
        tell(SpendUnits, SPENT, units=Decimal(41)),
        tell(SpendUnits, SPENT, units=Decimal("40.5")),
    ],
    [*registered(SPENT), changed("40.5", "40.5", "add"), changed("0", "40.5", "subtract")],
    refused=["units"],
    shows={"AvailablePointsAmountChanged": [0, 1]},
)

PENDING = uid(22)
_by_hand, _alone = _add(PENDING, "7", locked_for_days=50), _add(PENDING, "3", locked_for_days=20)
pending = Scenario(
    "pending units change nothing until they are active, by hand or by themselves",
    PENDING,
    [
        _open(PENDING),
        _by_hand,
        _alone,
        tell(SpendUnits, PENDING, units=Decimal(1)),
        tell(ActivateUnits, PENDING, transfer_id=made(_by_hand, "lot")),
    ],
    [*registered(PENDING), changed("7", "7", "activate")],
    later=[changed("10", "3", "activate")],
    refused=["units"],
    shows={"AvailablePointsAmountChanged": [5]},
)

BLOCKED = uid(23)
_block = tell(BlockUnits, BLOCKED, units=Decimal(6))
blocked = Scenario(
    "blocked units cannot be spent, and can once they are unblocked",
    BLOCKED,
    [
        _open(BLOCKED),
        first := _add(BLOCKED, "10"),
        _block,
        tell(SpendUnits, BLOCKED, units=Decimal(5)),
        tell(CancelTransfer, BLOCKED, transfer_id=made(_block, "blocking")),
        tell(SpendUnits, BLOCKED, units=Decimal(5)),
        tell(CancelTransfer, BLOCKED, transfer_id=made(first, "lot")),
    ],
    [
        *registered(BLOCKED),
        changed("10", "10", "add"),
        changed("4", "6", "block"),
        changed("10", "6", "unblock"),
        changed("5", "5", "subtract"),
    ],
    refused=["units", "transfer_id"],
    shows={"AvailablePointsAmountChanged": [7, 8]},
)

CANCELLED = uid(24)
_wrong = _add(CANCELLED, "30", expires_in_days=40)
cancelled = Scenario(
    "a transfer that is cancelled is taken back whole, from other units where its own were spent",
    CANCELLED,
    [
        _open(CANCELLED),
        _wrong,
        _add(CANCELLED, "20"),
        tell(SpendUnits, CANCELLED, units=Decimal(15)),
        tell(CancelTransfer, CANCELLED, transfer_id=made(_wrong, "lot")),
        tell(CancelTransfer, CANCELLED, transfer_id=made(_wrong, "lot")),
    ],
    [
        *registered(CANCELLED),
        changed("30", "30", "add"),
        changed("50", "20", "add"),
        changed("35", "15", "subtract"),
        changed("5", "30", "cancel"),
    ],
    refused=["transfer_id"],
    shows={"AvailablePointsAmountChanged": [4]},
)

EXPIRED = uid(25)
_early = _add(EXPIRED, "8", expires_in_days=60)
expired = Scenario(
    "units expire by hand before their day, and by themselves on it; a wallet has its own policy",
    EXPIRED,
    [
        _open(EXPIRED),
        _early,
        _add(EXPIRED, "2", expires_in_days=30),
        _add(EXPIRED, "4", wallet="miles"),
        tell(ExpireUnits, EXPIRED, transfer_id=made(_early, "lot")),
    ],
    [
        *registered(EXPIRED),
        changed("8", "8", "add"),
        changed("10", "2", "add"),
        changed("4", "4", "add"),
        changed("2", "8", "expire"),
    ],
    # Miles end with March, the others a day later.
    later=[
        _will_expire("4", "4"),
        _will_expire("2", "2"),
        changed("0", "4", "expire"),
        changed("0", "2", "expire"),
    ],
    shows={"AvailablePointsAmountChanged": [6], "PointsWillExpire": [0]},
)

SENDER, RECEIVER = uid(26), uid(27)
sender = Scenario(
    "units given to another member are gone here",
    SENDER,
    [
        _open(SENDER),
        _add(SENDER, "12", expires_in_days=100),
        tell(TransferUnits, SENDER, receiver_id=RECEIVER, units=Decimal(9)),
        tell(TransferUnits, SENDER, receiver_id=uid(404), units=Decimal(2)),
        tell(TransferUnits, SENDER, receiver_id=RECEIVER, units=Decimal(4)),
    ],
    [*registered(SENDER), changed("12", "12", "add"), changed("3", "9", "p2p_subtract")],
    later=[_will_expire("12", "3"), changed("0", "3", "expire")],
    # Who has not so many hears it at once; that the receiver is unknown must be asked for first.
    refused=["units", "receiver_id"],
    shows={"AvailablePointsAmountChanged": [9]},
)
receiver = Scenario(
    "units that another member gave are here, and keep their end",
    RECEIVER,
    [_open(RECEIVER)],
    [*registered(RECEIVER), changed("9", "9", "p2p_add")],
    later=[_will_expire("9", "9"), changed("0", "9", "expire")],
    shows={"AvailablePointsAmountChanged": [9]},
    leads=3,
)
UNITS = (spent, pending, blocked, cancelled, expired, receiver, sender)
