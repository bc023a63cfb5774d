"""Bodies of the webhooks about members."""

from streams.webhooks.catalogue import Body, webhook
from streams.webhooks.events import CustomerRegistered
from streams.webhooks.parts import address, attributes, moment, unix


def _legacy(event: CustomerRegistered) -> Body:
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
            "createdAt": unix(event.registered_at),
            "address": address(who.address),
            "company": _company(event),
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


@webhook(CustomerRegistered, legacy=_legacy)
def customer_registered(event: CustomerRegistered) -> Body:
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
            "birthDate": moment(who.birth_date),
            "registeredAt": moment(event.registered_at),
            "address": address(who.address),
            "company": _company(event),
            "loyaltyCardNumber": who.loyalty_card_number,
            "customAttributes": attributes(who.custom_attributes),
            "agreement1": who.agreement1,
            "agreement2": who.agreement2,
            "agreement3": who.agreement3,
        },
    }


def _company(event: CustomerRegistered) -> Body | None:
    company = event.profile.company
    return {"name": company.name, "nip": company.nip} if company else None
