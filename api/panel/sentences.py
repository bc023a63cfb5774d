"""What happened to a member, one plain sentence for each kind of fact. Codes that were sent are secrets."""

from datetime import datetime
from decimal import Decimal
from typing import assert_never

from api.panel.pages import number
from streams.domain.events import (
    ActivationCodeIssued,
    CampaignApplied,
    ContactChangeAsked,
    CouponExpired,
    CouponExpiryAnnounced,
    CouponReinstated,
    CouponUsed,
    CustomEventRecorded,
    DocumentErased,
    Event,
    MemberActivated,
    MemberDeactivated,
    MemberErased,
    MemberEvent,
    MemberRegistered,
    MemberSignedUp,
    MemberUpdated,
    PasswordResetIssued,
    RedemptionStatusChanged,
    RewardBought,
    RewardEvent,
    TierChanged,
    TierExpiryAnnounced,
    TierFloorRemoved,
    TierRecalculated,
    TransactionAssigned,
    TransactionEvent,
    TransactionMatched,
    TransactionRecorded,
    TransactionUnmatched,
    UnitsActivated,
    UnitsBlocked,
    UnitsCancelled,
    UnitsEarned,
    UnitsEvent,
    UnitsExpired,
    UnitsExpiryAnnounced,
    UnitsHeld,
    UnitsReceived,
    UnitsReleased,
    UnitsSent,
    UnitsSpent,
    UnitsUnblocked,
)
from streams.domain.store import StoreSettings
from streams.domain.values import Attribute, Cause, EffectGiven, TriggerType

TRIGGERS: dict[TriggerType, str] = {
    "transaction": "a purchase",
    "return_transaction": "a return",
    "custom_event": "an event",
    "internal_event": "something in the account",
}
_TIERS = TierChanged | TierFloorRemoved | TierRecalculated | TierExpiryAnnounced
_ACTS = CustomEventRecorded | CampaignApplied
_Account = (
    MemberRegistered
    | MemberSignedUp
    | MemberActivated
    | MemberUpdated
    | ContactChangeAsked
    | ActivationCodeIssued
    | PasswordResetIssued
    | MemberDeactivated
    | MemberErased
)


def sentence(event: Event, store: StoreSettings) -> str:
    """Dates are days of the store's calendar."""
    if isinstance(event, UnitsEvent):
        return _of_units(event, store)
    if isinstance(event, TransactionEvent):
        return _of_transaction(event, store)
    if isinstance(event, RewardEvent):
        return _of_reward(event, store)
    return _of_member(event, store)


def other_member(event: Event) -> str | None:
    """Whose page tells the other side of it."""
    match event:
        case UnitsHeld() | UnitsSent():
            return event.receiver_id
        case UnitsReceived():
            return event.sender_id
        case TransactionMatched() | TransactionUnmatched():
            return event.to_member
        case _:
            return None


def units(amount: Decimal, wallet: str, store: StoreSettings) -> str:
    """“1 point”, “1,200 miles in Miles”."""
    kind = store.wallet_type(wallet)
    name = kind.unit_singular_name if amount == 1 else kind.unit_plural_name
    place = "" if kind.is_default else f" in {kind.name}"
    return f"{number(amount)} {name}{place}"


def _of_units(event: UnitsEvent, store: StoreSettings) -> str:  # noqa: PLR0912 - one line a kind
    how_many = "" if isinstance(event, UnitsExpired) else units(event.units, event.wallet, store)
    match event:
        case UnitsEarned():
            said = f"Earned {how_many}{_usable(event, store)}{_cause(event.cause)}{_said(event.comment)}."
        case UnitsActivated():
            said = f"{how_many}: pending until now, may be spent."
        case UnitsSpent():
            said = f"Spent {how_many}{_cause(event.cause)}{_said(event.comment)}."
        case UnitsExpired():
            lost = units(event.lot.units, event.wallet, store)
            said = f"{lost}: earned on {_day(event.lot.earned_at, store)}, expired unspent."
        case UnitsBlocked():
            said = f"{how_many}: blocked{_said(event.comment)}."
        case UnitsUnblocked():
            said = f"{how_many}: no longer blocked."
        case UnitsCancelled():
            said = f"{how_many}: taken back{', still pending' if event.pending else ''}."
        case UnitsHeld():
            said = f"{how_many}: set aside for another member{_said(event.comment)}."
        case UnitsReleased():
            said = f"{how_many}: not transferred, for {event.field} {event.value} {event.reason}."
        case UnitsSent():
            said = f"Gave {how_many} to another member{_said(event.comment)}."
        case UnitsReceived():
            said = f"Received {how_many} from another member{_said(event.comment)}."
        case UnitsExpiryAnnounced():
            left = units(event.remaining, event.wallet, store)
            said = (
                f"Was told, {_ahead(event.days)}, that {left} will expire on {_day(event.expires_at, store)}."
            )
        case _:
            assert_never(event)
    return said


def _of_transaction(event: TransactionEvent, store: StoreSettings) -> str:
    document = "" if isinstance(event, DocumentErased) else f"document {event.document_number}"
    match event:
        case DocumentErased():
            return "Whoever bought it was erased: nothing personal is left."
        case TransactionRecorded():
            what = "Bought" if event.document_type == "sell" else "Returned"
            items = _count(len(event.items), "item")
            when = _day(event.purchased_at, store)
            return f"{what} {items} worth {number(event.gross_value)} on {when}, {document}."
        case TransactionMatched():
            return f"Found to be of a member{_by_hand(event.by_hand)}: {document}."
        case TransactionUnmatched():
            why = f"{event.field} {event.value} {event.reason}"
            return f"Not given to the member, for {why}: {document}."
        case TransactionAssigned():
            what = "purchase" if event.document_type == "sell" else "return"
            return f"A {what} worth {number(event.gross_value)}, {document}, was put to the account."
        case _:
            assert_never(event)


