"""Applies facts about transactions."""

from collections.abc import Iterator
from typing import assert_never

from msgspec.structs import replace

from streams.domain.events import (
    DocumentErased,
    TransactionAssigned,
    TransactionEvent,
    TransactionMatched,
    TransactionRecorded,
    TransactionUnmatched,
)
from streams.domain.pii import strip_labels
from streams.domain.state import Change, Document, Member, State, Transaction


def evolve_transaction(state: State, event: TransactionEvent) -> Iterator[Change]:
    match event:
        case TransactionRecorded():
            yield _record_document(state, event)
        case TransactionAssigned():
            yield from _assign_transaction(state, event)
        case TransactionMatched():
            yield replace(_document_entry(state, event.document_number), to_member=event.to_member)
        case TransactionUnmatched():
            yield replace(_document_entry(state, event.document_number), to_member=None)
        case DocumentErased():
            document = _own_document(state, event.member_id)
            yield replace(document, buyer=None, items=strip_labels(document.items))
        case _:
            assert_never(event)


def _record_document(state: State, event: TransactionRecorded) -> Change:
    if state.get(Member):
        return Transaction(
            document_number=event.document_number,
            transaction_id=event.transaction_id,
            gross_value=event.gross_value,
            returned=event.document_type == "return",
        )
    # A document without a member is its own owner.
    return Document(
        transaction_id=event.transaction_id,
        document_number=event.document_number,
        document_type=event.document_type,
        purchased_at=event.purchased_at,
        gross_value=event.gross_value,
        items=event.items,
        buyer=event.buyer,
        channel_id=event.channel_id,
        linked_document_number=event.linked_document_number,
    )


def _assign_transaction(state: State, event: TransactionAssigned) -> Iterator[Change]:
    returned = event.document_type == "return"
    known = state.get(Transaction, event.document_number.encode())
    own = known or Transaction(
        document_number=event.document_number,
        transaction_id=event.transaction_id,
        gross_value=event.gross_value,
        returned=returned,
    )
    if known is None or (event.totals and not returned):
        yield own if returned else replace(own, left=event.totals)
    if returned and event.linked_document_number:
        yield from _reduce_purchase(state, event.linked_document_number, event)
    member = state.get(Member)
    if member:
        value = -event.gross_value if returned else event.gross_value
        yield replace(member, purchases=member.purchases + value)


def _reduce_purchase(state: State, purchase: str, event: TransactionAssigned) -> Iterator[Change]:
    """What is left of the purchase after the return."""
    bought = state.get(Transaction, purchase.encode())
    if bought is None:
        raise LookupError(f"purchase {purchase!r} is returned but is not there")
    back = {total.sku: total for total in event.totals}
    left = tuple(
        replace(
            total,
            quantity=total.quantity - back[total.sku].quantity,
            gross_value=total.gross_value - back[total.sku].gross_value,
        )
        if total.sku in back
        else total
        for total in bought.left
    )
    yield replace(bought, left=left, returned_value=bought.returned_value + event.gross_value)


def _document_entry(state: State, document_number: str) -> Document:
    return _own_document(state, document_number)


def _own_document(state: State, name: str) -> Document:
    document = state.get(Document)
    if document is None:
        raise LookupError(f"document {name!r} has facts but is not there")
    return document
