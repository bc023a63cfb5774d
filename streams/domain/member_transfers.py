"""Transfers of units between members: held at the sender, received at the receiver, settled at the sender.

The two accounts lie on two partitions. The sender's units are held until the receiver's side has answered.
Webhooks are sent only then, so that a rejected transfer leaves nothing but its rejection.
"""

from collections.abc import Iterator
from decimal import Decimal

from streams.domain.commands import TransferUnits
from streams.domain.event_context import EventContext
from streams.domain.events import Event, UnitsHeld, UnitsReceived, UnitsReleased, UnitsSent
from streams.domain.ledger import draw_held_lots, require_payable_wallet, require_wallet, units_until_limit
from streams.domain.member import is_active, require_active_member
from streams.domain.messages import AcceptUnits, OfferUnits, RefuseUnits
from streams.domain.state import Held, State
from streams.domain.store import StoreSettings
from streams.domain.values import MAX_AMOUNT, plain_decimal
from streams.errors import Poison, Rejected


def offer_units(
    state: State, command: TransferUnits, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    require_active_member(state, context)
    if command.receiver_id == context.member_id:
        raise Rejected("receiver_id", command.receiver_id, "is the sender")
    wallet = require_payable_wallet(state, store, command.wallet, command.units)
    yield UnitsHeld(
        **context.stamp("UnitsHeld"),
        transfer_id=context.id("giving"),
        wallet=wallet.code,
        units=command.units,
        draws=draw_held_lots(state, wallet.code, command.units),
        receiver_id=command.receiver_id,
        comment=command.comment,
    )


def receive_units(
    state: State, message: OfferUnits, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    if not is_active(state):
        raise Rejected("receiver_id", context.member_id, f"is no active member of store {context.store!r}")
    wallet = require_wallet(store, message.wallet)
    units = sum((draw.units for draw in message.draws), Decimal(0))
    if not units or any(draw.units <= 0 for draw in message.draws):
        raise Rejected("units", str(plain_decimal(units)), "must be drawn in parts that are more than 0")
    if units > units_until_limit(state, wallet):
        raise Rejected(
            "units", str(plain_decimal(units)), f"would lift the receiver's wallet above {MAX_AMOUNT}"
        )
    yield UnitsReceived(
        **context.stamp("UnitsReceived"),
        transfer_id=context.id("receiving"),
        wallet=wallet.code,
        units=units,
        draws=message.draws,
        sender_id=message.sender_id,
        sent_as=message.transfer_id,
        comment=message.comment,
    )


def settle_transfer(state: State, message: AcceptUnits, context: EventContext) -> Iterator[Event]:
    held, receiver_id = _require_held(state, message.transfer_id)
    yield UnitsSent(
        **context.stamp("UnitsSent"),
        transfer_id=held.transfer_id,
        wallet=held.wallet,
        units=held.units,
        receiver_id=receiver_id,
        comment=held.comment,
    )


def release_held_units(state: State, message: RefuseUnits, context: EventContext) -> Iterator[Event]:
    held, _ = _require_held(state, message.transfer_id)
    yield UnitsReleased(
        **context.stamp("UnitsReleased"),
        transfer_id=held.transfer_id,
        wallet=held.wallet,
        units=held.units,
        field=message.field,
        value=message.value,
        reason=message.reason,
    )


def _require_held(state: State, transfer_id: str) -> tuple[Held, str]:
    """The held units and their receiver. Blocked units have no receiver, and no answer moves them."""
    held = state.get(Held, transfer_id.encode())
    if held is None or held.receiver_id is None:
        raise Poison(f"answers transfer {transfer_id}, which is not under way")
    return held, held.receiver_id
