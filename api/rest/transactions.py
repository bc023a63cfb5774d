"""/api/{storeCode}/transaction…: purchases and returns, and whose they are."""

from collections.abc import Mapping
from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import Field

from api.auth.scopes import require_scope
from api.contract.fields import (
    AddressBody,
    Amount,
    AttributeBody,
    BodyModel,
    Moment,
    StoreCode,
    Text,
    TextLine,
    Units,
    Uuid,
    id_in_path,
)
from api.contract.json_body import Router
from api.contract.member_bodies import exact_json
from api.problems import Complaint, Invalid
from api.services.command_service import ChangeRequest, CommandService
from api.services.transaction_reads import TransactionReads
from streams.domain.commands import (
    AssignTransaction,
    ChangeTransactionLabels,
    RecordTransaction,
    RegisterTransaction,
)
from streams.domain.event_context import EventContext
from streams.domain.ids import document_id
from streams.domain.state import Document
from streams.domain.values import Address, Attribute, Buyer, DocumentType, Item

TRANSACTION_FIELDS = {
    "document_number": "transaction.header.documentNumber",
    "linked_document_number": "transaction.header.linkedDocumentNumber",
    "items": "transaction.items",
    "buyer.email": "transaction.customerData.email",
    "buyer.phone": "transaction.customerData.phone",
    "buyer.loyalty_card_number": "transaction.customerData.loyaltyCardNumber",
}
ASSIGN_FIELDS = {
    "email": "assign.customerEmail",
    "phone": "assign.customerPhoneNumber",
    "loyalty_card_number": "assign.customerLoyaltyCardNumber",
    "document_number": "assign.transactionDocumentNumber",
    "to_member": "assign.customerId",
    "member_id": "assign.customerId",
}


TransactionId = Annotated[str, id_in_path("transaction")]


class SkuBody(BodyModel):
    code: TextLine


LabelsField = Annotated[list[AttributeBody], Field(max_length=100)]


class DocumentHeaderBody(BodyModel):
    document_number: TextLine
    document_type: DocumentType = "sell"
    linked_document_number: Annotated[
        TextLine | None, Field(description="Of a return: the document number of the purchase.")
    ] = None
    purchased_at: Moment | None = None
    purchase_place: Text | None = None
    labels: LabelsField = Field(default_factory=list)


class ItemBody(BodyModel):
    sku: SkuBody | TextLine
    name: Text = ""
    quantity: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    high_precision_quantity: Annotated[
        Units | None, Field(description="The exact quantity of goods that are weighed or measured.")
    ] = None
    gross_value: Amount
    category: Text | None = None
    maker: Text | None = None
    labels: LabelsField = Field(default_factory=list)


class BuyerBody(BodyModel):
    customer_id: Uuid | None = None
    email: Text | None = None
    name: Text | None = None
    nip: Text | None = None
    phone: Text | None = None
    loyalty_card_number: Text | None = None
    address: AddressBody | None = None


class TransactionFields(BodyModel):
    header: DocumentHeaderBody
    items: Annotated[list[ItemBody], Field(min_length=1, max_length=500)]
    customer_data: BuyerBody | None = None
    channel_id: Uuid | None = None


class TransactionBody(BodyModel):
    transaction: TransactionFields


class LabelsBody(BodyModel):
    labels: LabelsField


class AssignFields(BodyModel):
    """Of the last four, one."""

    transaction_document_number: TextLine
    customer_id: Uuid | None = None
    customer_loyalty_card_number: TextLine | None = None
    customer_phone_number: TextLine | None = None
    customer_email: TextLine | None = None


class AssignBody(BodyModel):
    assign: AssignFields


def routes(command_service: CommandService) -> APIRouter:
    reads = TransactionReads(command_service)
    router = Router(
        prefix="/api/{storeCode}/transaction", tags=["transactions"], dependencies=[require_scope("commands")]
    )
    head = Depends(command_service.asked)

    @router.post("", summary="Record a purchase or a return")
    async def record(asked: Annotated[ChangeRequest, head], body: TransactionBody) -> Response:
        """Matched to a member afterwards, by the card number, phone or e-mail of its `customerData`; at once,
        where that has the `customerId`."""
        return await _record(command_service, asked, body.transaction)

    @router.post("/assign", summary="Match a transaction to a member")
    async def assign(asked: Annotated[ChangeRequest, head], body: AssignBody) -> Response:
        """Answered once the member has it, or could not take it."""
        return await _assign(reads, asked, body.assign)

    @router.put("/{transaction}/labels", summary="Add labels to a transaction", status_code=204)
    async def label(
        asked: Annotated[ChangeRequest, head], transaction: TransactionId, body: LabelsBody
    ) -> Response:
        """A label with the key of another one takes its place."""
        return await _label(reads, asked, transaction, {"added": _attributes(body.labels)})

    @router.delete("/{transaction}/labels", summary="Remove labels from a transaction", status_code=204)
    async def unlabel(
        asked: Annotated[ChangeRequest, head], transaction: TransactionId, body: LabelsBody
    ) -> Response:
        """Labels with that key and value; those that it does not have change nothing."""
        return await _label(reads, asked, transaction, {"removed": _attributes(body.labels)})

    return router


