"""Applies facts about transactions."""

from collections.abc import Iterator
from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from streams.domain.events import (
    DocumentErased,
    TransactionAssigned,
    TransactionEvent,
    TransactionLabelsChanged,
    TransactionMatched,
    TransactionRecorded,
    TransactionUnmatched,
)
from streams.domain.pii import strip_labels
from streams.domain.state import (
    Change,
    Document,
    Member,
    State,
    Transaction,
    TransactionDetails,
    transaction_key,
)
from streams.domain.values import SkuTotal


def evolve_transaction(state: State, event: TransactionEvent) -> Iterator[Change]:
    match event:
        case TransactionRecorded():
            yield from _record_document(state, event)
        case TransactionAssigned():
            yield from _assign_transaction(state, event)
        case TransactionMatched():
            document = _document_entry(state, event.document_number)
            yield replace(document, to_member=event.to_member, matched_at=event.occurred_at)
        case TransactionUnmatched():
            document = _document_entry(state, event.document_number)
            yield replace(document, to_member=None, matched_at=None)
        case TransactionLabelsChanged():
            yield replace(_labelled_entry(state, event.transaction_id), labels=event.labels)
        case DocumentErased():
            document = _own_document(state, event.member_id)
            yield replace(document, buyer=None, labels=(), items=strip_labels(document.items))
        case _:
            assert_never(event)


def _record_document(state: State, event: TransactionRecorded) -> Iterator[Change]:
    if state.get(Member):
        yield from _make_room(state, event)
        yield _new_transaction(state, event)
        yield TransactionDetails(
            transaction_id=event.transaction_id,
            document_number=event.document_number,
            document_type=event.document_type,
            purchased_at=event.purchased_at,
            gross_value=event.gross_value,
            items=event.items,
            buyer=event.buyer,
            channel_id=event.channel_id,
            linked_document_number=event.linked_document_number,
            purchase_place=event.purchase_place,
            labels=event.labels,
            recorded_at=event.occurred_at,
        )
        return
    # A document without a member is its own owner.
    yield Document(
        transaction_id=event.transaction_id,
        document_number=event.document_number,
        document_type=event.document_type,
        purchased_at=event.purchased_at,
        gross_value=event.gross_value,
        items=event.items,
        buyer=event.buyer,
        channel_id=event.channel_id,
        linked_document_number=event.linked_document_number,
        purchase_place=event.purchase_place,
        labels=event.labels,
    )


def _make_room(state: State, event: TransactionRecorded | TransactionAssigned) -> Iterator[Change]:
    """If a purchase and a return have the same number, the return stands apart."""
    other = state.get(Transaction, transaction_key(event.document_number))
    if other and other.returned and event.document_type == "sell":
        yield replace(other, apart=True)


def _new_transaction(state: State, event: TransactionRecorded | TransactionAssigned) -> Transaction:
    returned = event.document_type == "return"
    other = state.get(Transaction, transaction_key(event.document_number))
    return Transaction(
        document_number=event.document_number,
        transaction_id=event.transaction_id,
        gross_value=event.gross_value,
        returned=returned,
        apart=returned and other is not None and not other.returned,
    )


def _find_transaction(state: State, event: TransactionAssigned) -> Transaction | None:
    returned = event.document_type == "return"
    places = (transaction_key(event.document_number, apart=apart) for apart in (False, True))
    found = (state.get(Transaction, place) for place in places)
    return next((each for each in found if each and each.returned == returned), None)


def _labelled_entry(state: State, transaction_id: str) -> Document | TransactionDetails:
    found = state.get(Document) or state.get(TransactionDetails, transaction_id.encode())
    if found is None:
        raise LookupError(f"transaction {transaction_id} has new labels but is not there")
    return found


def _assign_transaction(state: State, event: TransactionAssigned) -> Iterator[Change]:
    returned = event.document_type == "return"
    own = _find_transaction(state, event)
    if own is None:
        yield from _make_room(state, event)
        own = _new_transaction(state, event)
        yield own if returned else replace(own, left=event.totals)
    elif event.totals and not returned:
        yield replace(own, left=event.totals)
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
            quantity=max(0, total.quantity - back[total.sku].quantity),
            high_precision_quantity=_exact_rest(total, back[total.sku]),
            gross_value=total.gross_value - back[total.sku].gross_value,
        )
        if total.sku in back
        else total
        for total in bought.left
    )
    yield replace(bought, left=left, returned_value=bought.returned_value + event.gross_value)


def _exact_rest(total: SkuTotal, back: SkuTotal) -> Decimal | None:
    if total.high_precision_quantity is None and back.high_precision_quantity is None:
        return None
    return total.exact_quantity - back.exact_quantity


def _document_entry(state: State, document_number: str) -> Document:
    return _own_document(state, document_number)


def _own_document(state: State, name: str) -> Document:
    document = state.get(Document)
    if document is None:
        raise LookupError(f"document {name!r} has facts but is not there")
    return document
