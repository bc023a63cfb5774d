"""What changes of units change: a wallet's sums, its lots, and what is out of reach."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from streams.domain.events import (
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
    UnitsUnblocked,
)
from streams.domain.ids import derived_id
from streams.domain.ledger import account, scheduled
from streams.domain.state import (
    Account,
    Change,
    Drop,
    Ending,
    Held,
    Lot,
    PendingLot,
    Pledge,
    State,
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
            before = account(state, event.wallet)
            yield _moved(before, -event.units, spent=before.spent + event.units)
            yield from _take(state, event.wallet, event.draws)
        case UnitsExpired():
            before = account(state, event.wallet)
            yield _moved(before, -event.lot.units, expired=before.expired + event.lot.units)
            yield from _take(state, event.wallet, (event.lot,))
            yield from _untraced(state, event.lot.lot_id)
        case UnitsBlocked() | UnitsHeld():
            yield from _set_aside(state, event)
        case UnitsUnblocked() | UnitsReleased() | UnitsSent():
            yield from _settle(state, event, store)
        case UnitsCancelled():
            yield from _cancel(state, event)
        case UnitsReceived():
            yield from _receive(state, event, store)
        case UnitsExpiryAnnounced():
            yield from _announce(state, event, store)
        case _:
            assert_never(event)


def _moved(before: Account, change: Decimal, **sums: Decimal) -> Account:
    """The account after a change of what is available: each is counted."""
    return replace(before, available=before.available + change, changes=before.changes + 1, **sums)


def _earn(state: State, event: UnitsEarned, store: StoreSettings) -> Iterator[Change]:
    before = account(state, event.wallet)
    lot = Lot(
        wallet=event.wallet,
        lot_id=event.transfer_id,
        units=event.units,
        remaining=event.units,
        earned_at=event.occurred_at,
        expires_at=event.expires_at,
        oldest_first=event.oldest_first,
    )
    if event.locked_until is not None:
        yield replace(before, pending=before.pending + event.units)
        yield PendingLot(lot=lot, unlocks_at=event.locked_until)
        return
    yield _moved(before, event.units, earned=before.earned + event.units)
    yield from _opened(lot, store)


def _opened(lot: Lot, store: StoreSettings) -> Iterator[Change]:
    yield from _placed(lot, store)
    yield Transfer(wallet=lot.wallet, place=lot.draw(lot.units))


def _placed(lot: Lot, store: StoreSettings) -> Iterator[Change]:
    yield scheduled(lot, store)
    yield from _endings(lot)


def _endings(lot: Lot) -> Iterator[Ending]:
    if lot.oldest_first and lot.expires_at is not None:
        yield Ending(wallet=lot.wallet, expires_at=lot.expires_at, place=lot.draw(lot.units))


def _activate(state: State, event: UnitsActivated, store: StoreSettings) -> Iterator[Change]:
    before = account(state, event.wallet)
    pending = _pending(state, event.transfer_id)
    yield _moved(
        before, event.units, pending=before.pending - event.units, earned=before.earned + event.units
    )
    yield Drop(entry=pending)
    yield from _opened(pending.lot, store)


def _pending(state: State, transfer_id: str) -> PendingLot:
    pending = state.get(PendingLot, transfer_id.encode())
    if pending is None:
        raise LookupError(f"pending transfer {transfer_id} is not in the ledger")
    return pending


def _take(state: State, wallet: str, draws: Iterable[Draw]) -> Iterator[Change]:
    for draw in draws:
        lot = _lot(state, wallet, draw)
        left = lot.remaining - draw.units
        if left:
            yield replace(lot, remaining=left)
            continue
        for gone in (lot, *_endings(lot)):
            yield Drop(entry=gone)


def _untraced(state: State, transfer_id: str) -> Iterator[Change]:
    """What gave these units cannot be taken back any more."""
    transfer = state.get(Transfer, transfer_id.encode())
    if transfer:
        yield Drop(entry=transfer)


def _set_aside(state: State, event: UnitsBlocked | UnitsHeld) -> Iterator[Change]:
    before = account(state, event.wallet)
    blocked = isinstance(event, UnitsBlocked)
    if blocked:
        yield _moved(before, -event.units, blocked=before.blocked + event.units)
    else:
        yield replace(before, held=before.held + event.units)
    pledges = tuple(Pledge(lot=_lot(state, event.wallet, d), units=d.units) for d in event.draws)
    yield from _take(state, event.wallet, event.draws)
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
    before = account(state, event.wallet)
    held = state.get(Held, event.transfer_id.encode())
    if held is None:
        raise LookupError(f"transfer {event.transfer_id} holds nothing")
    match event:
        case UnitsSent():
            yield _moved(before, -event.units, held=before.held - event.units, sent=before.sent + event.units)
        case UnitsReleased():
            yield replace(before, held=before.held - event.units)
        case UnitsUnblocked():
            yield _moved(before, event.units, blocked=before.blocked - event.units)
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
    wallet = account(state, before.wallet)
    yield replace(wallet, returns=wallet.returns + 1)
    yield from _placed(replace(before, remaining=pledge.units, returns=wallet.returns + 1), store)


def _cancel(state: State, event: UnitsCancelled) -> Iterator[Change]:
    before = account(state, event.wallet)
    if event.pending:
        yield replace(before, pending=before.pending - event.units, cancelled=before.cancelled + event.units)
        yield Drop(entry=_pending(state, event.transfer_id))
        return
    yield _moved(before, -event.units, cancelled=before.cancelled + event.units)
    yield from _take(state, event.wallet, event.draws)
    yield from _untraced(state, event.transfer_id)


def _receive(state: State, event: UnitsReceived, store: StoreSettings) -> Iterator[Change]:
    before = account(state, event.wallet)
    yield _moved(
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
        yield from _placed(lot, store)


def _announce(state: State, event: UnitsExpiryAnnounced, store: StoreSettings) -> Iterator[Change]:
    lot = next(_lots_of(state, event), None)
    if lot is None:
        raise LookupError(f"lot {event.lot_id} of wallet {event.wallet!r} is not in the ledger")
    yield scheduled(replace(lot, announced=(*lot.announced, event.days)), store)


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


def _lot(state: State, wallet: str, place: Draw) -> Lot:
    lot = state.get(Lot, lot_key(wallet, place))
    if lot is None:
        raise LookupError(f"lot {place.lot_id} of wallet {wallet!r} is not in the ledger")
    return lot
