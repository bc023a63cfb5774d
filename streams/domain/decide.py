"""`decide`: from a member's state and a command to the events that follow, or a rejection.

Events are asked for one at a time; each is evolved into the state before the next is asked for, so a
later one sees what an earlier one did. A command is refused before its first event or not at all.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from streams.domain import campaign, ledger, member, reward
from streams.domain.act import Act
from streams.domain.commands import (
    AddUnits,
    BuyReward,
    MemberCommand,
    RegisterMember,
    RegisterTransaction,
    SpendUnits,
)
from streams.domain.events import Event, TransactionRecorded
from streams.domain.state import Entry, Lot, State
from streams.domain.store import StoreSettings


def decide(state: State, command: MemberCommand, now: datetime, store: StoreSettings) -> Iterator[Event]:
    """What `command` leads to at `now`. Raises Rejected before the first event."""
    act = Act(cause_id=command.command_id, store=command.store, member_id=command.member_id, now=now)
    match command:
        case RegisterMember():
            return member.register(state, command, act)
        case RegisterTransaction():
            return _transaction(state, command, act, store)
        case AddUnits():
            return ledger.add(state, command, act, store)
        case SpendUnits():
            return ledger.spend(state, command, act, store)
        case BuyReward():
            return reward.buy(state, command, act, store)
        case _:
            assert_never(command)


def _transaction(
    state: State, command: RegisterTransaction, act: Act, store: StoreSettings
) -> Iterator[Event]:
    for event in member.record_transaction(state, command, act):
        yield event
        if isinstance(event, TransactionRecorded):
            recorded = event
    yield from campaign.on_transaction(state, recorded, act, store)


def overdue(state: State, command: MemberCommand, now: datetime, store: StoreSettings) -> Iterator[Event]:
    """What must have happened before `command` is decided: what it would pay with has not expired."""
    match command:
        case SpendUnits():
            code = command.wallet
        case BuyReward():
            bought = store.reward(command.reward_id)
            code = bought.wallet if bought else None
        case _:
            return
    wallet = store.wallet(code)
    if wallet:
        yield from ledger.overdue(state, wallet.code, command.store, command.member_id, now)


def due(entry: Entry, store: StoreSettings, member_id: str, now: datetime) -> Iterator[Event]:
    """What the timer of `entry` brings at `now`."""
    match entry:
        case Lot():
            act = Act(cause_id=entry.lot_id, store=store.store, member_id=member_id, now=now)
            yield from ledger.lot_due(entry, act, store)
        case _:
            raise TypeError(f"{type(entry).__name__} has no timer")
