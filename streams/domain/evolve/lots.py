"""Changes of lots that several facts share."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec.structs import replace

from streams.domain.ledger import schedule_lot
from streams.domain.state import Account, Change, Drop, Ending, Lot, State, Transaction, Transfer, lot_key
from streams.domain.store import StoreSettings
from streams.domain.values import Draw


def moved(before: Account, change: Decimal, **sums: Decimal) -> Account:
    """The account after a change of its available units. Each change is counted in `changes`."""
    return replace(before, available=before.available + change, changes=before.changes + 1, **sums)


def placed(lot: Lot, store: StoreSettings) -> Iterator[Change]:
    yield schedule_lot(lot, store)
    yield from endings(lot)


def endings(lot: Lot) -> Iterator[Ending]:
    if lot.oldest_first and lot.expires_at is not None:
        yield Ending(wallet=lot.wallet, expires_at=lot.expires_at, place=lot.draw(lot.units))


def take(state: State, wallet: str, draws: Iterable[Draw]) -> Iterator[Change]:
    for draw in draws:
        lot = lot_at(state, wallet, draw)
        left = lot.remaining - draw.units
        if left:
            yield replace(lot, remaining=left)
            continue
        for gone in (lot, *endings(lot)):
            yield Drop(entry=gone)


def untraced(state: State, transfer_id: str) -> Iterator[Change]:
    """Removes the transfer of a lot, which cannot be cancelled any more."""
    transfer = state.get(Transfer, transfer_id.encode())
    if transfer:
        yield Drop(entry=transfer)


def lot_at(state: State, wallet: str, place: Draw) -> Lot:
    lot = state.get(Lot, lot_key(wallet, place))
    if lot is None:
        raise LookupError(f"lot {place.lot_id} of wallet {wallet!r} is not in the ledger")
    return lot


def lost(state: State, purchase: str | None, lot_id: str, units: Decimal) -> Iterator[Change]:
    """Marks units of a purchase's lot as gone, so that returns do not take them any more."""
    bought = state.get(Transaction, purchase.encode()) if purchase else None
    if bought:
        gifts = tuple(
            replace(gift, gone=gift.gone + units) if gift.lot_id == lot_id else gift for gift in bought.gifts
        )
        yield replace(bought, gifts=gifts)
