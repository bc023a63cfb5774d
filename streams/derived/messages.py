"""From facts to messages to other owners, which are written in the fact's transaction."""

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
from streams.rejections import LateRejection


def messages_of(event: Event, state: State) -> Iterator[Message]:
    """The messages that follow from `event`; `state` is the state after it."""
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
            yield _take_transaction(event, state)
        case MemberErased():
            yield from _erase_documents(event, state)
        case _:
            pass


def _take_transaction(event: TransactionMatched, state: State) -> TakeTransaction:
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


def _erase_documents(event: MemberErased, state: State) -> Iterator[EraseDocument]:
    for bought in state.scan(Transaction):
        if has_document(event.store, bought):
            yield EraseDocument(
                command_id=event.command_id,
                store=event.store,
                member_id=bought.transaction_id,
                issued_at=event.occurred_at,
            )


def rejection_answer(message: Message, refusal: Rejected) -> Message | None:
    """The answer to a message that was rejected, or None if no owner waits for one."""
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


def late_rejection(event: Event) -> LateRejection | None:
    """The rejection of an earlier command that `event` completes, or None."""
    match event:
        case UnitsReleased():
            return LateRejection("TransferUnits", event.field, event.value, event.reason)
        case TransactionUnmatched() if event.by_hand:
            return LateRejection("AssignTransaction", event.field, event.value, event.reason)
        case _:
            return None
