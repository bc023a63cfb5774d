"""Applies facts about units: changes a wallet's sums, its lots and its held units."""

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
            yield from _earn_lot(state, event, store)
        case UnitsActivated():
            yield from _activate_lot(state, event, store)
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
            yield from _hold_units(state, event)
        case UnitsUnblocked() | UnitsReleased() | UnitsSent():
            yield from _settle_held(state, event, store)
        case UnitsCancelled():
            yield from _cancel_transfer(state, event)
        case UnitsTakenBack():
            yield from take_back(state, event)
        case DebtPaid():
            yield from pay_debt(state, event)
        case UnitsReceived():
            yield from _receive_units(state, event, store)
        case UnitsExpiryAnnounced():
            yield from _announce_expiry(state, event, store)
        case _:
            assert_never(event)


def _earn_lot(state: State, event: UnitsEarned, store: StoreSettings) -> Iterator[Change]:
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
    yield from _record_gift(state, event)
    if event.locked_until is not None:
        yield replace(before, pending=before.pending + event.units)
        yield PendingLot(lot=lot, unlocks_at=event.locked_until)
        return
    yield moved(before, event.units, earned=before.earned + event.units)
    yield from _open_lot(lot, store)


def _record_gift(state: State, event: UnitsEarned) -> Iterator[Change]:
    """Records the lot with its purchase, for returns."""
    bought = state.get(Transaction, event.purchase.encode()) if event.purchase else None
    if bought:
        gift = Gift(lot_id=event.transfer_id, wallet=event.wallet, units=event.units)
        yield replace(bought, gifts=(*bought.gifts, gift))


def _open_lot(lot: Lot, store: StoreSettings) -> Iterator[Change]:
    yield from placed(lot, store)
    yield Transfer(wallet=lot.wallet, place=lot.draw(lot.units), purchase=lot.purchase)


def _activate_lot(state: State, event: UnitsActivated, store: StoreSettings) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    pending = _require_pending(state, event.transfer_id)
    yield moved(before, event.units, pending=before.pending - event.units, earned=before.earned + event.units)
    yield Drop(entry=pending)
    yield from _open_lot(pending.lot, store)


def _require_pending(state: State, transfer_id: str) -> PendingLot:
    pending = state.get(PendingLot, transfer_id.encode())
    if pending is None:
        raise LookupError(f"pending transfer {transfer_id} is not in the ledger")
    return pending


def _hold_units(state: State, event: UnitsBlocked | UnitsHeld) -> Iterator[Change]:
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


def _settle_held(
    state: State, event: UnitsUnblocked | UnitsReleased | UnitsSent, store: StoreSettings
) -> Iterator[Change]:
    """Removes held units, or puts them back into their lots."""
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
    """Puts units back into their lot; a lot that is gone is restored. If it is overdue, its timer is due at
    once and expires it. A cancelled or expired transfer stays so, and cannot be taken back twice."""
    before = pledge.lot
    now = state.get(Lot, before.key())
    if now:
        yield replace(now, remaining=now.remaining + pledge.units)
        return
    wallet = get_account(state, before.wallet)
    yield replace(wallet, returns=wallet.returns + 1)
    yield from placed(replace(before, remaining=pledge.units, returns=wallet.returns + 1), store)


def _cancel_transfer(state: State, event: UnitsCancelled) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    if event.pending:
        pending = _require_pending(state, event.transfer_id)
        yield replace(before, pending=before.pending - event.units, cancelled=before.cancelled + event.units)
        yield Drop(entry=pending)
        yield from lost(state, pending.lot.purchase, event.transfer_id, event.units)
        return
    given = state.get(Transfer, event.transfer_id.encode())
    yield moved(before, -event.units, cancelled=before.cancelled + event.units)
    yield from take(state, event.wallet, event.draws)
    yield from untraced(state, event.transfer_id)
    yield from lost(state, given.purchase if given else None, event.transfer_id, event.units)


def _receive_units(state: State, event: UnitsReceived, store: StoreSettings) -> Iterator[Change]:
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


def _announce_expiry(state: State, event: UnitsExpiryAnnounced, store: StoreSettings) -> Iterator[Change]:
    lot = next(_lots_of(state, event), None)
    if lot is None:
        raise LookupError(f"lot {event.lot_id} of wallet {event.wallet!r} is not in the ledger")
    yield schedule_lot(replace(lot, announced=(*lot.announced, event.days)), store)


def _lots_of(state: State, event: UnitsExpiryAnnounced) -> Iterator[Lot]:
    """Finds the lot in both spending orders, as the fact does not name the order."""
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
