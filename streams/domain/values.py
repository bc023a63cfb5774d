"""Values that commands, events and state share.

Units of points and money are exact decimals, never floats; instants are aware and in UTC.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, dataclass_transform

from msgspec import Meta, Struct, StructMeta, field

# The limits of the original platform: strings of 255 characters, numbers of six decimals.
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
Text = Annotated[str, Meta(max_length=255)]
Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
Instant = Annotated[datetime, Meta(tz=True)]

DocumentType = Literal["sell", "return"]

SMALLEST_UNIT = Decimal("0.000001")
"""The smallest amount: the original platform has six decimals."""
MAX_AMOUNT = Decimal("999999999999")
"""The largest amount: what the schemas' decimal(18, 6) holds, in whole units."""


def is_amount(number: Decimal) -> bool:
    """Whether it lies between 0 and MOST and has six decimals at most.

    It is compared after rounding, because the remainder of 1E-999999999 cannot be told from 0.
    """
    return number.is_finite() and 0 <= number <= MAX_AMOUNT and number == number.quantize(SMALLEST_UNIT)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class FrozenMeta(StructMeta):
    """Makes frozen and keyword-only the default, because msgspec does not inherit them."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        return super().__new__(
            mcs, name, bases, namespace, **{"frozen": True, "kw_only": True, "gc": False, **options}
        )


class Value(Struct, metaclass=FrozenMeta):
    """Base of all values: frozen, slotted, built by keyword."""


class Address(Value):
    street: Text | None = None
    address1: Text | None = None
    address2: Text | None = None
    postal: Text | None = None
    city: Text | None = None
    province: Text | None = None
    country: Text | None = None


class Company(Value):
    name: Text | None = None
    nip: Text | None = None


class Attribute(Value):
    """A custom attribute or a label."""

    key: Text
    value: Text


class Profile(Value):
    """A member's profile."""

    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    loyalty_card_number: Text | None = None
    gender: Text | None = None
    birth_date: Instant | None = None
    referral_token: Text | None = None
    address: Address | None = None
    company: Company | None = None
    custom_attributes: tuple[Attribute, ...] = ()
    agreement1: bool = False
    agreement2: bool = False
    agreement3: bool = False


class Buyer(Value):
    """The customer data that came with a transaction."""

    email: Text | None = None
    name: Text | None = None
    nip: Text | None = None
    phone: Text | None = None
    loyalty_card_number: Text | None = None
    address: Address | None = None


class Item(Value):
    """One line of a transaction. `gross_value` is the line's, in the store's currency."""

    sku: Text
    name: Text
    quantity: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    gross_value: Decimal
    category: Text | None = None
    maker: Text | None = None
    labels: tuple[Attribute, ...] = ()
    high_precision_quantity: Decimal | None = None
    """The exact quantity of goods that are weighed or measured. `quantity` is then the next whole number."""

    @property
    def exact_quantity(self) -> Decimal:
        exact = self.high_precision_quantity
        return Decimal(self.quantity) if exact is None else exact


class SkuTotal(Value):
    """The sum of all lines of one SKU in a transaction."""

    sku: Text
    quantity: int
    gross_value: Decimal
    high_precision_quantity: Decimal | None = None
    """The exact quantity, if one of the lines has one."""

    @property
    def exact_quantity(self) -> Decimal:
        exact = self.high_precision_quantity
        return Decimal(self.quantity) if exact is None else exact


class Cause(Value):
    """Why units or rewards moved: the campaign, and what triggered it."""

    campaign_id: Uuid | None = None
    transaction_id: Uuid | None = None
    custom_event_id: Uuid | None = None
    internal_event_name: Text | None = None
    performed_at: Instant | None = None


class Coupon(Value):
    """A coupon code that a shop accepts from `active_from` to `active_to` (None: without end)."""

    code: Text
    value: Decimal
    active_from: Instant
    value_type: Literal["money", "percentage"] = "money"
    active_to: Instant | None = None


IdentifierKind = Literal["loyaltyCardNumber", "phone", "email"]
ReservedKind = IdentifierKind | Literal["document"]
"""What is unique over a store's members: their identifiers, and the transactions' document numbers."""
RedemptionStatus = Literal[
    "issued",
    "pending",
    "approved",
    "packing",
    "awaiting_shipping",
    "shipped",
    "returned",
    "completed",
    "canceled",
    "rejected",
]
TriggerType = Literal["transaction", "return_transaction", "custom_event", "internal_event"]
EffectType = Literal[
    "give_points",
    "deduct_unit",
    "give_reward",
    "assign_member_custom_attribute",
    "remove_member_custom_attribute",
]


class Identifier(Value):
    """An identifier of a member besides the id, in normal form, or a transaction's document. Unique within a
    store. A document's `value` is its `document_id`, whatever characters its number has."""

    kind: ReservedKind
    value: str
    """May be longer than the typed text: lower case can have more characters than upper case."""


class Trigger(Value):
    """What triggered a campaign. `performed_at` is the date of the purchase or event itself."""

    type: TriggerType
    trigger_id: Uuid
    created_at: Instant
    performed_at: Instant | None = None
    document_number: Text | None = None
    event_name: Text | None = None
    """The custom event's type, or the internal event's name."""


class EffectGiven(Value):
    """The result of a campaign's effect; `skipped` if there was nothing to give or to deduct."""

    type: EffectType
    status: Literal["success", "skipped", "failed"] = "success"
    wallet: Code | None = None
    points: Decimal | None = None
    reward_id: Uuid | None = None
    coupon_value: Decimal | None = None
    attribute: Attribute | None = None


class Draw(Value):
    """Units drawn from one lot. The instants are the lot's, and give its place in spending order."""

    lot_id: Uuid
    units: Decimal
    earned_at: Instant
    expires_at: Instant | None
    oldest_first: bool = False
    """Whether the lot is sorted by age instead of expiry."""


class Share(Value):
    """Units of one lot."""

    lot_id: Uuid
    units: Decimal


class BlockedShare(Value):
    """Units of one lot that are held by a blocking transfer."""

    transfer_id: Uuid
    lot_id: Uuid
    units: Decimal


def plain_decimal(amount: Decimal) -> Decimal:
    """`amount` without trailing zeros or, below 10^20, an exponent: 293.300000 → 293.3, 1E+1 → 10.

    Larger numbers are a producer's mistake and may have any length: they keep their exponent.
    """
    whole = abs(amount) < Decimal("1E+20") and amount == amount.to_integral_value()
    return amount.quantize(Decimal(1)) if whole else amount.normalize()
