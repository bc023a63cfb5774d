"""What clients read of transactions: the contract's names, exact numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from api.contract.listing import Column
from api.contract.profiles import address_of
from streams.domain.state import Document, Transaction, TransactionDetails
from streams.domain.values import Attribute, Buyer, Item, plain_decimal
from streams.webhooks.parts import iso_instant

JsonRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FoundTransaction:
    """A transaction, and the member who has it, if it is matched."""

    said: Document | TransactionDetails
    member_id: str | None

    @property
    def place(self) -> tuple[str, ...]:
        """Where it stands in a list: by its date, then its id."""
        return iso_instant(self.said.purchased_at) or "", self.said.transaction_id

    @property
    def buyer(self) -> Buyer:
        return self.said.buyer or Buyer()


def transaction_row(found: FoundTransaction, units: Transaction | None) -> JsonRow:
    """`units` is the member's entry of the transaction, which knows what it gave."""
    said, buyer = found.said, found.buyer
    assigned = said.matched_at if isinstance(said, Document) else said.recorded_at
    gifts = units.gifts if units else ()
    return {
        "transactionId": said.transaction_id,
        "grossValue": plain_decimal(said.gross_value),
        "customerId": found.member_id,
        "customerData": {
            "customerId": found.member_id,
            "email": buyer.email,
            "name": buyer.name,
            "nip": buyer.nip,
            "phone": buyer.phone,
            "loyaltyCardNumber": buyer.loyalty_card_number,
            "address": address_of(buyer.address),
        },
        "items": [_item(item) for item in said.items],
        "header": {
            "documentNumber": said.document_number,
            "documentType": said.document_type,
            "linkedDocumentNumber": said.linked_document_number,
            "purchasedAt": iso_instant(said.purchased_at),
            "purchasePlace": said.purchase_place,
            "excludedDeliverySKUs": [],
            "excludedSKUs": [],
            "excludedCategories": [],
            "labels": _labels(said.labels),
        },
        "matched": found.member_id is not None,
        "pointsEarned": plain_decimal(sum((gift.units for gift in gifts), Decimal(0))),
        "unitsDeducted": plain_decimal(sum((gift.taken for gift in gifts), Decimal(0))),
        "channelId": said.channel_id,
        "assignedToCustomerAt": iso_instant(assigned),
    }


def _item(item: Item) -> JsonRow:
    exact = item.high_precision_quantity
    return {
        "sku": item.sku,
        "name": item.name,
        "quantity": item.quantity,
        "highPrecisionQuantity": None if exact is None else plain_decimal(exact),
        "grossValue": plain_decimal(item.gross_value),
        "category": item.category,
        "maker": item.maker,
        "labels": _labels(item.labels),
    }


def _labels(labels: tuple[Attribute, ...]) -> list[JsonRow]:
    return [{"key": label.key, "value": label.value} for label in labels]


def label_filter(labels: tuple[Attribute, ...]) -> tuple[str, ...]:
    """Labels as filters name them: `(key;value)`."""
    return tuple(f"({label.key};{label.value})" for label in labels)


COLUMNS: Mapping[str, Column[FoundTransaction]] = {
    "transactionId": Column("text", lambda row: row.said.transaction_id),
    "customerId": Column("text", lambda row: row.member_id),
    "customerData:customerId": Column("text", lambda row: row.member_id),
    "customerData:loyaltyCardNumber": Column("text", lambda row: row.buyer.loyalty_card_number),
    "customerData:name": Column("text", lambda row: row.buyer.name),
    "customerData:email": Column("text", lambda row: row.buyer.email),
    "customerData:phone": Column("text", lambda row: row.buyer.phone),
    "customerData:nip": Column("text", lambda row: row.buyer.nip),
    "header:documentType": Column("text", lambda row: row.said.document_type),
    "header:documentNumber": Column("text", lambda row: row.said.document_number),
    "header:linkedDocumentNumber": Column("text", lambda row: row.said.linked_document_number),
    "header:purchasePlace": Column("text", lambda row: row.said.purchase_place),
    "header:purchasedAt": Column("instant", lambda row: row.said.purchased_at),
    "header:labels": Column("text", lambda row: label_filter(row.said.labels)),
    "channelId": Column("text", lambda row: row.said.channel_id),
    "grossValue": Column("number", lambda row: row.said.gross_value),
    "matched": Column("flag", lambda row: row.member_id is not None),
    "items:labels": Column(
        "text", lambda row: tuple(each for item in row.said.items for each in label_filter(item.labels))
    ),
    "items:category": Column("text", lambda row: tuple(item.category for item in row.said.items)),
    "items:sku": Column("text", lambda row: tuple(item.sku for item in row.said.items)),
    "items:maker": Column("text", lambda row: tuple(item.maker for item in row.said.items)),
}