def reading_routes(command_service: CommandService) -> APIRouter:
    reads = TransactionReads(command_service)
    router = Router(
        prefix="/api/{storeCode}/transaction", tags=["transactions"], dependencies=[require_scope("read")]
    )

    @router.get("", summary="List transactions")
    async def index(store: StoreCode, request: Request) -> Response:
        """Filters are `field=value` or `field[operator]=value`, labels `header:labels=(key;value)`; order,
        pages and `_scroll` as of the list of subscriptions."""
        return exact_json(await reads.page(store, request.query_params.multi_items()))

    @router.get("/{transaction}", summary="Read a transaction")
    async def read(store: StoreCode, transaction: TransactionId) -> Response:
        """With what it earned, and what returns have taken of that."""
        return exact_json(reads.row(store, await reads.one(store, transaction)))

    return router


async def _label(
    reads: TransactionReads, asked: ChangeRequest, transaction_id: str, change: Mapping[str, Any]
) -> Response:
    found = await reads.one(asked.store, transaction_id)
    # A document keeps its labels itself, whoever it is matched to.
    owner = transaction_id if isinstance(found.said, Document) else found.member_id or transaction_id
    command = ChangeTransactionLabels(**asked.head(owner), transaction_id=transaction_id, **change)
    return await reads.command_service.answer(asked, command, {"labels": "labels"})


async def _record(command_service: CommandService, asked: ChangeRequest, said: TransactionFields) -> Response:
    number, buyer = said.header.document_number, said.customer_data
    fields: dict[str, Any] = {
        "document_number": number,
        "purchased_at": said.header.purchased_at or asked.at,
        "document_type": said.header.document_type,
        "linked_document_number": said.header.linked_document_number,
        "items": tuple(_item(item) for item in said.items),
        "buyer": _buyer(buyer) if buyer else None,
        "channel_id": said.channel_id,
        "purchase_place": said.header.purchase_place,
        "labels": _attributes(said.header.labels),
    }
    if buyer and buyer.customer_id:
        path = "transaction.customerData.customerId"
        member_id = await command_service.member_in(asked.store, buyer.customer_id, path)
        registering = RegisterTransaction(**asked.head(member_id), **fields)
        names = {**TRANSACTION_FIELDS, "member_id": path}
        return await command_service.answer(
            asked, registering, names, lambda act: {"transactionId": act.id("transaction")}
        )
    own = document_id(asked.store, number, said.header.document_type)
    recording = RecordTransaction(**asked.head(own), **fields)
    return await command_service.answer(
        asked, recording, TRANSACTION_FIELDS, lambda act: {"transactionId": act.member_id}
    )


def _attributes(labels: list[AttributeBody]) -> tuple[Attribute, ...]:
    return tuple(Attribute(key=label.key, value=label.value) for label in labels)


def _item(item: ItemBody) -> Item:
    exact = item.high_precision_quantity
    return Item(
        sku=item.sku.code if isinstance(item.sku, SkuBody) else item.sku,
        name=item.name,
        quantity=item.quantity or min(max(1, ceil(exact or 1)), 2**31 - 1),
        high_precision_quantity=exact,
        gross_value=item.gross_value,
        category=item.category,
        maker=item.maker,
        labels=_attributes(item.labels),
    )


def _buyer(body: BuyerBody) -> Buyer:
    return Buyer(
        **body.model_dump(exclude={"customer_id", "address"}),
        address=Address(**body.address.model_dump()) if body.address else None,
    )


async def _assign(reads: TransactionReads, asked: ChangeRequest, said: AssignFields) -> Response:
    command_service = reads.command_service
    whom = said.model_dump(exclude={"transaction_document_number"}, exclude_none=True)
    if len(whom) != 1:
        message = (
            "One of customerId, customerLoyaltyCardNumber, customerPhoneNumber and customerEmail must be "
            f"given, not {len(whom)}."
        )
        raise Invalid(Complaint("assign", message, "one_of"))
    if said.customer_id:
        await command_service.member_in(asked.store, said.customer_id, "assign.customerId")
    document = await reads.document(asked.store, said.transaction_document_number)
    command = AssignTransaction(
        **asked.head(document),
        document_number=said.transaction_document_number,
        to_member=said.customer_id,
        loyalty_card_number=said.customer_loyalty_card_number,
        phone=said.customer_phone_number,
        email=said.customer_email,
    )

    def made(act: EventContext) -> object:
        return {"transactionId": document, "customerId": act.member_id}

    return await command_service.answer(asked, command, ASSIGN_FIELDS, made)
