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
        yield from returns.pay_debt(state, event, act)


def _followed(state: State, command: AnyCommand, act: Act, store: StoreSettings) -> Iterator[Event]:
    for event in _decide(state, command, act, store):
        yield event
        if isinstance(event, TransactionAssigned):
            yield from returns.take_back_units(state, event, _cause_of(event, command), act, store)
        occasion = campaign_triggers.campaign_trigger(event, command, state)
        if occasion:
            yield from tier.move_tiers(state, act, store)
            yield from campaign.run_campaigns(occasion, state, act, store)
    if store.tier_sets and state.get(Member):
        yield from tier.move_tiers(state, act, store)


def _cause_of(event: TransactionAssigned, command: AnyCommand) -> Cause:
    return Cause(transaction_id=event.transaction_id, performed_at=getattr(command, "purchased_at", None))


def _decide(state: State, command: AnyCommand, act: Act, store: StoreSettings) -> Iterator[Event]:
    if not isinstance(command, SETTLING_COMMANDS):
        member.require_not_erased(state, act)
    rule = COMMAND_RULES.get(type(command))
    if rule is None:
        raise TypeError(f"nothing decides a {type(command).__name__}")
    return rule(state, command, act, store)


def _custom_event(state: State, command: RecordCustomEvent, act: Act) -> Iterator[Event]:
    member.require_active_member(state, act)
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


COMMAND_RULES: dict[type[Command], Rule] = {
    RegisterMember: member.register_member,
    SignUpMember: member.sign_up_member,
    ActivateMember: _alone(member.activate_member),
    UpdateMember: member.update_member,
    ChangeOwnEmail: member.request_contact_change,
    ChangeOwnPhone: member.request_contact_change,
    ConfirmChange: member.confirm_contact_change,
    SendActivationCode: _alone(member.send_code),
    RequestPasswordReset: _alone(member.reset_password),
    DeactivateMember: _alone(member.deactivate_member),
    EraseMember: _alone(member.erase_member),
    AssignTier: tier.assign_tier,
    RemoveManualTier: tier.remove_manual_tier,
    RegisterTransaction: _alone(document.register_transaction),
    RecordTransaction: document.record_transaction,
    AssignTransaction: document.assign_transaction,
    AnswerSearch: _alone(document.apply_search_answer),
    TakeTransaction: _alone(document.take_transaction),
    ReturnTransaction: _alone(document.return_transaction),
    EraseDocument: _alone(document.erase_document),
    RecordCustomEvent: _alone(_custom_event),
    AddUnits: ledger.add_units,
    SpendUnits: ledger.spend_units,
    BlockUnits: transfers.block_units,
    CancelTransfer: transfers.cancel_transfer,
    ActivateUnits: _alone(transfers.activate_units),
    ExpireUnits: _alone(transfers.expire_units),
    TransferUnits: member_transfers.offer_units,
    OfferUnits: member_transfers.receive_units,
    AcceptUnits: _alone(member_transfers.settle_transfer),
    RefuseUnits: _alone(member_transfers.release_held_units),
    BuyReward: reward.buy_reward,
    AssignReward: reward.assign_reward,
    ChangeRedemptionStatus: _alone(reward.change_redemption_status),
    UseCoupon: _alone(coupon.use_coupon),
    ReinstateCoupon: _alone(coupon.reinstate_coupon),
}
"""Every command that is decided; an answered claim decides the command that waited for it."""


SETTLING_COMMANDS = (EraseMember, AcceptUnits, RefuseUnits)
"""What an erased member takes all the same: what is under way must come to its end."""


def expire_before_payment(
    state: State, command: AnyCommand, now: datetime, store: StoreSettings
) -> Iterator[Event]:
    """What must have happened before `command` is decided: what it would pay with has not expired."""
    for wallet in _paying_wallets(state, command, store):
        act = Act(cause_id=command.command_id, store=command.store, member_id=command.member_id, now=now)
        for event in ledger.expire_overdue_lots(state, wallet, act):
            yield event
            # As when its timer had been there first: the command may yet be refused.
            yield from tier.move_tiers(state, act.with_cause(event.command_id), store)


def _paying_wallets(state: State, command: AnyCommand, store: StoreSettings) -> list[WalletType]:
    wallet = None
    match command:
        case SpendUnits() | BlockUnits() | TransferUnits():
            wallet = store.wallet(command.wallet)
        case BuyReward():
            bought = store.reward(command.reward_id)
            wallet = store.wallet(bought.wallet) if bought else None
        case CancelTransfer():
            wallet = transfers.cancelled_wallet(state, command.transfer_id, store)
        case RegisterTransaction() | TakeTransaction() if command.document_type == "return":
            return [store.wallet_type(each.wallet) for each in state.scan(Account)]
        case _:
            pass
    return [wallet] if wallet else []


TimedEntry = Lot | PendingLot | IssuedReward | Standing


def run_timer(
    state: State, entry: TimedEntry, store: StoreSettings, member_id: str, now: datetime
) -> Iterator[Event]:
    """What the timer of `entry` brings at `now`."""
    act = Act(cause_id=_cause(entry), store=store.store, member_id=member_id, now=now)
    yield from _paying(state, act, _timed(state, entry, act, store))


def _timed(state: State, entry: TimedEntry, act: Act, store: StoreSettings) -> Iterator[Event]:
    match entry:
        case Lot():
            yield from ledger.run_lot_timer(state, entry, act, store)
        case PendingLot():
            yield transfers.activate_pending_lot(entry, act)
        case IssuedReward():
            yield from coupon.run_coupon_timer(state, entry, act, store)
        case Standing():
            yield from tier.run_standing_timer(state, entry, act, store)
            return
    yield from tier.move_tiers(state, act, store)


def _cause(entry: TimedEntry) -> str:
    match entry:
        case Lot():
            return entry.lot_id
        case PendingLot():
            return entry.lot.lot_id
        case IssuedReward():
            return entry.issued_reward_id
        case Standing():
            return entry.tier_set_id


def skip_announcements(state: State, entry: TimedEntry, store: StoreSettings, now: datetime) -> Entry:
    """The entry after its timer brought nothing: due later, or never."""
    match entry:
        case Lot():
            return ledger.skip_announcements(entry, store, now)
        case IssuedReward():
            return coupon.skip_announcements(entry, store, now)
        case Standing():
            return tier.skip_announcements(state, entry, store, now)
        case PendingLot():
            raise TypeError("a pending lot's timer always activates it")
