"""Bodies of the webhooks about members."""

from streams.webhooks.catalogue import webhook
from streams.webhooks.events import (
    CustomerDeactivated,
    CustomerRegistered,
    CustomerUpdated,
)
from streams.webhooks.legacy_shapes import OldCustomer, OldCustomerRegistered
from streams.webhooks.parts import address, attributes, company, customer, iso_instant, unix_seconds
from streams.webhooks.shapes import CustomerBody, CustomerRegisteredBody


def _legacy_registered(event: CustomerRegistered) -> OldCustomerRegistered:
    who = event.profile
    return {
        "customerId": event.member_id,
        "data": {
            "firstName": who.first_name,
            "lastName": who.last_name,
            "gender": who.gender,
            "email": who.email,
            "phone": who.phone,
            "levelAchievementDate": None,
            "createdAt": unix_seconds(event.registered_at),
            "address": address(who.address),
            "company": company(who.company),
            "loyaltyCardNumber": who.loyalty_card_number,
            "labels": attributes(who.custom_attributes),
            "agreement1": who.agreement1,
            "agreement2": who.agreement2,
            "agreement3": who.agreement3,
            "referral_customer_email": None,
            "levelId": None,
            "posId": None,
        },
    }


@webhook(
    CustomerRegistered,
    legacy_type="customer.registered",
    legacy=_legacy_registered,
    triggers=(
        "A member is created in the admin panel.",
        "A member is created through the API: POST /api/{storeCode}/member.",
    ),
)
def customer_registered(event: CustomerRegistered) -> CustomerRegisteredBody:
    """A member was created, in the panel or through the API."""
    who = event.profile
    return {
        "customerId": event.member_id,
        "customerData": {
            "referralToken": who.referral_token,
            "firstName": who.first_name,
            "lastName": who.last_name,
            "email": who.email,
            "phone": who.phone,
            "gender": who.gender,
            "birthDate": event.birth_date or iso_instant(who.birth_date),
            "registeredAt": iso_instant(event.registered_at),
            "address": address(who.address),
            "company": company(who.company),
            "loyaltyCardNumber": who.loyalty_card_number,
            "customAttributes": attributes(who.custom_attributes),
            "agreement1": who.agreement1,
            "agreement2": who.agreement2,
            "agreement3": who.agreement3,
        },
    }


def _legacy_customer(event: CustomerUpdated | CustomerDeactivated) -> OldCustomer:
    return {"customerId": event.member_id}


@webhook(
    CustomerUpdated,
    legacy_type="customer.updated",
    legacy=_legacy_customer,
    triggers=(
        "A member's first or last name, phone number, e-mail, loyalty card number, gender, registration date "
        "or birthday is added or changed, in the panel or through the API.",
        "A member's tier changes.",
        "A member's custom attributes are added or changed.",
        "A member's address or company details are added or changed.",
        "A member's agreements change.",
    ),
)
def customer_updated(event: CustomerUpdated) -> CustomerBody:
    """What the programme knows of a member changed: basic information, attributes, agreements or tier."""
    return {"customer": customer(event.customer)}


@webhook(
    CustomerDeactivated,
    legacy_type="customer.deactivated",
    legacy=_legacy_customer,
    triggers=(
        "A member is deactivated in the admin panel.",
        "A member is deactivated through the API: POST /api/{storeCode}/member/{member}/deactivate.",
    ),
)
def customer_deactivated(event: CustomerDeactivated) -> CustomerBody:
    """A member was deactivated, in the panel or through the API."""
    return {"customer": customer(event.customer)}
