"""Shapes of the legacy bodies' `data`, for webhooks that the original platform's earlier version had."""

from typing import Annotated, Literal, TypedDict, TypeVar

from msgspec import Meta

from streams.domain.values import DocumentType
from streams.webhooks.shapes import Amount, Firm, Id, Line, Moment, OldChangeType, Pair, Place, Till, Unix

T = TypeVar("T")
MAX_ARRAY_ITEMS = 1000
"""Most items in one request of the earlier version."""
CollectedArray = Annotated[
    list[T],
    Meta(
        description="One element for each that is told of: what came within the deployment's batch time.",
        extra_json_schema={"minItems": 1, "maxItems": MAX_ARRAY_ITEMS},
    ),
]


class OldCustomer(TypedDict):
    customerId: Id


class OldRegistered(TypedDict):
    firstName: str | None
    lastName: str | None
    gender: str | None
    email: str | None
    phone: str | None
    levelAchievementDate: Moment | None
    createdAt: Unix
    address: Place | None
    company: Firm | None
    loyaltyCardNumber: str | None
    labels: list[Pair]
    agreement1: bool
    agreement2: bool
    agreement3: bool
    referral_customer_email: str | None
    levelId: Id | None
    posId: Id | None


class OldCustomerRegistered(TypedDict):
    customerId: Id
    data: OldRegistered


class OldLevel(TypedDict):
    customerId: Id
    levelId: Id
    levelName: str
    levelAchievementDate: Moment


class OldLevelMoved(OldLevel):
    levelMove: Literal["up", "down"]


class OldPurchase(TypedDict):
    documentType: DocumentType
    documentNumber: str
    purchasePlace: str | None
    purchaseDate: Moment


class OldTransaction(TypedDict):
    transactionId: Id
    transactionData: OldPurchase
    customerData: Till | None
    items: list[Line]
    posId: Id | None


class OldAssigned(TypedDict):
    transactionId: Id
    customerId: Id
    grossValue: Amount


class OldAmountChanged(TypedDict):
    customerId: Id
    amount: Amount
    amount_change: Amount
    amount_change_type: OldChangeType


class OldPointsWillExpire(TypedDict):
    customerId: Id
    customerEmail: str | None
    customerPhone: str | None
    customerLoyaltyCardNumber: str | None
    customerFirstName: str | None
    customerLastName: str | None
    points: Amount
    pointsWillExpire: Moment


class OldCouponWillExpire(TypedDict):
    customerId: Id
    customerEmail: str | None
    customerLoyaltyCardNumber: str | None
    customerPhone: str | None
    coupon: str
    couponExpiresAt: Unix | None
    couponStatus: Literal["active", "inactive"]
