"""Returns: they take the units that their purchase gave, in proportion, to the smallest unit.

A purchase's lot gives back what it gave times the returned part of the purchase's value, cut off after the
sixth decimal and counted over all returns together: whichever way a purchase comes back in parts, the parts
sum to the whole. What has expired or was cancelled is gone already, and is not taken from other units.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Protocol

from streams.domain.event_context import Act
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
from streams.domain.ledger import draws, get_account
from streams.domain.return_recovery import UnitRecovery
from streams.domain.state import Gift, State, Transaction
from streams.domain.store import StoreSettings
from streams.domain.values import SMALLEST_UNIT, Cause, DocumentType, Item, Share, SkuTotal, plain_decimal
from streams.errors import Rejected


class ReturnedTransaction(Protocol):
    """A transaction as it is told of."""

    @property
    def document_type(self) -> DocumentType: ...

    @property
    def linked_document_number(self) -> str | None: ...

    @property
    def items(self) -> tuple[Item, ...]: ...


def sku_totals(items: Iterable[Item]) -> tuple[SkuTotal, ...]:
    """By SKU, in its order."""
    ordered = sorted(items, key=lambda item: item.sku)
    return tuple(_total(sku, list(lines)) for sku, lines in groupby(ordered, key=lambda item: item.sku))


def _total(sku: str, lines: list[Item]) -> SkuTotal:
    value = sum((line.gross_value for line in lines), Decimal(0))
    return SkuTotal(sku=sku, quantity=sum(line.quantity for line in lines), gross_value=value)


def require_returnable(state: State, told: ReturnedTransaction, gross_value: Decimal) -> None:
    """Raises Rejected unless all of the return is left of the purchase that it names."""
    number = told.linked_document_number
    if told.document_type != "return" or number is None:
        return
    bought = state.get(Transaction, number.encode())
    if bought is None or bought.returned:
        what = "is a return itself" if bought else "is no purchase of this member"
        raise Rejected("linked_document_number", number, what)
    if bought.left:
        _require_left(bought, sku_totals(told.items))
    left = bought.gross_value - bought.returned_value
    if gross_value > left:
        reason = f"is more than the {plain_decimal(left)} left of purchase {number}"
        raise Rejected("items", str(plain_decimal(gross_value)), reason)


def _require_left(bought: Transaction, back: Iterable[SkuTotal]) -> None:
    left = {total.sku: total for total in bought.left}
    for total in back:
        most = left.get(total.sku)
        if most is None:
            reason = f"is no item of purchase {bought.document_number}"
            raise Rejected("items", total.sku, reason)
        for given, most_given in ((total.quantity, most.quantity), (total.gross_value, most.gross_value)):
            if given > most_given:
                reason = (
                    f"of {total.sku!r} is more than the {plain_decimal(Decimal(most_given))} left of purchase"
                )
                raise Rejected(
                    "items", str(plain_decimal(Decimal(given))), f"{reason} {bought.document_number}"
                )


def is_purchase_known(state: State, linked_document_number: str | None) -> bool:
    """Whether what the purchase gave is known. It is not where an older release recorded the purchase."""
    bought = state.get(Transaction, linked_document_number.encode()) if linked_document_number else None
    return bought is not None and bool(bought.left)


def take_back_units(
    state: State, event: TransactionAssigned, cause: Cause, act: Act, store: StoreSettings
) -> Iterator[Event]:
    """What a return takes of what its purchase gave, one fact a wallet. `state` is the state after it."""
    number = event.linked_document_number
    if event.document_type != "return" or number is None:
        return
    bought = state.get(Transaction, number.encode())
    if bought is None:
        return
    wallets = sorted({gift.wallet for gift in bought.gifts})
    for index, wallet in enumerate(wallets):
        shares = tuple(_shares(bought, wallet))
        if shares:
            recovery = UnitRecovery(state, wallet)
            for share in shares:
                recovery.take_of_lot(share)
            units = sum((share.units for share in shares), Decimal(0))
            yield _fact(recovery, units, act, store, index=index, cause=cause, purchase=number, shares=shares)


def _fact(
    recovery: UnitRecovery,
    units: Decimal,
    act: Act,
    store: StoreSettings,
    *,
    index: int,
    cause: Cause,
    purchase: str | None = None,
    shares: tuple[Share, ...] = (),
    comment: str | None = None,
) -> UnitsTakenBack:
    """`units` from what was found, then from other units; the store says what becomes of the rest."""
    # With all decimals, as the record has them: a replay makes the same entries, digit for digit.
    missing = recovery.take_of_others(units).quantize(SMALLEST_UNIT)
    owed = missing if store.return_shortfall == "debt" else Decimal(0).quantize(SMALLEST_UNIT)
    return UnitsTakenBack(
        **act.stamp("UnitsTakenBack", index),
        transfer_id=act.id("returning", index),
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


def _shares(bought: Transaction, wallet: str) -> Iterator[Share]:
    """What each lot of that wallet still has to give back."""
    for gift in bought.gifts:
        units = _due(gift, bought) - gift.taken
        if gift.wallet == wallet and units > 0:
            yield Share(lot_id=gift.lot_id, units=units)


def _due(gift: Gift, bought: Transaction) -> Decimal:
    """Of all returns so far. In whole smallest units: a product of two amounts has more digits than a decimal
    here keeps."""
    returned, whole = _micros(bought.returned_value), _micros(bought.gross_value)
    if not whole:
        # Of a purchase of nothing, the pieces count instead of the money.
        pieces = sum(total.quantity for total in bought.left)
        return gift.units - gift.gone if not pieces else Decimal(0)
    return min(_micros(gift.units) * returned // whole * SMALLEST_UNIT, gift.units - gift.gone)


def _micros(amount: Decimal) -> int:
    return int(amount / SMALLEST_UNIT)


def deduct_for_return(
    state: State,
    wallet: str,
    units: Decimal,
    act: Act,
    store: StoreSettings,
    *,
    index: int,
    cause: Cause,
    comment: str | None,
) -> UnitsTakenBack:
    """`units` for a return that names no purchase: of units that purchases gave, the pending ones that are
    locked longest, then of what can be spent."""
    recovery = UnitRecovery(state, wallet)
    recovery.take_pending(units)
    return _fact(recovery, units, act, store, index=index, cause=cause, comment=comment)


UNIT_RECEIPTS = (UnitsEarned, UnitsActivated, UnitsUnblocked, UnitsReleased, UnitsReceived)
"""After these there may be more to spend than before."""


def pay_debt(state: State, event: Event, act: Act) -> Iterator[Event]:
    """What units that have just come pay of the member's debt."""
    if not isinstance(event, UNIT_RECEIPTS):
        return
    wallet = event.wallet
    now = get_account(state, wallet)
    units = min(now.owed, now.spendable)
    if units > 0:
        yield DebtPaid(
            **act.stamp(f"DebtPaid/{wallet}", now.changes),
            transfer_id=act.id(f"paying/{wallet}", now.changes),
            wallet=wallet,
            units=units,
            draws=draws(state, wallet, units),
        )
