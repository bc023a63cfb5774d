"""Blocks that several bodies share, in the outside world's words."""

from datetime import UTC, datetime
from typing import Any

from streams.domain.store import WalletLabel
from streams.domain.values import Address, Attribute, Cause, Coupon, Item, plain
from streams.webhooks.catalogue import Body
from streams.webhooks.events import Customer


def moment(instant: datetime | None) -> str | None:
    """ISO 8601 to the second with a numeric offset, in UTC: the old edition's form."""
    return instant.astimezone(UTC).isoformat(timespec="seconds") if instant else None


def unix(instant: datetime | None) -> int | None:
    return int(instant.timestamp()) if instant else None


def customer(member: Customer) -> Body:
    return {
        "customerId": member.customer_id,
        "email": member.email,
        "phone": member.phone,
        "loyaltyCardNumber": member.loyalty_card_number,
    }


def address(place: Address | None) -> Body | None:
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


def attributes(pairs: tuple[Attribute, ...]) -> list[Body]:
    return [{"key": pair.key, "value": pair.value} for pair in pairs]


def item(line: Item) -> Body:
    return {
        "sku": {"code": line.sku},
        "name": line.name,
        "quantity": line.quantity,
        "grossValue": plain(line.gross_value),
        "category": line.category,
        "maker": line.maker,
        "labels": attributes(line.labels),
    }


def wallet_type(wallet: WalletLabel) -> Body:
    return {
        "name": wallet.name,
        "walletTypeId": wallet.wallet_type_id,
        "code": wallet.code,
        "unitSingularName": wallet.unit_singular_name,
        "unitPluralName": wallet.unit_plural_name,
        "active": wallet.active,
        "isDefault": wallet.is_default,
        "createdAt": moment(wallet.created_at),
        "limits": None,
        "allowNegativeBalance": wallet.allow_negative_balance,
    }


def action_cause(cause: Cause | None, customer_id: str) -> dict[str, Any] | None:
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


def coupon(issued: Coupon) -> Body:
    return {
        "code": issued.code,
        "value": plain(issued.value),
        "activeFrom": moment(issued.active_from),
        "activeTo": moment(issued.active_to),
        "usedAt": None,
    }
