"""Returns take back the units that their purchase gave, in proportion to the returned value.

A lot gives back its units times the returned share of the purchase's value, rounded down to six decimals and
computed over all returns together: in whatever parts a purchase is returned, the parts add up to the whole.
Expired and cancelled units are gone already and are not taken from other units.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Protocol

from streams.domain.event_context import EventContext
from streams.domain.events import (
    DebtPaid,
    Event,
    TransactionAssigned,
    UnitsActivated,
    UnitsEarned,
    UnitsReceived,
    UnitsReleased,
    UnitsTakenBack,
    UnitsUnblocked,
)
from streams.domain.ledger import draw_lots, get_account
from streams.domain.return_recovery import UnitRecovery
from streams.domain.state import Gift, State, Transaction
from streams.domain.store import StoreSettings
from streams.domain.values import SMALLEST_UNIT, Cause, DocumentType, Item, Share, SkuTotal, plain_decimal
from streams.errors import Rejected


class ReturnedTransaction(Protocol):
    """The transaction fields that returns need."""

    @property
    def document_type(self) -> DocumentType: ...

    @property
    def linked_document_number(self) -> str | None: ...

    @property
    def items(self) -> tuple[Item, ...]: ...


def sku_totals(items: Iterable[Item]) -> tuple[SkuTotal, ...]:
    """Totals by SKU, sorted by SKU."""
    ordered = sorted(items, key=lambda item: item.sku)
    return tuple(_sum_lines(sku, list(lines)) for sku, lines in groupby(ordered, key=lambda item: item.sku))


def _sum_lines(sku: str, lines: list[Item]) -> SkuTotal:
    value = sum((line.gross_value for line in lines), Decimal(0))
    exact = (
        sum((line.exact_quantity for line in lines), Decimal(0))
        if any(line.high_precision_quantity is not None for line in lines)
        else None
    )
    return SkuTotal(
        sku=sku,
        quantity=sum(line.quantity for line in lines),
        gross_value=value,
        high_precision_quantity=exact,
    )


def require_returnable(state: State, told: ReturnedTransaction, gross_value: Decimal) -> None:
    """Raises Rejected unless the named purchase still has all items of the return."""
    number = told.linked_document_number
    if told.document_type != "return" or number is None:
        return
    bought = state.get(Transaction, number.encode())
    if bought is None or bought.returned:
        what = "is a return itself" if bought else "is no purchase of this member"
        raise Rejected("linked_document_number", number, what)
    if bought.left:
        _require_items_left(bought, sku_totals(told.items))
    left = bought.gross_value - bought.returned_value
    if gross_value > left:
        reason = f"is more than the {plain_decimal(left)} left of purchase {number}"
        raise Rejected("items", str(plain_decimal(gross_value)), reason)


def _require_items_left(bought: Transaction, back: Iterable[SkuTotal]) -> None:
    left = {total.sku: total for total in bought.left}
    for total in back:
        most = left.get(total.sku)
        if most is None:
            reason = f"is no item of purchase {bought.document_number}"
            raise Rejected("items", total.sku, reason)
        for given, most_given in (
            (total.exact_quantity, most.exact_quantity),
            (total.gross_value, most.gross_value),
        ):
            if given > most_given:
                reason = f"of {total.sku!r} is more than the {plain_decimal(most_given)} left of purchase"
                raise Rejected("items", str(plain_decimal(given)), f"{reason} {bought.document_number}")


def is_purchase_known(state: State, linked_document_number: str | None) -> bool:
    """Whether the units that the purchase gave are known. Older releases did not store them."""
    bought = state.get(Transaction, linked_document_number.encode()) if linked_document_number else None
    return bought is not None and bool(bought.left)


def take_back_units(
    state: State, event: TransactionAssigned, cause: Cause, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """The units that a return takes back from its purchase, one fact per wallet. `state` is the state after
    the return."""
    number = event.linked_document_number
    if event.document_type != "return" or number is None:
        return
    bought = state.get(Transaction, number.encode())
    if bought is None:
        return
    wallets = sorted({gift.wallet for gift in bought.gifts})
    for index, wallet in enumerate(wallets):
        shares = tuple(_purchase_shares(bought, wallet))
        if shares:
            recovery = UnitRecovery(state, wallet)
            for share in shares:
                recovery.take_of_lot(share)
            units = sum((share.units for share in shares), Decimal(0))
            yield _taken_back_event(
                recovery, units, context, store, index=index, cause=cause, purchase=number, shares=shares
            )


def _taken_back_event(
    recovery: UnitRecovery,
    units: Decimal,
    context: EventContext,
    store: StoreSettings,
    *,
    index: int,
    cause: Cause,
    purchase: str | None = None,
    shares: tuple[Share, ...] = (),
    comment: str | None = None,
) -> UnitsTakenBack:
    """Takes `units` from what was found, then from other units; the store's settings decide about the
    rest."""
    # With all decimals, as in the record, so that a replay makes identical entries.
    missing = recovery.take_of_others(units).quantize(SMALLEST_UNIT)
    owed = missing if store.return_shortfall == "debt" else Decimal(0).quantize(SMALLEST_UNIT)
    return UnitsTakenBack(
        **context.stamp("UnitsTakenBack", index),
        transfer_id=context.id("returning", index),
        wallet=recovery.wallet,
        units=units,
        pending=recovery.pending,
        draws=recovery.draws,
        blocked=recovery.blocked,
        owed=owed,
        waived=missing - owed,
        purchase=purchase,
        shares=shares,
        comment=comment,
        cause=cause,
    )


def _purchase_shares(bought: Transaction, wallet: str) -> Iterator[Share]:
    """What each of the purchase's lots in that wallet still has to give back."""
    for gift in bought.gifts:
        units = _units_due(gift, bought) - gift.taken
        if gift.wallet == wallet and units > 0:
            yield Share(lot_id=gift.lot_id, units=units)


