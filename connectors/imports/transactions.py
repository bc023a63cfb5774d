"""One line is an item: the lines of one document number are one transaction. Pure."""

from connectors.imports.columns import (
    IDENTIFIERS,
    MEMBER,
    Column,
    Row,
    amount,
    identifier_columns,
    instant,
    known_identifier,
    one_of,
    own_id,
    text,
    uuid,
    whole_number,
)
from connectors.imports.kind import FileKind, ImportRun, ReadyCommand, member_id_of, require_one_id_at_most
from streams.domain.commands import RecordTransaction, RegisterTransaction
from streams.domain.ids import document_id
from streams.domain.values import Buyer, DocumentType, Item

_SHARED = (
    "purchasedAt",
    "documentType",
    "linkedDocumentNumber",
    "channelId",
    *(column.name for column in MEMBER),
    *IDENTIFIERS,
    "buyerName",
    "buyerNip",
)


def _columns(run: ImportRun) -> tuple[Column, ...]:
    return (
        Column("documentNumber", own_id, "of the receipt or invoice: its lines are its items", required=True),
        Column("purchasedAt", instant(run.zone), "when it was bought", required=True),
        Column("documentType", one_of("sell", "return"), "sell or return; sell if empty"),
        Column("linkedDocumentNumber", own_id, "of a return: the document number of the purchase"),
        Column("sku", text, "the item's article number", required=True),
        Column("name", text, "the item's name; its sku if empty"),
        Column("quantity", whole_number(2**31 - 1), "a whole number; 1 if empty"),
        Column("grossValue", amount, "what the line costs, all its pieces", required=True),
        Column("category", text, "the item's category"),
        Column("maker", text, "who makes the item"),
        Column("label:KEY", text, "the item's label KEY"),
        Column("channelId", uuid, "where it was bought"),
        *MEMBER,
        *identifier_columns(known_identifier, run.rules),
        Column("buyerName", text, "of whom the invoice names"),
        Column("buyerNip", text, "the buyer's tax number"),
    )


def _key(row: Row) -> str:
    return row.get("documentNumber") or ""


def _make(rows: list[Row], run: ImportRun) -> ReadyCommand:
    """The command of a transaction: with a member's id, or with the buyer's data to find the member by."""
    first = rows[0]
    number: str = first.get("documentNumber")
    member_id = member_id_of(first, run)
    kind = RegisterTransaction if member_id else RecordTransaction
    content = "\x1e".join(row.content for row in rows)
    document_type: DocumentType = first.get("documentType") or "sell"
    owner = member_id or document_id(run.store, number, document_type)
    command = kind(
        **run.head("transactions", owner, number, content),
        document_number=number,
        purchased_at=first.get("purchasedAt"),
        items=tuple(map(_item, rows)),
        document_type=document_type,
        buyer=_buyer(first),
        channel_id=first.get("channelId"),
        linked_document_number=first.get("linkedDocumentNumber"),
    )
    return ReadyCommand(command.command_id, tuple(row.line for row in rows), command)


def _item(row: Row) -> Item:
    return Item(
        sku=row.get("sku"),
        name=row.get("name") or row.get("sku"),
        quantity=row.get("quantity") or 1,
        gross_value=row.get("grossValue"),
        category=row.get("category"),
        maker=row.get("maker"),
        labels=row.family("label:"),
    )


def _buyer(row: Row) -> Buyer | None:
    buyer = Buyer(
        email=row.get("email"),
        name=row.get("buyerName"),
        nip=row.get("buyerNip"),
        phone=row.get("phone"),
        loyalty_card_number=row.get("loyaltyCardNumber"),
    )
    return buyer if buyer != Buyer() else None


TRANSACTIONS = FileKind(
    "transactions",
    "purchases and returns; the lines of one documentNumber are its items",
    _columns,
    _key,
    require_one_id_at_most,
    _make,
    shared=_SHARED,
    timed=True,
)
