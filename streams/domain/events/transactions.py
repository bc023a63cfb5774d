"""What happened to transactions."""

from decimal import Decimal

from streams.domain.events.fact import Fact
from streams.domain.values import (
    Buyer,
    DocumentType,
    Instant,
    Item,
    SkuTotal,
    Text,
    Uuid,
)


class TransactionRecorded(Fact):
    """`gross_value` is the sum of the items', in the store's currency."""

    transaction_id: Uuid
    document_number: Text
    document_type: DocumentType
    purchased_at: Instant
    gross_value: Decimal
    items: tuple[Item, ...]
    buyer: Buyer | None
    channel_id: Uuid | None
    linked_document_number: Text | None = None
    """Of a return: the purchase's document number."""


class TransactionMatched(Fact):
    """The document's owner was found: `to_member`, who is told. `by_hand`: somebody asked for it."""

    transaction_id: Uuid
    document_number: Text
    to_member: Uuid
    by_hand: bool


class TransactionUnmatched(Fact):
    """`to_member` could not take the transaction, for that reason: it can be matched again. Its `command_id`
    is that of the match."""

    transaction_id: Uuid
    document_number: Text
    to_member: Uuid
    by_hand: bool
    field: Text
    value: str
    reason: str


class TransactionAssigned(Fact):
    """It is the member's. `totals` is what may be returned of a purchase, or what a return returns."""

    transaction_id: Uuid
    document_number: Text
    gross_value: Decimal
    document_type: DocumentType = "sell"
    linked_document_number: Text | None = None
    totals: tuple[SkuTotal, ...] = ()


class DocumentErased(Fact):
    """The member whose document it is was erased: nothing is known any more of the buyer."""


TransactionEvent = (
    TransactionRecorded | TransactionMatched | TransactionUnmatched | TransactionAssigned | DocumentErased
)
