"""Facts about transactions."""

from decimal import Decimal

from streams.domain.events.fact import Fact
from streams.domain.values import (
    Attribute,
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
    """For a return: the document number of its purchase."""
    purchase_place: Text | None = None
    labels: tuple[Attribute, ...] = ()


class TransactionMatched(Fact):
    """The document's member was found, and gets a message. `by_hand`: a command requested the match."""

    transaction_id: Uuid
    document_number: Text
    to_member: Uuid
    by_hand: bool


class TransactionUnmatched(Fact):
    """`to_member` rejected the transaction, for that reason; it can be matched again. `command_id` is that of
    the match."""

    transaction_id: Uuid
    document_number: Text
    to_member: Uuid
    by_hand: bool
    field: Text
    value: str
    reason: str


class TransactionAssigned(Fact):
    """The transaction belongs to the member. `totals` are the items that may be returned, or that a return
    returns."""

    transaction_id: Uuid
    document_number: Text
    gross_value: Decimal
    document_type: DocumentType = "sell"
    linked_document_number: Text | None = None
    totals: tuple[SkuTotal, ...] = ()


class TransactionLabelsChanged(Fact):
    """`labels` are all labels that the transaction's header has now."""

    transaction_id: Uuid
    labels: tuple[Attribute, ...]


class DocumentErased(Fact):
    """The document's member was erased: the buyer's data became unreadable."""


TransactionEvent = (
    TransactionRecorded
    | TransactionMatched
    | TransactionUnmatched
    | TransactionAssigned
    | TransactionLabelsChanged
    | DocumentErased
)
