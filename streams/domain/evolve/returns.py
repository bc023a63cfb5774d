"""Applies returns: they take units of a purchase, wherever these are."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from streams.domain.events import DebtPaid, UnitsTakenBack
from streams.domain.evolve.lots import lost, moved, take
from streams.domain.ledger import get_account
from streams.domain.state import Change, Drop, Held, PendingLot, State, Transaction, Transfer
from streams.domain.values import BlockedShare, Share


def take_back(state: State, event: UnitsTakenBack) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    pending = sum((share.units for share in event.pending), Decimal(0))
    blocked = sum((share.units for share in event.blocked), Decimal(0))
    yield moved(
        before,
        -event.drawn,
        pending=before.pending - pending,
        blocked=before.blocked - blocked,
        spent=before.spent + event.drawn + blocked,
        returned=before.returned + event.drawn + pending + blocked,
        owed=before.owed + event.owed,
    )
    for share in event.pending:
        yield from _take_pending(state, share, named=event.purchase is not None)
    yield from take(state, event.wallet, event.draws)
    for part in event.blocked:
        yield from _take_blocked(state, part)
    yield from _settle_purchase(state, event)


def _take_pending(state: State, share: Share, *, named: bool) -> Iterator[Change]:
    pending = state.get(PendingLot, share.lot_id.encode())
    if pending is None:
        raise LookupError(f"pending transfer {share.lot_id} is not in the ledger")
    lot = pending.lot
    left = lot.units - share.units
    yield replace(pending, lot=replace(lot, units=left, remaining=left)) if left else Drop(entry=pending)
    if not named:
        yield from lost(state, lot.purchase, lot.lot_id, share.units)


def _take_blocked(state: State, part: BlockedShare) -> Iterator[Change]:
    held = state.get(Held, part.transfer_id.encode())
    if held is None:
        raise LookupError(f"transfer {part.transfer_id} holds nothing")
    pledges = tuple(
        replace(pledge, units=pledge.units - part.units) if pledge.lot.lot_id == part.lot_id else pledge
        for pledge in held.pledges
    )
    left = replace(
        held, units=held.units - part.units, pledges=tuple(pledge for pledge in pledges if pledge.units)
    )
    yield left if left.units else Drop(entry=held)


def _settle_purchase(state: State, event: UnitsTakenBack) -> Iterator[Change]:
    """Records what was taken for each lot, so that neither another return nor a cancellation takes it
    again."""
    bought = state.get(Transaction, event.purchase.encode()) if event.purchase else None
    if bought is None:
        return
    taken = {share.lot_id: share.units for share in event.shares}
    gifts = (replace(gift, taken=gift.taken + taken.get(gift.lot_id, 0)) for gift in bought.gifts)
    yield replace(bought, gifts=tuple(gifts))
    for share in event.shares:
        given = state.get(Transfer, share.lot_id.encode())
        if given:
            left = given.place.units - share.units
            yield replace(given, place=replace(given.place, units=left)) if left else Drop(entry=given)


def pay_debt(state: State, event: DebtPaid) -> Iterator[Change]:
    before = get_account(state, event.wallet)
    yield moved(
        before,
        -event.units,
        spent=before.spent + event.units,
        returned=before.returned + event.units,
        owed=before.owed - event.units,
    )
    yield from take(state, event.wallet, event.draws)
