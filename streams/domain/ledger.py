"""Rules of units: they are earned in lots, spent from the lots that expire first, and expire with their
lot."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import chain

from msgspec.structs import replace

from streams.domain import lead_times
from streams.domain.commands import AddUnits, SpendUnits
from streams.domain.event_context import EventContext
from streams.domain.events import Event, UnitsEarned, UnitsExpired, UnitsExpiryAnnounced, UnitsSpent
from streams.domain.member import is_active, require_active_member
from streams.domain.state import Account, Ending, Lot, State, lot_key, wallet_prefix
from streams.domain.store import StoreSettings, WalletType
from streams.domain.values import MAX_AMOUNT, Cause, Draw, is_amount, plain_decimal
from streams.errors import Rejected

MAX_HELD_DRAWS = 10_000
"""Most lots of one transfer or block, as they are stored in one entry and sent in one record."""


def add_units(
    state: State, command: AddUnits, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    require_active_member(state, context)
    wallet = require_wallet(store, command.wallet)
    require_amount("units", command.units)
    if command.units > units_until_limit(state, wallet):
        raise Rejected(
            "units",
            str(plain_decimal(command.units)),
            f"would lift wallet {wallet.code!r} above {MAX_AMOUNT}",
        )
    yield earn_units(
        wallet,
        command.units,
        context,
        store,
        expires_in_days=command.expires_in_days,
        locked_for_days=command.locked_for_days,
        comment=command.comment,
    )


def earn_units(
    wallet: WalletType,
    units: Decimal,
    context: EventContext,
    store: StoreSettings,
    *,
    expires_in_days: int | None = None,
    never_expires: bool = False,
    locked_for_days: int | None = None,
    comment: str | None = None,
    cause: Cause | None = None,
    purchase: str | None = None,
    index: int = 0,
) -> UnitsEarned:
    """The event of a new lot. The days override the wallet type's policy. Locked units unlock at the end of a
    day, and their validity starts then."""
    calendar = store.calendar
    locked_days = locked_for_days or wallet.locked_for_days
    locked_until = calendar.end_of_day(context.now, locked_days) if locked_days else None
    start = locked_until or context.now
    if never_expires:
        expires_at = None
    elif expires_in_days:
        expires_at = calendar.end_of_day(start, expires_in_days)
    else:
        expires_at = wallet.expires_at(start, calendar)
    return UnitsEarned(
        **context.stamp("UnitsEarned", index),
        transfer_id=context.id("lot", index),
        wallet=wallet.code,
        units=units,
        expires_at=expires_at,
        comment=comment,
        cause=cause,
        locked_until=locked_until,
        oldest_first=wallet.spending_order == "oldest_created",
        purchase=purchase,
    )


def spend_units(
    state: State, command: SpendUnits, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    require_active_member(state, context)
    wallet = require_payable_wallet(state, store, command.wallet, command.units)
    yield draw_and_spend(state, wallet, command.units, context, comment=command.comment)


def draw_and_spend(
    state: State,
    wallet: WalletType,
    units: Decimal,
    context: EventContext,
    *,
    comment: str | None = None,
    cause: Cause | None = None,
    index: int = 0,
) -> UnitsSpent:
    """Spends `units` from the lots in spending order. The caller must have checked that they are
    available."""
    return UnitsSpent(
        **context.stamp("UnitsSpent", index),
        transfer_id=context.id("spending", index),
        wallet=wallet.code,
        units=units,
        draws=draw_lots(state, wallet.code, units),
        comment=comment,
        cause=cause,
    )


def draw_lots(state: State, wallet: str, units: Decimal, first: Lot | None = None) -> tuple[Draw, ...]:
    """Draws `units` from the lots in spending order, from the lot `first` before all others. The caller must
    have checked that they are available."""
    lots = state.scan(Lot, wallet_prefix(wallet))
    if first is None:
        return tuple(_draw_from(lots, units))
    others = (lot for lot in lots if lot.lot_id != first.lot_id)
    return tuple(_draw_from(chain((first,), others), units))


def _draw_from(lots: Iterator[Lot], units: Decimal) -> Iterator[Draw]:
    for lot in lots:
        draw = lot.draw(min(units, lot.remaining))
        yield draw
        units -= draw.units
        if not units:
            return


def draw_held_lots(state: State, wallet: str, units: Decimal) -> tuple[Draw, ...]:
    """Like `draw_lots`, but from no more lots than one entry can hold. Raises Rejected."""
    drawn = draw_lots(state, wallet, units)
    if len(drawn) > MAX_HELD_DRAWS:
        reason = f"lies in {len(drawn)} lots; at most {MAX_HELD_DRAWS} can be set aside at once"
        raise Rejected("units", str(plain_decimal(units)), reason)
    return drawn


def expire_overdue_lots(state: State, wallet: WalletType, context: EventContext) -> Iterator[Event]:
    """The expiry of the wallet's lots that are overdue, but whose timers have not fired yet.

    A spend must not be paid with expired units, however late the timers are.
    """
    for ending in state.scan(Ending, wallet_prefix(wallet.code)):
        if ending.expires_at > context.now:
            break
        aged = state.get(Lot, lot_key(wallet.code, ending.place))
        if aged:
            yield expire_lot(aged, context.with_cause(aged.lot_id))
    if wallet.spending_order == "oldest_created":
        # Lots in order of expiry were earned before the wallet's spending order changed, and sort after all
        # others: finding them would need a full scan. Their timers expire them.
        return
    for lot in state.scan(Lot, wallet_prefix(wallet.code)):
        if lot.expires_at is not None and lot.expires_at <= context.now:
            yield expire_lot(lot, context.with_cause(lot.lot_id))
        elif not lot.oldest_first:
            return


def run_lot_timer(state: State, lot: Lot, context: EventContext, store: StoreSettings) -> Iterator[Event]:
    """The events of a lot's timer: overdue announcements first, then the expiry.

    A lot that expires now is not announced any more, as the notice would come too late. Nothing is announced
    to a member whose account is closed.
    """
    if lot.expires_at is not None and lot.expires_at <= context.now:
        yield expire_lot(lot, context)
        return
    if is_active(state):
        for days in _reached_days(lot, store, context.now):
            yield _announce_expiry(lot, days, context)


def _announce_expiry(lot: Lot, days: int, context: EventContext) -> UnitsExpiryAnnounced:
    if lot.expires_at is None:
        raise ValueError(f"lot {lot.lot_id} never expires")
    return UnitsExpiryAnnounced(
        # A lot that was put back may be announced again.
        **context.stamp("UnitsExpiryAnnounced", days + lot.returns * 100_000),
        wallet=lot.wallet,
        lot_id=lot.lot_id,
        units=lot.units,
        remaining=lot.remaining,
        earned_at=lot.earned_at,
        expires_at=lot.expires_at,
        days=days,
    )


def _reached_days(lot: Lot, store: StoreSettings, now: datetime) -> list[int]:
    return lead_times.reached_days(_unannounced_days(lot, store), lot.expires_at, now, store.calendar)


def skip_announcements(lot: Lot, store: StoreSettings, now: datetime) -> Lot:
    """The lot after its timer announced nothing: skipped lead times are not announced later."""
    passed = _reached_days(lot, store, now)
    return schedule_lot(replace(lot, announced=(*lot.announced, *passed)), store)


def expire_lot(lot: Lot, context: EventContext) -> UnitsExpired:
    return UnitsExpired(
        **context.stamp("UnitsExpired", lot.returns),
        transfer_id=context.id("expiring", lot.returns),
        wallet=lot.wallet,
        lot=lot.draw(lot.remaining),
    )


def schedule_lot(lot: Lot, store: StoreSettings) -> Lot:
    """The lot with the next due time of its timer."""
    if lot.expires_at is None:
        return lot
    at = lead_times.next_timer_at(
        _unannounced_days(lot, store), lot.expires_at, lot.earned_at, store.calendar
    )
    return replace(lot, due_at=at)


def _unannounced_days(lot: Lot, store: StoreSettings) -> list[int]:
    return lead_times.unannounced_days(store.units_lead_times(lot.wallet), lot.announced)


def get_account(state: State, wallet: str) -> Account:
    return state.get(Account, wallet.encode()) or Account(wallet=wallet)


def units_until_limit(state: State, wallet: WalletType) -> Decimal:
    """How many more units the wallet may earn. The limit applies to all units ever earned, so that no sum of
    the account exceeds its schema."""
    now = get_account(state, wallet.code)
    return MAX_AMOUNT - now.earned - now.pending


def require_wallet(store: StoreSettings, code: str | None) -> WalletType:
    wallet = store.wallet(code)
    if wallet is None:
        known = ", ".join(repr(w.code) for w in store.wallets if w.active) or "none"
        raise Rejected("wallet", code, f"is no active wallet of store {store.store!r}; it has {known}")
    return wallet


def require_payable_wallet(
    state: State, store: StoreSettings, code: str | None, units: Decimal
) -> WalletType:
    """The wallet. Raises Rejected unless it has that many units to spend."""
    wallet = require_wallet(store, code)
    require_amount("units", units)
    require_available(state, wallet, "units", units)
    return wallet


def require_amount(field: str, amount: Decimal) -> None:
    if not is_amount(amount) or not amount:
        raise Rejected(
            field,
            str(plain_decimal(amount)),
            f"must be more than 0 and at most {MAX_AMOUNT}, with at most six decimals",
        )


def require_available(state: State, wallet: WalletType, field: str, units: Decimal) -> None:
    available = get_account(state, wallet.code).spendable
    if units > available:
        raise Rejected(
            field,
            str(plain_decimal(units)),
            f"is more than the {plain_decimal(available)} available in wallet {wallet.code!r}",
        )
