"""Rules for existing transfers: activation, cancellation, expiry and blocking."""

from collections.abc import Iterator

from streams.domain.commands import ActivateUnits, BlockUnits, CancelTransfer, ExpireUnits
from streams.domain.event_context import EventContext
from streams.domain.events import Event, UnitsActivated, UnitsBlocked, UnitsCancelled, UnitsUnblocked
from streams.domain.ledger import (
    draw_held_lots,
    draw_lots,
    expire_lot,
    require_available,
    require_payable_wallet,
)
from streams.domain.member import require_active_member, require_member
from streams.domain.state import Held, Lot, PendingLot, State, Transfer, lot_key
from streams.domain.store import StoreSettings, WalletType
from streams.domain.values import Draw
from streams.errors import Rejected


def block_units(
    state: State, command: BlockUnits, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    require_active_member(state, context)
    wallet = require_payable_wallet(state, store, command.wallet, command.units)
    yield UnitsBlocked(
        **context.stamp("UnitsBlocked"),
        transfer_id=context.id("blocking"),
        wallet=wallet.code,
        units=command.units,
        draws=draw_held_lots(state, wallet.code, command.units),
        comment=command.comment,
    )


def cancel_transfer(
    state: State, command: CancelTransfer, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """Cancels a transfer as a whole: its units can only be taken back while the member has as many."""
    require_member(state, context)
    held = state.get(Held, command.transfer_id.encode())
    if held and held.purpose == "blocked":
        yield UnitsUnblocked(
            **context.stamp("UnitsUnblocked"),
            transfer_id=held.transfer_id,
            wallet=held.wallet,
            units=held.units,
        )
        return
    pending = state.get(PendingLot, command.transfer_id.encode())
    if pending:
        lot = pending.lot
        yield _cancelled_event(lot.wallet, lot.draw(lot.units), (), context, pending=True)
        return
    transfer, left = _require_given(state, command.transfer_id)
    wallet, given = transfer.wallet, transfer.place
    require_available(state, store.wallet_type(wallet), "transfer_id", given.units)
    yield _cancelled_event(wallet, given, draw_lots(state, wallet, given.units, left), context, pending=False)


def _cancelled_event(
    wallet: str, given: Draw, taken: tuple[Draw, ...], context: EventContext, *, pending: bool
) -> UnitsCancelled:
    return UnitsCancelled(
        **context.stamp("UnitsCancelled"),
        transfer_id=given.lot_id,
        wallet=wallet,
        units=given.units,
        pending=pending,
        draws=taken,
    )


def activate_units(state: State, command: ActivateUnits, context: EventContext) -> Iterator[Event]:
    require_member(state, context)
    pending = state.get(PendingLot, command.transfer_id.encode())
    if pending is None:
        raise Rejected("transfer_id", command.transfer_id, "is no transfer of this member with pending units")
    yield activate_pending_lot(pending, context)


def activate_pending_lot(pending: PendingLot, context: EventContext) -> UnitsActivated:
    return UnitsActivated(
        **context.stamp("UnitsActivated"),
        transfer_id=pending.lot.lot_id,
        wallet=pending.lot.wallet,
        units=pending.lot.units,
    )


def expire_units(state: State, command: ExpireUnits, context: EventContext) -> Iterator[Event]:
    require_member(state, context)
    _, lot = _require_given(state, command.transfer_id)
    if lot is None:
        raise Rejected("transfer_id", command.transfer_id, "has no units left")
    if lot.expires_at is None:
        raise Rejected("transfer_id", command.transfer_id, "gave units that never expire")
    yield expire_lot(lot, context)


def _require_given(state: State, transfer_id: str) -> tuple[Transfer, Lot | None]:
    place = state.get(Transfer, transfer_id.encode())
    if place is None:
        raise Rejected(
            "transfer_id",
            transfer_id,
            "is no transfer of this member that gave or blocked units, or is cancelled or expired",
        )
    return place, state.get(Lot, lot_key(place.wallet, place.place))


def cancelled_wallet(state: State, transfer_id: str, store: StoreSettings) -> WalletType | None:
    """The wallet that cancelling the transfer would take units from."""
    place = state.get(Transfer, transfer_id.encode())
    return store.wallet_type(place.wallet) if place else None
