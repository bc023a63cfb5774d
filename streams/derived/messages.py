"""From facts to what other owners must be told: written in the same transaction as the fact."""

from collections.abc import Iterator

from streams.domain.document import has_document
from streams.domain.events import (
    Event,
    MemberErased,
    TransactionMatched,
    TransactionUnmatched,
    UnitsHeld,
    UnitsReceived,
    UnitsReleased,
)
from streams.domain.messages import (
    AcceptUnits,
    EraseDocument,
    Message,
    OfferUnits,
    RefuseUnits,
    ReturnTransaction,
    TakeTransaction,
)
from streams.domain.state import Document, State, Transaction
from streams.errors import Rejected
from streams.rejections import Refusal


def messages_of(event: Event, state: State) -> Iterator[Message]:
    """What `event` has to tell other owners, if anything; `state` is the state after it."""
    match event:
        case UnitsHeld():
            yield OfferUnits(
                command_id=event.command_id,
                store=event.store,
                member_id=event.receiver_id,
                issued_at=event.occurred_at,
                transfer_id=event.transfer_id,
                sender_id=event.member_id,
                wallet=event.wallet,
                draws=event.draws,
                comment=event.comment,
            )
        case UnitsReceived():
            yield AcceptUnits(
                command_id=event.command_id,
                store=event.store,
                member_id=event.sender_id,
                issued_at=event.occurred_at,
                transfer_id=event.sent_as,
            )
        case TransactionMatched():
            yield _take(event, state)
        case MemberErased():
            yield from _erase(event, state)
        case _:
            pass


def _take(event: TransactionMatched, state: State) -> TakeTransaction:
    document = state.get(Document)
    if document is None:
        raise LookupError(f"document {event.document_number!r} has facts but is not there")
    return TakeTransaction(
        command_id=event.command_id,
        store=event.store,
        member_id=event.to_member,
        issued_at=event.occurred_at,
        document_id=event.member_id,
        transaction_id=document.transaction_id,
        document_number=document.document_number,
        document_type=document.document_type,
        purchased_at=document.purchased_at,
        gross_value=document.gross_value,
        items=document.items,
        channel_id=document.channel_id,
        by_hand=event.by_hand,
        linked_document_number=document.linked_document_number,
    )


def _erase(event: MemberErased, state: State) -> Iterator[EraseDocument]:
    for bought in state.scan(Transaction):
        if has_document(event.store, bought):
            yield EraseDocument(
                command_id=event.command_id,
                store=event.store,
                member_id=bought.transaction_id,
                issued_at=event.occurred_at,
            )


def rejection_answer(message: Message, refusal: Rejected) -> Message | None:
    """What is answered to the owner whose message was refused; None where nobody waits for an answer."""
    match message:
        case OfferUnits():
            return RefuseUnits(
                command_id=message.command_id,
                store=message.store,
                member_id=message.sender_id,
                issued_at=message.issued_at,
                transfer_id=message.transfer_id,
                field=refusal.field,
                value=str(refusal.value),
                reason=refusal.reason,
            )
        case TakeTransaction():
            return ReturnTransaction(
                command_id=message.command_id,
                store=message.store,
                member_id=message.document_id,
                issued_at=message.issued_at,
                by_hand=message.by_hand,
                document_number=message.document_number,
                to_member=message.member_id,
                field=refusal.field,
                value=str(refusal.value),
                reason=refusal.reason,
            )
        case _:
            return None


def late_rejection(event: Event) -> Refusal | None:
    """The refusal of a command that was under way for a while, which `event` brings to an end."""
    match event:
        case UnitsReleased():
            return Refusal("TransferUnits", event.field, event.value, event.reason)
        case TransactionUnmatched() if event.by_hand:
            return Refusal("AssignTransaction", event.field, event.value, event.reason)
        case _:
            return None