def _of_reward(event: RewardEvent, store: StoreSettings) -> str:
    match event:
        case RewardBought():
            price = f" for {units(event.cost, event.wallet, store)}" if event.cost else ""
            coupon = f", with coupon {event.coupon.code}" if event.coupon else ""
            said = f"Got the reward “{event.reward_name}”{price}{coupon}{_cause(event.cause)}."
        case RedemptionStatusChanged():
            old, new = event.old_status.replace("_", " "), event.new_status.replace("_", " ")
            said = f"A reward went from {old} to {new}{_said(event.new_comment)}."
        case CouponUsed():
            said = f"Used coupon {event.code}."
        case CouponReinstated():
            said = f"Coupon {event.code} may be used again."
        case CouponExpired():
            said = f"Coupon {event.code} expired."
        case CouponExpiryAnnounced():
            end = f" on {_day(event.coupon.active_to, store)}" if event.coupon.active_to else ""
            said = f"Was told, {_ahead(event.days)}, that coupon {event.coupon.code} will end{end}."
        case _:
            assert_never(event)
    return said


def _of_member(event: MemberEvent, store: StoreSettings) -> str:
    if isinstance(event, _TIERS):
        return _of_tier(event, store)
    return _of_act(event, store) if isinstance(event, _ACTS) else _of_account(event, store)


def _of_account(event: _Account, store: StoreSettings) -> str:
    match event:
        case MemberRegistered():
            said = f"Became a member, registered on {_day(event.registered_at, store)}."
        case MemberSignedUp():
            said = "Signed up, and was sent a code to activate the account."
        case MemberActivated():
            said = f"The account was activated{' for the first time' if event.first else ' again'}."
        case MemberUpdated():
            said = f"Personal data was changed{_cause(event.cause)}."
        case ContactChangeAsked():
            what = "e-mail address" if event.kind == "email" else "phone number"
            said = f"Wants the {what} {event.value or '(erased)'}, and was sent a code there."
        case ActivationCodeIssued():
            said = "Was sent another code to activate the account."
        case PasswordResetIssued():
            said = "Was sent a code to set a new password."
        case MemberErased():
            said = "Everything personal was erased."
        case MemberDeactivated():
            said = "The account was closed."
        case _:
            assert_never(event)
    return said


def _of_tier(event: _TIERS, store: StoreSettings) -> str:
    tiers = store.tier_set(event.tier_set_id)
    of_set = f" of “{tiers.name}”" if tiers else ""
    match event:
        case TierChanged():
            verb = "Rose" if event.up else "Fell"
            return f"{verb} to tier {event.level_name}{of_set}{_by_hand(event.manual)}."
        case TierFloorRemoved():
            return f"The tier{of_set} that was assigned by hand no longer holds."
        case TierRecalculated():
            return f"The tier period{of_set} ended on {_day(event.due_at, store)}, and another began."
        case TierExpiryAnnounced():
            then = f"become {event.future_level_name}" if event.future_level_name else "be lost"
            day = _day(event.recalculated_at, store)
            return (
                f"Was told, {_ahead(event.days)}, that tier {event.level_name}{of_set} will {then} on {day}."
            )
        case _:
            assert_never(event)


def _of_act(event: _ACTS, store: StoreSettings) -> str:
    match event:
        case CustomEventRecorded():
            when = _day(event.happened_at, store)
            return f"The event “{event.custom_event_type}” happened on {when}{_attributes(event.attributes)}."
        case CampaignApplied():
            given = ", ".join(_effect(effect, store) for effect in event.effects) or "nothing"
            return f"Campaign “{event.campaign_name}” acted on {TRIGGERS[event.trigger.type]}: {given}."
        case _:
            assert_never(event)


def _effect(effect: EffectGiven, store: StoreSettings) -> str:
    amount = units(effect.points or Decimal(0), effect.wallet or "", store) if effect.wallet else ""
    match effect.type:
        case "give_points":
            said = f"gave {amount or 'units'}"
        case "deduct_unit":
            said = f"took {amount or 'units'}"
        case "give_reward":
            reward = store.reward(effect.reward_id) if effect.reward_id else None
            said = f"gave the reward “{reward.name}”" if reward else "gave a reward"
        case "assign_member_custom_attribute":
            said = f"set {effect.attribute.key}" if effect.attribute else "set an attribute"
        case "remove_member_custom_attribute":
            said = f"removed {effect.attribute.key}" if effect.attribute else "removed an attribute"
    return said if effect.status == "success" else f"{said} ({effect.status})"


def _usable(event: UnitsEarned, store: StoreSettings) -> str:
    start = f", pending until {_day(event.locked_until, store)}" if event.locked_until else ""
    end = f", which expire on {_day(event.expires_at, store)}" if event.expires_at else ", which never expire"
    return start + end


def _cause(cause: Cause | None) -> str:
    return ", by a campaign" if cause and cause.campaign_id else ""


def _attributes(attributes: tuple[Attribute, ...]) -> str:
    return " with " + ", ".join(f"{a.key} {a.value}" for a in attributes) if attributes else ""


def _by_hand(by_hand: bool) -> str:
    return ", by hand" if by_hand else ""


def _said(comment: str | None) -> str:
    return f" (“{comment}”)" if comment else ""


def _count(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def _ahead(days: int) -> str:
    return f"{_count(days, 'day')} ahead"


def _day(moment: datetime, store: StoreSettings) -> str:
    return store.calendar.day(moment).isoformat()
