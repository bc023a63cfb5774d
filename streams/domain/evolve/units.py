"""What changes of units change: a wallet's sums, its lots, and what is out of reach."""

from collections.abc import Iterator
from typing import assert_never

from msgspec.structs import replace

from streams.domain.events import (
    DebtPaid,
    UnitsActivated,
    UnitsBlocked,
    UnitsCancelled,
    UnitsEarned,
    UnitsEvent,
    UnitsExpired,
    UnitsExpiryAnnounced,
    UnitsHeld,
    UnitsReceived,
    UnitsReleased,
    UnitsSent,
    UnitsSpent,
    UnitsTakenBack,
    UnitsUnblocked,
)
from streams.domain.evolve.lots import lost, lot_at, moved, placed, take, untraced
from streams.domain.evolve.returns import pay_debt, take_back
from streams.domain.ids import derived_id
from streams.domain.ledger import get_account, schedule_lot
from streams.domain.state import (
    Change,
    Drop,
    Gift,
    Held,
    Lot,
    PendingLot,
    Pledge,
    State,
    Transaction,
    Transfer,
    lot_key,
)
from streams.domain.store import StoreSettings
from streams.domain.values import Draw


def evolve_units(state: State, event: UnitsEvent, store: StoreSettings) -> Iterator[Change]:
    match event:
        case UnitsEarned():
            yield from _earn(state, event, store)
        case UnitsActivated():
            yield from _activate(state, event, store)
        case UnitsSpent():
            before = get_account(state, event.wallet)
            yield moved(before, -event.units, spent=before.spent + event.units)
            yield from take(state, event.wallet, event.draws)
        case UnitsExpired():
            before = get_account(state, event.wallet)
            yield moved(before, -event.lot.units, expired=before.expired + event.lot.units)
            ended = lot_at(state, event.wallet, event.lot)
            yield from lost(state, ended.purchase, ended.lot_id, event.lot.units)
            yield from take(state, event.wallet, (event.lot,))
            yield from untraced(state, event.lot.lot_id)
        case UnitsBlocked() | UnitsHeld():
            yield from _set_aside(state, event)
        case UnitsUnblocked() | UnitsReleased() | UnitsSent():
            yield from _settle(state, event, store)
        case UnitsCancelled():
            yield from _cancel(state, event)
        case UnitsTakenBack():
            yield from take_back(state, event)
        case DebtPaid():
            yield from pay_debt(state, event)
        case UnitsReceived():
            yield from _receive(state, event, store)
        case UnitsExpiryAnnounced():
            yield from _announce(state, event, store)
        case _:
            assert_never(event)


def _earn(state: State, event: UnitsEarned, store: StoreSettings) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    lot = Lot(
        wallet=event.wallet,
        lot_id=event.transfer_id,
        units=event.units,
        remaining=event.units,
        earned_at=event.occurred_at,
        expires_at=event.expires_at,
        oldest_first=event.oldest_first,
        purchase=event.purchase,
    )
    yield from _given(state, event)
    if event.locked_until is not None:
        yield replace(before, pending=before.pending + event.units)
        yield PendingLot(lot=lot, unlocks_at=event.locked_until)
        return
    yield moved(before, event.units, earned=before.earned + event.units)
    yield from _opened(lot, store)


def _given(state: State, event: UnitsEarned) -> Iterator[Change]:
    """What a purchase gave is kept with it, for its returns."""
    bought = state.get(Transaction, event.purchase.encode()) if event.purchase else None
    if bought:
        gift = Gift(lot_id=event.transfer_id, wallet=event.wallet, units=event.units)
        yield replace(bought, gifts=(*bought.gifts, gift))


def _opened(lot: Lot, store: StoreSettings) -> Iterator[Change]:
    yield from placed(lot, store)
    yield Transfer(wallet=lot.wallet, place=lot.draw(lot.units), purchase=lot.purchase)


def _activate(state: State, event: UnitsActivated, store: StoreSettings) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    pending = _pending(state, event.transfer_id)
    yield moved(before, event.units, pending=before.pending - event.units, earned=before.earned + event.units)
    yield Drop(entry=pending)
    yield from _opened(pending.lot, store)


def _pending(state: State, transfer_id: str) -> PendingLot:
    pending = state.get(PendingLot, transfer_id.encode())
    if pending is None:
        raise LookupError(f"pending transfer {transfer_id} is not in the ledger")
    return pending


