"""From facts about units to AvailablePointsAmountChanged."""

from decimal import Decimal
from typing import NamedTuple

from streams.derived.event_header import customer, webhook_event_header
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


class _Change(NamedTuple):
    units: Decimal
    """With its sign."""
    type: str
    cause: Cause | None = None


def available_amount_changed(
    event: Movement, state: State, store: StoreSettings
) -> AvailablePointsAmountChanged | None:
    """The change that `event` made; `state` is the state after it. None: what can be spent is as before."""
    change = _change(event)
    if change is None:
        return None
    after = get_account(state, event.wallet)
    return AvailablePointsAmountChanged(
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
        taken_back=_taken_back(event) if isinstance(event, UnitsTakenBack) else None,
    )


def _taken_back(event: UnitsTakenBack) -> TakenBack:
    return TakenBack(
        purchase=event.purchase,
        pending=sum((share.units for share in event.pending), Decimal(0)),
        active=event.drawn,
        blocked=sum((share.units for share in event.blocked), Decimal(0)),
        owed=event.owed,
        waived=event.waived,
    )


def _change(event: Movement) -> _Change | None:
    match event:
        case UnitsEarned():
            return None if event.locked_until else _Change(event.units, "add", event.cause)
        case UnitsSpent():
            return _Change(-event.units, "subtract", event.cause)
        case UnitsExpired():
            return _Change(-event.lot.units, "expire")
        case UnitsCancelled():
            return None if event.pending else _Change(-event.units, "cancel")
        case UnitsTakenBack() | DebtPaid():
            return _returned(event)
        case _:
            return _moved(event)


def _returned(event: UnitsTakenBack | DebtPaid) -> _Change:
    if isinstance(event, DebtPaid):
        return _Change(-event.units, "subtract")
    # Told of even where none of them could be spent: nothing else says that they are gone.
    return _Change(-event.drawn, "subtract", event.cause)


def _moved(
    event: UnitsActivated | UnitsBlocked | UnitsUnblocked | UnitsSent | UnitsReceived,
) -> _Change:
    match event:
        case UnitsActivated():
            return _Change(event.units, "activate")
        case UnitsBlocked():
            return _Change(-event.units, "block")
        case UnitsUnblocked():
            return _Change(event.units, "unblock")
        case UnitsSent():
            return _Change(-event.units, "p2p_subtract")
        case UnitsReceived():
            return _Change(event.units, "p2p_add")


def wallet_id(store: str, member_id: str, wallet: str) -> str:
    """The id of a member's wallet: the outside world's accountId."""
    return derived_id(store, member_id, "wallet", wallet)