def _units_due(gift: Gift, bought: Transaction) -> Decimal:
    """The units due from a lot for all returns so far. Computed in whole smallest units, because a product of
    two amounts exceeds the decimal context's precision."""
    returned, whole = _to_micros(bought.returned_value), _to_micros(bought.gross_value)
    if not whole:
        # If the purchase cost nothing, pieces are counted instead of money.
        pieces = sum(total.quantity for total in bought.left)
        return gift.units - gift.gone if not pieces else Decimal(0)
    return min(_to_micros(gift.units) * returned // whole * SMALLEST_UNIT, gift.units - gift.gone)


def _to_micros(amount: Decimal) -> int:
    return int(amount / SMALLEST_UNIT)


def deduct_for_return(
    state: State,
    wallet: str,
    units: Decimal,
    context: EventContext,
    store: StoreSettings,
    *,
    index: int,
    cause: Cause,
    comment: str | None,
) -> UnitsTakenBack:
    """Takes `units` for a return that names no purchase: pending units of purchases first, the longest locked
    first, then spendable ones."""
    recovery = UnitRecovery(state, wallet)
    recovery.take_pending(units)
    return _taken_back_event(recovery, units, context, store, index=index, cause=cause, comment=comment)


UNIT_RECEIPTS = (UnitsEarned, UnitsActivated, UnitsUnblocked, UnitsReleased, UnitsReceived)
"""Events after which the member may have more units to spend."""


def pay_debt(state: State, event: Event, context: EventContext) -> Iterator[Event]:
    """Pays the member's debt from units that were just received."""
    if not isinstance(event, UNIT_RECEIPTS):
        return
    wallet = event.wallet
    now = get_account(state, wallet)
    units = min(now.owed, now.spendable)
    if units > 0:
        yield DebtPaid(
            **context.stamp(f"DebtPaid/{wallet}", now.changes),
            transfer_id=context.id(f"paying/{wallet}", now.changes),
            wallet=wallet,
            units=units,
            draws=draw_lots(state, wallet, units),
        )