def _set_aside(state: State, event: UnitsBlocked | UnitsHeld) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    blocked = isinstance(event, UnitsBlocked)
    if blocked:
        yield moved(before, -event.units, blocked=before.blocked + event.units)
    else:
        yield replace(before, held=before.held + event.units)
    pledges = tuple(Pledge(lot=lot_at(state, event.wallet, d), units=d.units) for d in event.draws)
    yield from take(state, event.wallet, event.draws)
    yield Held(
        transfer_id=event.transfer_id,
        command_id=event.command_id,
        purpose="blocked" if blocked else "transfer",
        wallet=event.wallet,
        units=event.units,
        pledges=pledges,
        receiver_id=event.receiver_id if isinstance(event, UnitsHeld) else None,
        comment=event.comment,
    )


def _settle(
    state: State, event: UnitsUnblocked | UnitsReleased | UnitsSent, store: StoreSettings
) -> Iterator[Change]:
    """What was set aside is gone, or back in its lots."""
    before = get_account(state, event.wallet)
    held = state.get(Held, event.transfer_id.encode())
    if held is None:
        raise LookupError(f"transfer {event.transfer_id} holds nothing")
    match event:
        case UnitsSent():
            yield moved(before, -event.units, held=before.held - event.units, sent=before.sent + event.units)
        case UnitsReleased():
            yield replace(before, held=before.held - event.units)
        case UnitsUnblocked():
            yield moved(before, event.units, blocked=before.blocked - event.units)
    yield Drop(entry=held)
    if not isinstance(event, UnitsSent):
        for pledge in held.pledges:
            yield from _put_back(state, pledge, store)


def _put_back(state: State, pledge: Pledge, store: StoreSettings) -> Iterator[Change]:
    """Into the lot, as it is now; where it is gone meanwhile, it comes back. If its day is over, its timer,
    due at once, lets it expire. What was cancelled or expired stays so: it cannot be taken back twice."""
    before = pledge.lot
    now = state.get(Lot, before.key())
    if now:
        yield replace(now, remaining=now.remaining + pledge.units)
        return
    wallet = get_account(state, before.wallet)
    yield replace(wallet, returns=wallet.returns + 1)
    yield from placed(replace(before, remaining=pledge.units, returns=wallet.returns + 1), store)


def _cancel(state: State, event: UnitsCancelled) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    if event.pending:
        pending = _pending(state, event.transfer_id)
        yield replace(before, pending=before.pending - event.units, cancelled=before.cancelled + event.units)
        yield Drop(entry=pending)
        yield from lost(state, pending.lot.purchase, event.transfer_id, event.units)
        return
    given = state.get(Transfer, event.transfer_id.encode())
    yield moved(before, -event.units, cancelled=before.cancelled + event.units)
    yield from take(state, event.wallet, event.draws)
    yield from untraced(state, event.transfer_id)
    yield from lost(state, given.purchase if given else None, event.transfer_id, event.units)


def _receive(state: State, event: UnitsReceived, store: StoreSettings) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    yield moved(
        before, event.units, earned=before.earned + event.units, received=before.received + event.units
    )
    for index, draw in enumerate(event.draws):
        lot = Lot(
            wallet=event.wallet,
            lot_id=derived_id(event.transfer_id, "lot", str(index)),
            units=draw.units,
            remaining=draw.units,
            earned_at=event.occurred_at,
            expires_at=draw.expires_at,
            oldest_first=draw.oldest_first,
        )
        yield from placed(lot, store)


def _announce(state: State, event: UnitsExpiryAnnounced, store: StoreSettings) -> Iterator[Change]:
    lot = next(_lots_of(state, event), None)
    if lot is None:
        raise LookupError(f"lot {event.lot_id} of wallet {event.wallet!r} is not in the ledger")
    yield schedule_lot(replace(lot, announced=(*lot.announced, event.days)), store)


def _lots_of(state: State, event: UnitsExpiryAnnounced) -> Iterator[Lot]:
    """The lot, in whichever order it stands: the event does not say."""
    for oldest_first in (False, True):
        place = Draw(
            lot_id=event.lot_id,
            units=event.remaining,
            earned_at=event.earned_at,
            expires_at=event.expires_at,
            oldest_first=oldest_first,
        )
        lot = state.get(Lot, lot_key(event.wallet, place))
        if lot:
            yield lot
