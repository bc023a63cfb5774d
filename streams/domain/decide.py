"""`decide`: from an owner's state and a command to the events that follow, or a rejection.

Events are asked for one at a time; each is evolved into the state before the next is asked for, so a
later one sees what an earlier one did. A command is refused before its first event or not at all.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from streams.domain import (
    campaign,
    campaign_triggers,
    coupon,
    document,
    ledger,
    member,
    member_transfers,
    returns,
    reward,
    tier,
    transfers,
)
from streams.domain.commands import (
    ActivateMember,
    ActivateUnits,
    AddUnits,
    AssignReward,
    AssignTier,
    AssignTransaction,
    BlockUnits,
    BuyReward,
    CancelTransfer,
    ChangeOwnEmail,
    ChangeOwnPhone,
    ChangeRedemptionStatus,
    Command,
    ConfirmChange,
    DeactivateMember,
    EraseMember,
    ExpireUnits,
    RecordCustomEvent,
    RecordTransaction,
    RegisterMember,
    RegisterTransaction,
    ReinstateCoupon,
    RemoveManualTier,
    RequestPasswordReset,
    SendActivationCode,
    SignUpMember,
    SpendUnits,
    TransferUnits,
    UpdateMember,
    UseCoupon,
)
from streams.domain.event_context import Act
from streams.domain.events import CustomEventRecorded, Event, TransactionAssigned
from streams.domain.messages import (
    AcceptUnits,
    AnswerSearch,
    AnyCommand,
    EraseDocument,
    OfferUnits,
    RefuseUnits,
    ReturnTransaction,
    TakeTransaction,
)
from streams.domain.state import Account, Entry, IssuedReward, Lot, Member, PendingLot, Standing, State
from streams.domain.store import StoreSettings, WalletType
from streams.domain.values import Cause


def decide(state: State, command: AnyCommand, now: datetime, store: StoreSettings) -> Iterator[Event]:
    """What `command` leads to at `now`. Raises Rejected before the first event, or after WrongCodeGiven.

    What follows from each event comes right after it: a first tier, then campaigns, then the tiers that these
    lead to.
    """
    act = Act(cause_id=command.command_id, store=command.store, member_id=command.member_id, now=now)
    yield from _paying(state, act, _followed(state, command, act, store))


def _paying(state: State, act: Act, events: Iterator[Event]) -> Iterator[Event]:
    """After each event, what the units that it brought pay of the member's debt."""
    for event in events:
        yield event
        yield from returns.debt_paid(state, event, act)


def _followed(state: State, command: AnyCommand, act: Act, store: StoreSettings) -> Iterator[Event]:
    for event in _decide(state, command, act, store):
        yield event
        if isinstance(event, TransactionAssigned):
            yield from returns.taken_back(state, event, _cause_of(event, command), act, store)
        occasion = campaign_triggers.of(event, command, state)
        if occasion:
            yield from tier.moves(state, act, store)
            yield from campaign.on(occasion, state, act, store)
    if store.tier_sets and state.get(Member):
        yield from tier.moves(state, act, store)


def _cause_of(event: TransactionAssigned, command: AnyCommand) -> Cause:
    return Cause(transaction_id=event.transaction_id, performed_at=getattr(command, "purchased_at", None))


def _decide(state: State, command: AnyCommand, act: Act, store: StoreSettings) -> Iterator[Event]:
    if not isinstance(command, SETTLES):
        member.refuse_erased(state, act)
    rule = RULES.get(type(command))
    if rule is None:
        raise TypeError(f"nothing decides a {type(command).__name__}")
    return rule(state, command, act, store)


def _custom_event(state: State, command: RecordCustomEvent, act: Act) -> Iterator[Event]:
    member.require(state, act)
    yield CustomEventRecorded(
        **act.stamp("CustomEventRecorded"),
        custom_event_type=command.event_type,
        custom_event_id=command.event_id,
        happened_at=command.happened_at,
        attributes=command.attributes,
    )


Rule = Callable[[State, Any, Act, StoreSettings], Iterator[Event]]


def _alone(rule: Callable[[State, Any, Act], Iterator[Event]]) -> Rule:
    """For rules that ask nothing of the store's settings."""
    return lambda state, command, act, _: rule(state, command, act)


