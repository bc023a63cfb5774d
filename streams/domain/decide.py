"""`decide`: from an owner's state and a command to the events that follow, or a rejection.

Events are yielded one at a time. The caller applies each to the state before it requests the next, so that
later events see the effects of earlier ones. A command is rejected before its first event or not at all.
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
    ChangeTransactionLabels,
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
from streams.domain.event_context import EventContext
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
    """The events of `command` at `now`. Raises Rejected before the first event, or after WrongCodeGiven.

    Consequences follow each event directly: a first tier, then campaigns, then the tier moves that these
    cause.
    """
    context = EventContext(
        cause_id=command.command_id, store=command.store, member_id=command.member_id, now=now
    )
    yield from _pay_debts(state, context, _with_consequences(state, command, context, store))


def _pay_debts(state: State, context: EventContext, events: Iterator[Event]) -> Iterator[Event]:
    """Adds to each event the payment of the member's debt from the units that it brought."""
    for event in events:
        yield event
        yield from returns.pay_debt(state, event, context)


def _with_consequences(
    state: State, command: AnyCommand, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    for event in _apply_rule(state, command, context, store):
        yield event
        if isinstance(event, TransactionAssigned):
            yield from returns.take_back_units(state, event, _cause_of(event, command), context, store)
        occasion = campaign_triggers.campaign_trigger(event, command, state)
        if occasion:
            yield from tier.move_tiers(state, context, store)
            yield from campaign.run_campaigns(occasion, state, context, store)
    if store.tier_sets and state.get(Member):
        yield from tier.move_tiers(state, context, store)


def _cause_of(event: TransactionAssigned, command: AnyCommand) -> Cause:
    return Cause(transaction_id=event.transaction_id, performed_at=getattr(command, "purchased_at", None))


def _apply_rule(
    state: State, command: AnyCommand, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    if not isinstance(command, SETTLING_COMMANDS):
        member.require_not_erased(state, context)
    rule = COMMAND_RULES.get(type(command))
    if rule is None:
        raise TypeError(f"nothing decides a {type(command).__name__}")
    return rule(state, command, context, store)


def _record_custom_event(state: State, command: RecordCustomEvent, context: EventContext) -> Iterator[Event]:
    member.require_active_member(state, context)
    yield CustomEventRecorded(
        **context.stamp("CustomEventRecorded"),
        custom_event_type=command.event_type,
        custom_event_id=command.event_id,
        happened_at=command.happened_at,
        attributes=command.attributes,
    )


Rule = Callable[[State, Any, EventContext, StoreSettings], Iterator[Event]]


def _without_settings(rule: Callable[[State, Any, EventContext], Iterator[Event]]) -> Rule:
    """Adapts a rule that does not need the store's settings."""
    return lambda state, command, context, _: rule(state, command, context)


COMMAND_RULES: dict[type[Command], Rule] = {
    RegisterMember: member.register_member,
    SignUpMember: member.sign_up_member,
    ActivateMember: _without_settings(member.activate_member),
    UpdateMember: member.update_member,
    ChangeOwnEmail: member.request_contact_change,
    ChangeOwnPhone: member.request_contact_change,
    ConfirmChange: member.confirm_contact_change,
    SendActivationCode: _without_settings(member.send_code),
    RequestPasswordReset: _without_settings(member.reset_password),
    DeactivateMember: _without_settings(member.deactivate_member),
    EraseMember: _without_settings(member.erase_member),
    AssignTier: tier.assign_tier,
    RemoveManualTier: tier.remove_manual_tier,
    RegisterTransaction: _without_settings(document.register_transaction),
    RecordTransaction: document.record_transaction,
    AssignTransaction: document.assign_transaction,
    ChangeTransactionLabels: _without_settings(document.change_labels),
    AnswerSearch: _without_settings(document.apply_search_answer),
    TakeTransaction: _without_settings(document.take_transaction),
    ReturnTransaction: _without_settings(document.return_transaction),
    EraseDocument: _without_settings(document.erase_document),
    RecordCustomEvent: _without_settings(_record_custom_event),
    AddUnits: ledger.add_units,
    SpendUnits: ledger.spend_units,
    BlockUnits: transfers.block_units,
    CancelTransfer: transfers.cancel_transfer,
    ActivateUnits: _without_settings(transfers.activate_units),
    ExpireUnits: _without_settings(transfers.expire_units),
    TransferUnits: member_transfers.offer_units,
    OfferUnits: member_transfers.receive_units,
    AcceptUnits: _without_settings(member_transfers.settle_transfer),
    RefuseUnits: _without_settings(member_transfers.release_held_units),
    BuyReward: reward.buy_reward,
    AssignReward: reward.assign_reward,
    ChangeRedemptionStatus: _without_settings(reward.change_redemption_status),
    UseCoupon: _without_settings(coupon.use_coupon),
    ReinstateCoupon: _without_settings(coupon.reinstate_coupon),
}
"""The rule of every command. AnswerClaim has none: it decides the command that waited for it."""


SETTLING_COMMANDS = (EraseMember, AcceptUnits, RefuseUnits)
"""Commands that an erased member still accepts, because processes under way must complete."""


def expire_before_payment(
    state: State, command: AnyCommand, now: datetime, store: StoreSettings
) -> Iterator[Event]:
    """The expiries that must happen before `command` is decided, so that it is not paid with expired
    units."""
    for wallet in _paying_wallets(state, command, store):
        context = EventContext(
            cause_id=command.command_id, store=command.store, member_id=command.member_id, now=now
        )
        for event in ledger.expire_overdue_lots(state, wallet, context):
            yield event
            # As if the timer had fired first: these events stand even if the command is rejected.
            yield from tier.move_tiers(state, context.with_cause(event.command_id), store)


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
    """The events of the timer of `entry` at `now`."""
    context = EventContext(cause_id=_timer_cause(entry), store=store.store, member_id=member_id, now=now)
    yield from _pay_debts(state, context, _timer_events(state, entry, context, store))


def _timer_events(
    state: State, entry: TimedEntry, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    match entry:
        case Lot():
            yield from ledger.run_lot_timer(state, entry, context, store)
        case PendingLot():
            yield transfers.activate_pending_lot(entry, context)
        case IssuedReward():
            yield from coupon.run_coupon_timer(state, entry, context, store)
        case Standing():
            yield from tier.run_standing_timer(state, entry, context, store)
            return
    yield from tier.move_tiers(state, context, store)


def _timer_cause(entry: TimedEntry) -> str:
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
    """The entry after its timer yielded nothing: it is due later, or never."""
    match entry:
        case Lot():
            return ledger.skip_announcements(entry, store, now)
        case IssuedReward():
            return coupon.skip_announcements(entry, store, now)
        case Standing():
            return tier.skip_announcements(state, entry, store, now)
        case PendingLot():
            raise TypeError("a pending lot's timer always activates it")
