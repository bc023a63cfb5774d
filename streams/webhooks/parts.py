"""Parts that several bodies share."""

from datetime import UTC, datetime
from typing import Literal, overload

from streams.domain.calendar import Calendar
from streams.domain.store import WalletLabel
from streams.domain.values import Address, Attribute, Buyer, Cause, Company, Coupon, Item, plain_decimal
from streams.webhooks.events import Customer
from streams.webhooks.reward_shapes import CouponIssued, CouponOfUse
from streams.webhooks.shapes import ActionCause, Contact, Firm, Line, Pair, Place, Till, Wallet


@overload
def iso_instant(instant: datetime) -> str: ...
@overload
def iso_instant(instant: datetime | None) -> str | None: ...
def iso_instant(instant: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second, with a numeric offset, as the original platform writes it."""
    return instant.astimezone(UTC).isoformat(timespec="seconds") if instant else None


def midnight(stored: datetime | None, calendar: Calendar) -> str | None:
    """A stored day as receivers get it: midnight with the store's offset on that day."""
    return calendar.midnight(calendar.stored_to_day(stored)).isoformat() if stored else None


@overload
def unix_seconds(instant: datetime) -> int: ...
@overload
def unix_seconds(instant: datetime | None) -> int | None: ...
def unix_seconds(instant: datetime | None) -> int | None:
    return int(instant.timestamp()) if instant else None


def customer(member: Customer) -> Contact:
    return {
        "customerId": member.customer_id,
        "email": member.email,
        "phone": member.phone,
        "loyaltyCardNumber": member.loyalty_card_number,
    }


def address(place: Address | None) -> Place | None:
    if place is None:
        return None
    return {
        "street": place.street,
        "address1": place.address1,
        "address2": place.address2,
        "postal": place.postal,
        "city": place.city,
        "province": place.province,
        "country": place.country,
    }


def company(firm: Company | None) -> Firm | None:
    return {"name": firm.name, "nip": firm.nip} if firm else None


def attributes(pairs: tuple[Attribute, ...]) -> list[Pair]:
    return [{"key": pair.key, "value": pair.value} for pair in pairs]


def item(line: Item) -> Line:
    return {
        "sku": {"code": line.sku},
        "name": line.name,
        "quantity": line.quantity,
        "grossValue": plain_decimal(line.gross_value),
        "category": line.category,
        "maker": line.maker,
        "labels": attributes(line.labels),
    }


def buyer(given: Buyer | None) -> Till | None:
    if given is None:
        return None
    return {
        "email": given.email,
        "name": given.name,
        "nip": given.nip,
        "phone": given.phone,
        "loyaltyCardNumber": given.loyalty_card_number,
        "address": address(given.address),
    }


def wallet_type(wallet: WalletLabel) -> Wallet:
    return {
        "name": wallet.name,
        "walletTypeId": wallet.wallet_type_id,
        "code": wallet.code,
        "unitSingularName": wallet.unit_singular_name,
        "unitPluralName": wallet.unit_plural_name,
        "active": wallet.active,
        "isDefault": wallet.is_default,
        "createdAt": iso_instant(wallet.created_at),
        "limits": None,
        "allowNegativeBalance": wallet.allow_negative_balance,
    }


def action_cause(cause: Cause | None, customer_id: str) -> ActionCause | None:
    """Null when a person did it by hand."""
    if cause is None:
        return None
    return {
        "customerId": customer_id,
        "campaignId": cause.campaign_id,
        "transactionId": cause.transaction_id,
        "customEventId": cause.custom_event_id,
        "internalEventName": cause.internal_event_name,
    }


def coupon_issued(issued: Coupon) -> CouponIssued:
    return {
        "code": issued.code,
        "value": plain_decimal(issued.value),
        "activeFrom": iso_instant(issued.active_from),
        "activeTo": iso_instant(issued.active_to),
    }


def coupon(issued: Coupon) -> CouponOfUse:
    """Whether the coupon can be used at `at`. No webhook with this field is about a used coupon."""
    return {**coupon_issued(issued), "usedAt": None}


def coupon_status(issued: Coupon, at: datetime) -> Literal["active", "inactive"]:
    return "active" if issued.active_from <= at else "inactive"
