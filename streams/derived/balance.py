"""From facts about units to AvailablePointsAmountChanged."""

from decimal import Decimal

from streams.derived.head import customer, head
from streams.domain.events import UnitsEarned, UnitsExpired, UnitsSpent
from streams.domain.ids import derived_id
from streams.domain.ledger import account
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.domain.values import Cause
from streams.webhooks.events import AvailablePointsAmountChanged

Movement = UnitsEarned | UnitsSpent | UnitsExpired


def amount_changed(event: Movement, state: State, store: StoreSettings) -> AvailablePointsAmountChanged:
    """The change that `event` made; `state` is the state after it."""
    after = account(state, event.wallet)
    signed, kind, cause = _movement(event)
    return AvailablePointsAmountChanged(
        **head(event, "AvailablePointsAmountChanged"),
        customer=customer(state, event.member_id),
        wallet_id=wallet_id(event.store, event.member_id, event.wallet),
        wallet=store.wallet_type(event.wallet),
        amount_before=after.available - signed,
        amount=after.available,
        amount_change=abs(signed),
        amount_change_type=kind,
        sequence=after.changes,
        transfer_id=event.transfer_id,
        cause=cause,
    )


def _movement(event: Movement) -> tuple[Decimal, str, Cause | None]:
    match event:
        case UnitsEarned():
            return event.units, "add", event.cause
        case UnitsSpent():
            return -event.units, "subtract", event.cause
        case UnitsExpired():
            return -event.lot.units, "expire", None


def wallet_id(store: str, member_id: str, wallet: str) -> str:
    """The id of a member's wallet: the outside world's accountId."""
    return derived_id(store, member_id, "wallet", wallet)
