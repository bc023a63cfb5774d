"""What happened to a member, one plain sentence for each kind of fact. Codes that were sent are secrets."""

from typing import assert_never

from api.panel.account_fact_texts import describe_member_event
from api.panel.pages import format_number
from api.panel.text_parts import (
    by_hand_text,
    cause_text,
    comment_text,
    count_text,
    day_text,
    days_ahead_text,
    units_text,
)
from streams.domain.events import (
    CouponExpired,
    CouponExpiryAnnounced,
    CouponReinstated,
    CouponUsed,
    DebtPaid,
    DocumentErased,
    Event,
    RedemptionStatusChanged,
    RewardBought,
    RewardEvent,
    TransactionAssigned,
    TransactionEvent,
    TransactionLabelsChanged,
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
    UnitsTakenBack,
    UnitsUnblocked,
)
from streams.domain.store import StoreSettings


def describe_event(event: Event, store: StoreSettings) -> str:
    """Dates are days of the store's calendar."""
    if isinstance(event, UnitsEvent):
        return _of_units(event, store)
    if isinstance(event, TransactionEvent):
        return _of_transaction(event, store)
    if isinstance(event, RewardEvent):
        return _of_reward(event, store)
    return describe_member_event(event, store)


def other_member_id(event: Event) -> str | None:
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


def _of_units(event: UnitsEvent, store: StoreSettings) -> str:  # noqa: PLR0912 - one line a kind
    how_many = "" if isinstance(event, UnitsExpired) else units_text(event.units, event.wallet, store)
    match event:
        case UnitsEarned():
            cause, comment = cause_text(event.cause), comment_text(event.comment)
            said = f"Earned {how_many}{_usable(event, store)}{cause}{comment}."
        case UnitsActivated():
            said = f"{how_many}: pending until now, may be spent."
        case UnitsSpent():
            said = f"Spent {how_many}{cause_text(event.cause)}{comment_text(event.comment)}."
        case UnitsExpired():
            lost = units_text(event.lot.units, event.wallet, store)
            said = f"{lost}: earned on {day_text(event.lot.earned_at, store)}, expired unspent."
        case UnitsBlocked():
            said = f"{how_many}: blocked{comment_text(event.comment)}."
        case UnitsUnblocked():
            said = f"{how_many}: no longer blocked."
        case UnitsCancelled():
            said = f"{how_many}: taken back{', still pending' if event.pending else ''}."
        case UnitsTakenBack():
            said = f"A return took back {how_many}{_missing(event, store)}{comment_text(event.comment)}."
        case DebtPaid():
            said = f"{how_many}: paid for what returns could not take."
        case UnitsHeld():
            said = f"{how_many}: set aside for another member{comment_text(event.comment)}."
        case UnitsReleased():
            said = f"{how_many}: not transferred, for {event.field} {event.value} {event.reason}."
        case UnitsSent():
            said = f"Gave {how_many} to another member{comment_text(event.comment)}."
        case UnitsReceived():
            said = f"Received {how_many} from another member{comment_text(event.comment)}."
        case UnitsExpiryAnnounced():
            left = units_text(event.remaining, event.wallet, store)
            ahead, end = days_ahead_text(event.days), day_text(event.expires_at, store)
            said = f"Was told, {ahead}, that {left} will expire on {end}."
        case _:
            assert_never(event)
    return said


def _of_transaction(event: TransactionEvent, store: StoreSettings) -> str:
    if isinstance(event, DocumentErased):
        return "Whoever bought it was erased: nothing personal is left."
    if isinstance(event, TransactionLabelsChanged):
        labels = ", ".join(f"{label.key}: {label.value}" for label in event.labels)
        return (
            f"The labels of a transaction are now {labels}." if labels else "A transaction lost its labels."
        )
    document = f"document {event.document_number}"
    match event:
        case TransactionRecorded():
            what = "Bought" if event.document_type == "sell" else "Returned"
            items = count_text(len(event.items), "item")
            when = day_text(event.purchased_at, store)
            return f"{what} {items} worth {format_number(event.gross_value)} on {when}, {document}."
        case TransactionMatched():
            return f"Found to be of a member{by_hand_text(event.by_hand)}: {document}."
        case TransactionUnmatched():
            why = f"{event.field} {event.value} {event.reason}"
            return f"Not given to the member, for {why}: {document}."
        case TransactionAssigned():
            what = "purchase" if event.document_type == "sell" else "return"
            return f"A {what} worth {format_number(event.gross_value)}, {document}, was put to the account."
        case _:
            assert_never(event)


def _of_reward(event: RewardEvent, store: StoreSettings) -> str:
    match event:
        case RewardBought():
            price = f" for {units_text(event.cost, event.wallet, store)}" if event.cost else ""
            coupon = f", with coupon {event.coupon.code}" if event.coupon else ""
            said = f"Got the reward “{event.reward_name}”{price}{coupon}{cause_text(event.cause)}."
        case RedemptionStatusChanged():
            old, new = event.old_status.replace("_", " "), event.new_status.replace("_", " ")
            said = f"A reward went from {old} to {new}{comment_text(event.new_comment)}."
        case CouponUsed():
            said = f"Used coupon {event.code}."
        case CouponReinstated():
            said = f"Coupon {event.code} may be used again."
        case CouponExpired():
            said = f"Coupon {event.code} expired."
        case CouponExpiryAnnounced():
            end = f" on {day_text(event.coupon.active_to, store)}" if event.coupon.active_to else ""
            said = f"Was told, {days_ahead_text(event.days)}, that coupon {event.coupon.code} will end{end}."
        case _:
            assert_never(event)
    return said


def _missing(event: UnitsTakenBack, store: StoreSettings) -> str:
    owed = f", {units_text(event.owed, event.wallet, store)} of them to be paid later" if event.owed else ""
    lacking = (
        f", of which {units_text(event.waived, event.wallet, store)} were not there" if event.waived else ""
    )
    return owed + lacking


def _usable(event: UnitsEarned, store: StoreSettings) -> str:
    start = f", pending until {day_text(event.locked_until, store)}" if event.locked_until else ""
    end = (
        f", which expire on {day_text(event.expires_at, store)}"
        if event.expires_at
        else ", which never expire"
    )
    return start + end