RULES: dict[type[Command], Rule] = {
    RegisterMember: member.register,
    SignUpMember: member.sign_up,
    ActivateMember: _alone(member.activate),
    UpdateMember: member.update,
    ChangeOwnEmail: member.ask_change,
    ChangeOwnPhone: member.ask_change,
    ConfirmChange: member.confirm_change,
    SendActivationCode: _alone(member.send_code),
    RequestPasswordReset: _alone(member.reset_password),
    DeactivateMember: _alone(member.deactivate),
    EraseMember: _alone(member.erase),
    AssignTier: tier.assign,
    RemoveManualTier: tier.remove_manual,
    RegisterTransaction: _alone(document.register),
    RecordTransaction: document.record,
    AssignTransaction: document.assign,
    AnswerSearch: _alone(document.found),
    TakeTransaction: _alone(document.take),
    ReturnTransaction: _alone(document.returned),
    EraseDocument: _alone(document.erase),
    RecordCustomEvent: _alone(_custom_event),
    AddUnits: ledger.add,
    SpendUnits: ledger.spend,
    BlockUnits: transfers.block,
    CancelTransfer: transfers.cancel,
    ActivateUnits: _alone(transfers.activate),
    ExpireUnits: _alone(transfers.expire),
    TransferUnits: member_transfers.offer,
    OfferUnits: member_transfers.receive,
    AcceptUnits: _alone(member_transfers.settle),
    RefuseUnits: _alone(member_transfers.release),
    BuyReward: reward.buy,
    AssignReward: reward.assign,
    ChangeRedemptionStatus: _alone(reward.change_status),
    UseCoupon: _alone(coupon.use),
    ReinstateCoupon: _alone(coupon.reinstate),
}
"""Every command that is decided; an answered claim decides the command that waited for it."""


SETTLES = (EraseMember, AcceptUnits, RefuseUnits)
"""What an erased member takes all the same: what is under way must come to its end."""


def overdue(state: State, command: AnyCommand, now: datetime, store: StoreSettings) -> Iterator[Event]:
    """What must have happened before `command` is decided: what it would pay with has not expired."""
    for wallet in _paying_wallets(state, command, store):
        act = Act(cause_id=command.command_id, store=command.store, member_id=command.member_id, now=now)
        for event in ledger.overdue(state, wallet, act):
            yield event
            # As when its timer had been there first: the command may yet be refused.
            yield from tier.moves(state, act.because_of(event.command_id), store)


def _paying_wallets(state: State, command: AnyCommand, store: StoreSettings) -> list[WalletType]:
    wallet = None
    match command:
        case SpendUnits() | BlockUnits() | TransferUnits():
            wallet = store.wallet(command.wallet)
        case BuyReward():
            bought = store.reward(command.reward_id)
            wallet = store.wallet(bought.wallet) if bought else None
        case CancelTransfer():
            wallet = transfers.wallet_of(state, command.transfer_id, store)
        case RegisterTransaction() | TakeTransaction() if command.document_type == "return":
            return [store.wallet_type(each.wallet) for each in state.scan(Account)]
        case _:
            pass
    return [wallet] if wallet else []


Timed = Lot | PendingLot | IssuedReward | Standing


def due(state: State, entry: Timed, store: StoreSettings, member_id: str, now: datetime) -> Iterator[Event]:
    """What the timer of `entry` brings at `now`."""
    act = Act(cause_id=_cause(entry), store=store.store, member_id=member_id, now=now)
    yield from _paying(state, act, _timed(state, entry, act, store))


def _timed(state: State, entry: Timed, act: Act, store: StoreSettings) -> Iterator[Event]:
    match entry:
        case Lot():
            yield from ledger.lot_due(state, entry, act, store)
        case PendingLot():
            yield transfers.unlocked(entry, act)
        case IssuedReward():
            yield from coupon.coupon_due(state, entry, act, store)
        case Standing():
            yield from tier.standing_due(state, entry, act, store)
            return
    yield from tier.moves(state, act, store)


def _cause(entry: Timed) -> str:
    match entry:
        case Lot():
            return entry.lot_id
        case PendingLot():
            return entry.lot.lot_id
        case IssuedReward():
            return entry.issued_reward_id
        case Standing():
            return entry.tier_set_id


def silent(state: State, entry: Timed, store: StoreSettings, now: datetime) -> Entry:
    """The entry after its timer brought nothing: due later, or never."""
    match entry:
        case Lot():
            return ledger.silent(entry, store, now)
        case IssuedReward():
            return coupon.silent(entry, store, now)
        case Standing():
            return tier.silent(state, entry, store, now)
        case PendingLot():
            raise TypeError("a pending lot's timer always activates it")
