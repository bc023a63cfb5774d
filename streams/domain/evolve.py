"""`evolve`: from a member's state and an event to the entries that it changes."""

from collections.abc import Iterator
from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from streams.domain.events import (
    Event,
    MemberRegistered,
    RewardBought,
    TransactionAssigned,
    TransactionRecorded,
    UnitsEarned,
    UnitsExpired,
    UnitsExpiryAnnounced,
    UnitsSpent,
)
from streams.domain.ledger import account, scheduled
from streams.domain.state import Change, Drop, IssuedReward, Lot, Member, State, Transaction, lot_key
from streams.domain.store import StoreSettings
from streams.domain.values import Draw


def evolve(state: State, event: Event, store: StoreSettings) -> Iterator[Change]:
    """The changed entries. Everything but the timers follows from the events alone; the timers also follow
    the lead times that the store has now."""
    match event:
        case MemberRegistered():
            yield Member(
                profile=event.profile, registered_at=event.registered_at, command_id=event.command_id
            )
        case TransactionRecorded():
            yield Transaction(
                document_number=event.document_number,
                transaction_id=event.transaction_id,
                gross_value=event.gross_value,
            )
        case TransactionAssigned():
            pass
        case UnitsEarned():
            yield from _earn(state, event, store)
        case UnitsSpent():
            yield from _spend(state, event)
        case UnitsExpired():
            yield from _expire(state, event)
        case UnitsExpiryAnnounced():
            yield from _announce(state, event, store)
        case RewardBought():
            yield IssuedReward(
                issued_reward_id=event.issued_reward_id,
                reward_id=event.reward_id,
                issued_at=event.occurred_at,
                cost=event.cost,
                coupon=event.coupon,
            )
        case _:
            assert_never(event)


def _earn(state: State, event: UnitsEarned, store: StoreSettings) -> Iterator[Change]:
    before = account(state, event.wallet)
    yield replace(
        before,
        available=before.available + event.units,
        earned=before.earned + event.units,
        changes=before.changes + 1,
    )
    lot = Lot(
        wallet=event.wallet,
        lot_id=event.transfer_id,
        units=event.units,
        remaining=event.units,
        earned_at=event.occurred_at,
        expires_at=event.expires_at,
    )
    yield scheduled(lot, store)


def _spend(state: State, event: UnitsSpent) -> Iterator[Change]:
    before = account(state, event.wallet)
    yield replace(
        before,
        available=before.available - event.units,
        spent=before.spent + event.units,
        changes=before.changes + 1,
    )
    for draw in event.draws:
        yield _taken(_lot(state, event.wallet, draw), draw.units)


def _expire(state: State, event: UnitsExpired) -> Iterator[Change]:
    before = account(state, event.wallet)
    yield replace(
        before,
        available=before.available - event.lot.units,
        expired=before.expired + event.lot.units,
        changes=before.changes + 1,
    )
    yield _taken(_lot(state, event.wallet, event.lot), event.lot.units)


def _announce(state: State, event: UnitsExpiryAnnounced, store: StoreSettings) -> Iterator[Change]:
    place = Draw(
        lot_id=event.lot_id, units=event.remaining, earned_at=event.earned_at, expires_at=event.expires_at
    )
    lot = _lot(state, event.wallet, place)
    yield scheduled(replace(lot, announced=(*lot.announced, event.days)), store)


def _taken(lot: Lot, units: Decimal) -> Change:
    left = lot.remaining - units
    return replace(lot, remaining=left) if left else Drop(entry=lot)


def _lot(state: State, wallet: str, place: Draw) -> Lot:
    lot = state.get(Lot, lot_key(wallet, place))
    if lot is None:
        raise LookupError(f"lot {place.lot_id} of wallet {wallet!r} is not open")
    return lot
