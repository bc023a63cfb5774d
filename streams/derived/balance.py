"""From facts about units to AvailablePointsAmountChanged."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple, get_args

from streams.domain.events import (
    DebtPaid,
    UnitsActivated,
    UnitsBlocked,
    UnitsCancelled,
    UnitsEarned,
    UnitsExpired,
    UnitsReceived,
    UnitsSent,
    UnitsSpent,
    UnitsTakenBack,
    UnitsUnblocked,
)
from streams.domain.ids import derived_id
from streams.domain.ledger import get_account
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.domain.values import Cause
from streams.webhooks.derivation import derives
from streams.webhooks.event_header import customer, webhook_event_header
from streams.webhooks.events import AvailablePointsAmountChanged, TakenBack

Movement = (
    UnitsEarned
    | UnitsActivated
    | UnitsSpent
    | UnitsExpired
    | UnitsBlocked
    | UnitsUnblocked
    | UnitsCancelled
    | UnitsTakenBack
    | DebtPaid
    | UnitsSent
    | UnitsReceived
)


class _AmountChange(NamedTuple):
    units: Decimal
    """With its sign."""
    type: str
    cause: Cause | None = None


@derives(*get_args(Movement))
def available_amount_changed(
    event: Movement, state: State, store: StoreSettings
) -> Iterator[AvailablePointsAmountChanged]:
    """The change of available units by `event`, if there is one.

    UnitsHeld and UnitsReleased have no rule: a transfer is reported once it is complete.
    """
    change = _amount_change(event)
    if change is None:
        return
    after = get_account(state, event.wallet)
    yield AvailablePointsAmountChanged(
        **webhook_event_header(event, "AvailablePointsAmountChanged"),
        customer=customer(state, event.member_id),
        wallet_id=wallet_id(event.store, event.member_id, event.wallet),
        wallet=store.wallet_type(event.wallet),
        amount_before=after.available - change.units,
        amount=after.available,
        amount_change=abs(change.units),
        amount_change_type=change.type,
        sequence=after.changes,
        transfer_id=event.transfer_id,
        cause=change.cause,
        taken_back=_taken_back_units(event) if isinstance(event, UnitsTakenBack) else None,
    )


def _taken_back_units(event: UnitsTakenBack) -> TakenBack:
    return TakenBack(
        purchase=event.purchase,
        pending=sum((share.units for share in event.pending), Decimal(0)),
        active=event.drawn,
        blocked=sum((share.units for share in event.blocked), Decimal(0)),
        owed=event.owed,
        waived=event.waived,
    )


def _amount_change(event: Movement) -> _AmountChange | None:
    match event:
        case UnitsEarned():
            return None if event.locked_until else _AmountChange(event.units, "add", event.cause)
        case UnitsSpent():
            return _AmountChange(-event.units, "subtract", event.cause)
        case UnitsExpired():
            return _AmountChange(-event.lot.units, "expire")
        case UnitsCancelled():
            return None if event.pending else _AmountChange(-event.units, "cancel")
        case UnitsTakenBack() | DebtPaid():
            return _return_change(event)
        case _:
            return _movement_change(event)


def _return_change(event: UnitsTakenBack | DebtPaid) -> _AmountChange:
    if isinstance(event, DebtPaid):
        return _AmountChange(-event.units, "subtract")
    # Sent even if none of them were spendable: no other webhook reports them.
    return _AmountChange(-event.drawn, "subtract", event.cause)


def _movement_change(
    event: UnitsActivated | UnitsBlocked | UnitsUnblocked | UnitsSent | UnitsReceived,
) -> _AmountChange:
    match event:
        case UnitsActivated():
            return _AmountChange(event.units, "activate")
        case UnitsBlocked():
            return _AmountChange(-event.units, "block")
        case UnitsUnblocked():
            return _AmountChange(event.units, "unblock")
        case UnitsSent():
            return _AmountChange(-event.units, "p2p_subtract")
        case UnitsReceived():
            return _AmountChange(event.units, "p2p_add")


def wallet_id(store: str, member_id: str, wallet: str) -> str:
    """The id of a member's wallet: the outside world's accountId."""
    return derived_id(store, member_id, "wallet", wallet)
