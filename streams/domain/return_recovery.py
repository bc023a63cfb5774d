"""Collects the units that a return takes from a wallet: pending, spendable or blocked ones."""

from collections.abc import Iterator
from decimal import Decimal

from streams.domain.state import Held, Lot, PendingLot, State, Transfer, lot_key, wallet_prefix
from streams.domain.values import BlockedShare, Draw, Share


class UnitRecovery:
    """The units found so far for one return. No unit is taken twice."""

    def __init__(self, state: State, wallet: str) -> None:
        self._state = state
        self.wallet = wallet
        self._pending: dict[str, Decimal] = {}
        self._drawn: dict[str, tuple[Lot, Decimal]] = {}
        self._blocked: dict[tuple[str, str], Decimal] = {}

    @property
    def pending(self) -> tuple[Share, ...]:
        return tuple(Share(lot_id=lot_id, units=units) for lot_id, units in self._pending.items())

    @property
    def draws(self) -> tuple[Draw, ...]:
        return tuple(lot.draw(units) for lot, units in self._drawn.values())

    @property
    def blocked(self) -> tuple[BlockedShare, ...]:
        return tuple(
            BlockedShare(transfer_id=transfer_id, lot_id=lot_id, units=units)
            for (transfer_id, lot_id), units in self._blocked.items()
        )

    @property
    def units(self) -> Decimal:
        drawn = (units for _, units in self._drawn.values())
        return sum((*self._pending.values(), *drawn, *self._blocked.values()), Decimal(0))

    def take_of_lot(self, share: Share) -> None:
        """Takes as much of the share as its own lot still has: pending, then spendable, then blocked
        units."""
        pending = self._state.get(PendingLot, share.lot_id.encode())
        if pending:
            self._pending[share.lot_id] = min(share.units, pending.lot.units)
            return
        left = share.units
        given = self._state.get(Transfer, share.lot_id.encode())
        lot = self._state.get(Lot, lot_key(given.wallet, given.place)) if given else None
        if lot:
            left -= self._draw_from(lot, left)
        self._take_blocked(share.lot_id, left)

    def take_pending(self, units: Decimal) -> None:
        """Takes from the wallet's pending lots that purchases gave, the longest locked first: these belong to
        the latest purchase, and the member keeps what can be spent soonest."""
        lots = [p for p in self._state.scan(PendingLot) if p.lot.wallet == self.wallet and p.lot.purchase]
        for pending in sorted(lots, key=lambda p: (p.unlocks_at, p.lot.lot_id), reverse=True):
            taken = min(units - self.units, pending.lot.units)
            if taken <= 0:
                return
            self._pending[pending.lot.lot_id] = taken

    def take_of_others(self, units: Decimal) -> Decimal:
        """Takes from all lots, in spending order, until `units` are taken in total. Returns how many are
        missing."""
        missing = units - self.units
        for lot in self._lots():
            if not missing:
                break
            missing -= self._draw_from(lot, missing)
        return missing

    def _lots(self) -> Iterator[Lot]:
        return self._state.scan(Lot, wallet_prefix(self.wallet))

    def _draw_from(self, lot: Lot, units: Decimal) -> Decimal:
        _, before = self._drawn.get(lot.lot_id, (lot, Decimal(0)))
        taken = min(units, lot.remaining - before)
        if taken > 0:
            self._drawn[lot.lot_id] = lot, before + taken
        return taken

    def _take_blocked(self, lot_id: str, units: Decimal) -> None:
        for held in self._state.scan(Held):
            for pledge in held.pledges:
                if held.purpose == "blocked" and pledge.lot.lot_id == lot_id and units > 0:
                    taken = min(units, pledge.units)
                    self._blocked[held.transfer_id, lot_id] = taken
                    units -= taken
