"""Shapes of `data`, key by key as receivers get it.

The functions that make bodies are typed by them, so that mypy checks each body; JSON Schemas are made from
them. Every key is always present, and null if unknown, except those that are NotRequired, which the original
platform does not have.
"""

from decimal import Decimal
from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from streams.domain.values import DocumentType

Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Unix = Annotated[int, Meta(description="Seconds since 1970, UTC.")]
Amount = Annotated[Decimal, Meta(description="Exact, at most six decimals.")]

OLD_CHANGES = ["add", "subtract", "p2p_add", "p2p_subtract"]
CHANGES = [*OLD_CHANGES, "block", "unblock", "expire", "activate", "cancel"]
ChangeType = Annotated[str, Meta(extra_json_schema={"enum": CHANGES})]
OldChangeType = Annotated[str, Meta(extra_json_schema={"enum": OLD_CHANGES})]


class Contact(TypedDict):
    customerId: Id
    email: str | None
    phone: str | None
    loyaltyCardNumber: str | None


class Place(TypedDict):
    street: str | None
    address1: str | None
    address2: str | None
    postal: str | None
    city: str | None
    province: str | None
    country: str | None


class Firm(TypedDict):
    name: str | None
    nip: str | None


class Pair(TypedDict):
    key: str
    value: str


class Sku(TypedDict):
    code: str


class Line(TypedDict):
    sku: Sku
    name: str
    quantity: int
    grossValue: Amount
    category: str | None
    maker: str | None
    labels: list[Pair]


class Till(TypedDict):
    """The customer data that came with a transaction."""

    email: str | None
    name: str | None
    nip: str | None
    phone: str | None
    loyaltyCardNumber: str | None
    address: Place | None


class Wallet(TypedDict):
    name: str
    walletTypeId: Id
    code: str
    unitSingularName: str
    unitPluralName: str
    active: bool
    isDefault: bool
    createdAt: Moment
    limits: None
    allowNegativeBalance: bool


class WalletOf(TypedDict):
    walletId: Id
    walletType: Wallet


class ActionCause(TypedDict):
    customerId: Id
    campaignId: Id | None
    transactionId: Id | None
    customEventId: Id | None
    internalEventName: str | None


class DatedCause(ActionCause):
    performedAt: Moment | None


class Registered(TypedDict):
    referralToken: str | None
    firstName: str | None
    lastName: str | None
    email: str | None
    phone: str | None
    gender: str | None
    birthDate: Moment | None
    registeredAt: Moment
    address: Place | None
    company: Firm | None
    loyaltyCardNumber: str | None
    customAttributes: list[Pair]
    agreement1: bool
    agreement2: bool
    agreement3: bool


class CustomerRegisteredBody(TypedDict):
    customerId: Id
    customerData: Registered


class CustomerBody(TypedDict):
    customer: Contact


class CodeBody(CustomerBody):
    code: str
    codeNumber: int


class Level(TypedDict):
    levelId: Id
    name: str
    levelMoveUp: bool
    levelMoveDown: bool


class LevelChangedBody(CustomerBody):
    level: Level


class LevelWillExpireBody(TypedDict):
    customerId: Id
    customerEmail: str | None
    customerPhone: str | None
    customerLoyaltyCardNumber: str | None
    customerFirstName: str | None
    customerLastName: str | None
    levelId: Id
    levelName: str
    futureLevelId: Id | None
    futureLevelName: str | None


class TransactionRegisteredBody(TypedDict):
    transactionId: Id
    documentNumber: str
    purchasedAt: Moment
    documentType: DocumentType
    customerData: Till | None
    items: list[Line]
    channelId: Id | None


class TransactionAssignedBody(TypedDict):
    transactionId: Id
    grossValue: Amount
    customer: Contact


class PointsWillExpireBody(TypedDict):
    accountId: Id
    points: Amount
    remainingUnits: Amount
    pointsWillExpire: Moment


class TakenBack(TypedDict):
    """The units that a return took, by their former state, and the missing ones."""

    purchaseDocumentNumber: str | None
    pending: Amount
    active: Amount
    blocked: Amount
    owed: Annotated[Decimal, Meta(description="The member's debt: units that come pay it first.")]
    waived: Annotated[Decimal, Meta(description="Not there, and not asked for any more.")]


class AmountChangedBody(TypedDict):
    customer: Contact
    accountId: Id
    amount: Amount
    amountChange: Annotated[Decimal, Meta(description="Never negative: the type says which way.")]
    amountChangeType: ChangeType
    transferId: Id
    wallet: WalletOf
    actionCause: DatedCause | None
    takenBack: NotRequired[TakenBack]
